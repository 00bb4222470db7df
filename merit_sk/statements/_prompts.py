"""Phrases in which reports express each statement: prompts, and the words of simulated reports.

Wording follows what is frequent in real reports: ``machine`` the statements of English
interpretation programs, ``english`` and ``german`` the free text of cardiologists.
"""

from ._codes import PTBXL_STATEMENTS, task_labels

# code, then lines "m" (machine), "e" (English free text), "g" (German free text)
_TABLE = """
1AVB
m with 1st degree AV block; Sinus rhythm with 1st degree AV block
e first degree AV block; first degree atrioventricular block with a long PR interval
g av-block i. grades; a-v block i; av block ersten grades
2AVB
m with 2nd degree AV block; with 2nd degree AV block (Mobitz I); with 2:1 AV conduction
e second degree AV block; second degree AV block with dropped beats
g av-block ii. grades; a-v block ii; av-block ii. grades mit ausfall von kammerkomplexen
3AVB
m with complete heart block; with AV dissociation
e third degree AV block; complete heart block with escape rhythm; complete av dissociation
g av-block iii. grades; totaler av-block; kompletter av-block mit ersatzrhythmus
ABQRS
m Abnormal QRS complex
e abnormal QRS complexes; QRS complexes are abnormal
g qrs(t) abnorm; qrs(t) abnormal; qrs-komplex abnorm
AFIB
m Atrial fibrillation; Atrial fibrillation with rapid ventricular response
e atrial fibrillation; absolute arrhythmia due to atrial fibrillation
g vorhofflimmern; vorhofflimmern/-flattern; absolute arrhythmie bei vorhofflimmern
AFLT
m Atrial flutter; Atrial flutter with 2:1 AV conduction; Atrial flutter with variable AV block
e atrial flutter; atrial flutter with 2:1 av block
g vorhofflattern; vorhofflattern mit 2:1 überleitung; vorhofflattern mit wechselnder überleitung
ALMI
m Anterolateral infarct, age undetermined; Anterolateral infarct
e anterolateral myocardial infarction; old anterolateral infarction
g anterolateraler infarkt; anterolateraler myokardschaden; anterolateralinfarkt
AMI
m Anterior infarct, age undetermined; Septal infarct, age undetermined; Anterior infarct
e anterior myocardial infarction; old anterior infarction
g vorderwandinfarkt; anteriorer infarkt; anteriorer infarkt alter unbestimmt
ANEUR
m ST elevation with Q waves, consider ventricular aneurysm
e persistent ST elevation suggesting ventricular aneurysm; left ventricular aneurysm
g persistierende st-hebung, verdacht auf aneurysma; st-hebung wie bei herzwandaneurysma; \
herzwandaneurysma
ASMI
m Anteroseptal infarct, age undetermined; Septal infarct, age undetermined; Anteroseptal infarct
e anteroseptal myocardial infarction; old anteroseptal infarction, poor R wave progression
g anteroseptaler infarkt; anteroseptaler myokardschaden; anteroseptaler infarkt alter unbest.
BIGU
m with frequent premature complexes in a pattern of bigeminy; in a pattern of bigeminy
e bigeminy; premature beats in bigeminy; bigeminal rhythm
g bigeminus; extrasystolen im bigeminus; extrasystole(n) bigeminus
CLBBB
m Left bundle branch block
e left bundle branch block; complete left bundle branch block; complete LBBB
g linksschenkelblock; kompletter linksschenkelblock; vollständiger linksschenkelblock
CRBBB
m Right bundle branch block
e right bundle branch block; complete right bundle branch block; complete RBBB
g rechtsschenkelblock; kompletter rechtsschenkelblock; vollständiger rechtsschenkelblock
DIG
m ST depression, consider digitalis effect
e digitalis effect; sagging ST depression consistent with digitalis effect
g digitaliseffekt; muldenförmige st-senkung bei digitalis; digitaliswirkung
EL
m T wave abnormality, consider electrolyte disturbance or drug effect
e may be due to a drug effect or electrolyte disturbance; electrolyte abnormality
g elektrolytstörung; verdacht auf elektrolytstörung oder medikamenteneffekt; kaliumstörung
HVOLT
m High voltage QRS
e voltages are at upper limits; high QRS voltage
g hohe qrs-amplituden; hochspannung; voltage an der oberen grenze
ILBBB
m Incomplete left bundle branch block
e incomplete left bundle branch block; partial left bundle branch block; incomplete LBBB
g unvollständiger linksschenkelblock; inkompletter linksschenkelblock; beginnender \
linksschenkelblock
ILMI
m Inferior-lateral infarct, age undetermined; Inferolateral infarct, age undetermined
e inferolateral myocardial infarction; old inferolateral infarction
g inferolateraler infarkt; inferolateraler infarkt alter unbest.; inferolateraler myokardschaden
IMI
m Inferior infarct, age undetermined; Inferior infarct; Possible Inferior infarct
e inferior myocardial infarction; Q waves in II, III, aVF suggesting old inferior infarction
g inferiorer infarkt; hinterwandinfarkt; inferiorer infarkt wahrscheinlich alt
INJAL
m Marked ST abnormality, possible anterolateral subendocardial injury
e subendocardial injury in anterolateral leads; marked ST depression in I, aVL, V4-V6
g subendokardiale schädigung anterolateral; ausgeprägte st-senkung in anterolateralen \
ableitungen; innenschichtschaden anterolateral
INJAS
m Marked ST abnormality, possible anteroseptal subendocardial injury; Marked ST abnormality, \
possible anterior subendocardial injury
e subendocardial injury in anteroseptal leads; marked ST depression in V1-V4
g subendokardiale schädigung anteroseptal; ausgeprägte st-senkung in anteroseptalen ableitungen; \
innenschichtschaden anteroseptal
INJIL
m Marked ST abnormality, possible inferolateral subendocardial injury
e subendocardial injury in inferolateral leads; marked ST depression in II, III, aVF, V5, V6
g subendokardiale schädigung inferolateral; ausgeprägte st-senkung in inferolateralen \
ableitungen; innenschichtschaden inferolateral
INJIN
m Marked ST abnormality, possible inferior subendocardial injury
e subendocardial injury in inferior leads; marked ST depression in II, III, aVF
g subendokardiale schädigung inferior; ausgeprägte st-senkung in inferioren ableitungen; \
innenschichtschaden inferior
INJLA
m Marked ST abnormality, possible lateral subendocardial injury
e subendocardial injury in lateral leads; marked ST depression in I, aVL, V5, V6
g subendokardiale schädigung lateral; ausgeprägte st-senkung in lateralen ableitungen; \
innenschichtschaden lateral
INVT
m T wave inversion
e T waves are inverted; inverted T waves
g t-negativierung; negative t-wellen; t-inversion
IPLMI
m Inferior-posterior-lateral infarct, age undetermined
e inferoposterolateral myocardial infarction; old infarction of inferior, posterior and lateral \
wall
g inferoposterolateraler infarkt; posterolateraler infarkt; inferoposterolateraler \
myokardschaden
IPMI
m Inferior-posterior infarct, age undetermined; Inferior-posterior infarct
e inferoposterior myocardial infarction; inferior infarction with posterior extension
g inferoposteriorer infarkt; inferiorer und posteriorer infarkt; inferoposteriorer \
myokardschaden
IRBBB
m Incomplete right bundle branch block; RSR' or QR pattern in V1 suggests right ventricular \
conduction delay
e incomplete right bundle branch block; rsr' in V1
g unvollständiger rechtsschenkelblock; inkompletter rechtsschenkelblock; rsr' in v1
ISCAL
m ST & T wave abnormality, consider anterolateral ischemia; T wave abnormality, consider \
anterolateral ischemia; T wave abnormality, consider lateral ischemia
e anterolateral ischaemia; ST-T changes in anterolateral leads consistent with ischaemia
g st & t abnorm, wahrscheinlich anterolaterale ischämie; anterolaterale ischämie; anterolaterale \
ischämie oder linksbelastung
ISCAN
m T wave abnormality, consider anterior ischemia; ST & T wave abnormality, consider anterior \
ischemia
e anterior ischaemia; T wave inversion in V2-V4 consistent with ischaemia
g t abnorm in anterioren ableitungen; anteriore ischämie; st & t abnorm, anteriore ischämie
ISCAS
m T wave abnormality, consider anterior ischemia; T wave abnormality, consider anteroseptal \
ischemia
e anteroseptal ischaemia; T waves are inverted in V1-V3, consistent with ischaemia
g anteroseptale ischämie; t abnorm in anteroseptalen ableitungen; st & t abnorm, anteroseptale \
ischämie
ISCIL
m ST & T wave abnormality, consider inferolateral ischemia; T wave abnormality, consider \
inferolateral ischemia
e inferolateral ischaemia; ST-T changes in inferolateral leads consistent with ischaemia
g inferolaterale ischämie; st & t abnorm, wahrscheinlich inferolaterale ischämie; inferolaterale \
ischämie oder linksbelastung
ISCIN
m T wave abnormality, consider inferior ischemia; ST & T wave abnormality, consider inferior \
ischemia
e inferior ischaemia; T waves are inverted in II, III, aVF, consistent with ischaemia
g inferiore ischämie; t abnorm in inferioren ableitungen; st & t abnorm, inferiore ischämie
ISCLA
m T wave abnormality, consider lateral ischemia; ST & T wave abnormality, consider lateral \
ischemia
e lateral ischaemia; high lateral ischaemia; T wave inversion in I, aVL consistent with \
ischaemia
g laterale ischämie; hochlaterale ischämie; t abnorm in hochlateralen ableitungen
ISC_
m ST & T wave abnormality, consider ischemia or left ventricular strain
e consistent with myocardial ischaemia; this may be due to lv strain or ischaemia
g ischämie oder linksbelastung; st & t abnorm, wahrscheinlich ischämie oder linksbelastung; \
linksbelastung oder ischämie
IVCD
m Nonspecific intraventricular conduction delay; Nonspecific intraventricular block
e non-specific intraventricular conduction delay; QRS widening
g unspezifische intraventrikuläre leitungsstörung; intraventrikuläre leitungsstörung; \
intraventr. leitungsstörung
LAFB
m Left anterior fascicular block; Left axis deviation
e left anterior fascicular block; left anterior hemiblock; marked left axis deviation
g linksanteriorer hemiblock; überdrehter linkstyp; linksanteriorer hemiblock, überdrehter \
linkstyp
LAO/LAE
m Left atrial enlargement; Possible Left atrial enlargement
e left atrial enlargement; broad notched P waves suggesting left atrial overload
g p-sinistroatriale; linksatriale belastung; p-verbreiterung; verdacht auf p-sinistrocardiale
LMI
m Lateral infarct, age undetermined; Lateral infarct
e lateral myocardial infarction; old high lateral infarction
g lateraler infarkt; hochlateraler infarkt; lateraler myokardschaden
LNGQT
m Prolonged QT
e prolonged QT interval; long QT
g qt-verlängerung; verlängerte qt-zeit; qt-zeit verlängert
LOWT
m T waves of low amplitude
e T waves are low or flat; low amplitude T waves
g t-abflachung; t flach; niedrige t-wellen
LPFB
m Left posterior fascicular block; Right axis deviation
e left posterior fascicular block; left posterior hemiblock; right axis deviation
g linksposteriorer hemiblock; rechtstyp, linksposteriorer hemiblock; überdrehter rechtstyp
LPR
m with prolonged PR interval; with prolonged AV conduction
e prolonged PR interval
g verlängerte pq-zeit; pq-verlängerung; pq-zeit verlängert
LVH
m Left ventricular hypertrophy; Left ventricular hypertrophy (Sokolow-Lyon); Left ventricular \
hypertrophy (Cornell Product); Left ventricular hypertrophy with repolarization abnormality
e left ventricular hypertrophy; left ventricular hypertrophy with strain
g linkshypertrophie; linksventrikuläre hypertrophie; linkshypertrophie mit linksbelastung
LVOLT
m Low voltage QRS
e low limb lead voltage; low QRS voltage
g periphere niederspannung; niederspannung; niedervoltage
NDT
m Nonspecific T wave abnormality
e T wave changes, non-diagnostic; non-specific T wave abnormality
g unspezifisches abnormes t; unspezifische t-veränderungen; t abnormal
NORM
m Normal ECG; Otherwise normal ECG
e normal ECG; no definite pathology; within normal limits
g normales ekg; sonst normales ekg; lagetyp normal, normales ekg
NST_
m Nonspecific ST abnormality; Nonspecific ST and T wave abnormality
e non-specific ST-T wave changes; non-specific ST changes
g unspezifische st-veränderungen; unspezifische abnormale st-strecke; st-t-veränderungen
NT_
m Nonspecific T wave abnormality
e non-specific T wave flattening; T waves are flat, non-specific
g unspezifische t-abflachung; unspezifische t-wellen-veränderung; t-abflachung, unspezifisch
PAC
m with premature atrial complexes; with occasional premature atrial complexes; with premature \
supraventricular complexes
e premature atrial contractions; atrial premature beats
g supraventrikuläre extrasystole(n); supraventrikuläre extrasystolen; vorhofextrasystolen
PACE
m Ventricular-paced rhythm; Atrial-sensed ventricular-paced rhythm; AV dual-paced rhythm
e pacemaker rhythm; ventricular paced rhythm with pacemaker spikes
g schrittmacher ekg; schrittmacherrhythmus; ventrikuläre schrittmacherstimulation
PMI
m Posterior infarct, age undetermined; Increased R/S ratio in V1, consider posterior infarct
e posterior myocardial infarction; true posterior infarction
g posteriorer infarkt; streng posteriorer infarkt; posteriorer infarkt möglich
PRC(S)
m with premature complexes; with frequent premature complexes
e frequent premature beats; premature complexes
g extrasystolen; extrasystole(n); gehäufte extrasystolen
PSVT
m Supraventricular tachycardia
e paroxysmal supraventricular tachycardia; rapid regular supraventricular tachycardia
g paroxysmale supraventrikuläre tachykardie; anfallsweise supraventrikuläre tachykardie; \
paroxysmale tachykardie
PVC
m with premature ventricular complexes; with occasional premature ventricular complexes; with \
frequent premature ventricular complexes
e premature ventricular contractions; ventricular premature beats; ventricular ectopics
g ventrikuläre extrasystole(n); ventrikuläre extrasystolen; kammerextrasystolen
QWAVE
m Abnormal Q waves
e pathological Q waves; Q waves are present
g pathologische q-zacken; q-zacken; q-zacken nachweisbar
RAO/RAE
m Right atrial enlargement; Possible Right atrial enlargement
e right atrial enlargement; tall peaked P waves suggesting right atrial overload
g p-dextroatriale; rechtsatriale belastung; p-dextrocardiale
RVH
m Right ventricular hypertrophy; Possible Right ventricular hypertrophy
e right ventricular hypertrophy; right ventricular hypertrophy with strain
g rechtshypertrophie; rechtsventrikuläre hypertrophie; rechtsherzbelastung
SARRH
m with sinus arrhythmia; with marked sinus arrhythmia
e sinus arrhythmia; respiratory sinus arrhythmia
g sinusarrhythmie; sinus arrhythmie; respiratorische sinusarrhythmie
SBRAD
m Sinus bradycardia; Marked sinus bradycardia
e sinus bradycardia; sinus rhythm with a slow rate
g sinusbradykardie; sinusrhythmus, bradykard; bradykarder sinusrhythmus
SEHYP
m Deep narrow Q waves, consider septal hypertrophy
e septal hypertrophy; deep but narrow Q waves may indicate septal hypertrophy
g septumhypertrophie; septale hypertrophie; hypertrophie des septums
SR
m Normal sinus rhythm; Sinus rhythm
e sinus rhythm; regular sinus rhythm
g sinusrhythmus; regelmäßiger sinusrhythmus; sinusrhythmus lagetyp normal
STACH
m Sinus tachycardia; Marked sinus tachycardia
e sinus tachycardia; sinus rhythm with a fast rate
g sinustachykardie; sinusrhythmus, tachykard; tachykarder sinusrhythmus
STD_
m ST depression
e ST segments are depressed; non-specific ST depression
g st-senkung; unspezifische abnormale st-senkung; st-streckensenkung
STE_
m ST elevation
e ST segments are elevated; non-specific ST elevation
g st-hebung; unspezifische st-hebung; st-streckenhebung
SVARR
m Unusual P axis, possible ectopic atrial rhythm; Undetermined rhythm
e supraventricular arrhythmia; ectopic atrial rhythm
g supraventrikuläre arrhythmie; ektoper vorhofrhythmus; unklarer vorhofrhythmus
SVTAC
m Supraventricular tachycardia; Unusual P axis, possible ectopic atrial tachycardia
e supraventricular tachycardia; regular narrow complex tachycardia
g supraventrikuläre tachykardie; regelmäßige supraventrikuläre tachykardie; supraventrikuläre \
tachykardie, regelmäßig
TAB_
m T wave abnormality
e T wave abnormality; T waves are abnormal; abnormal T waves
g t-veränderungen; t abnorm; t-wellen-veränderung
TRIGU
m with frequent premature complexes in a pattern of trigeminy; in a pattern of trigeminy
e trigeminy; premature beats in trigeminy
g trigeminus; extrasystolen im trigeminus; extrasystole(n) trigeminus
VCLVH
m Voltage criteria for left ventricular hypertrophy; Minimal voltage criteria for LVH, may be \
normal variant (Sokolow-Lyon); Minimal voltage criteria for LVH, may be normal variant (Cornell \
Product); Moderate voltage criteria for LVH, may be normal variant (R in aVL)
e voltages are high suggesting left ventricular hypertrophy
g amplitudenkriterien für linkshypertrophie; mässige amplitudenkriterien für linkshypertrophie; \
sokolow-lyon-index positiv
WPW
m Wolff-Parkinson-White; Ventricular pre-excitation, WPW pattern type A; Ventricular \
pre-excitation, WPW pattern type B
e Wolff-Parkinson-White pattern; ventricular pre-excitation with delta wave
g wpw-syndrom; wpw typ b; präexzitation mit deltawelle
"""

# Statements whose phrases together speak for a diagnostic superclass, most frequent ones.
_SUPERCLASSES = {
    "NORM": ("NORM",),
    "MI": ("IMI", "ASMI", "ILMI", "ALMI", "AMI"),
    "STTC": ("NDT", "NST_", "ISC_", "ISCAL", "ISCIN"),
    "CD": ("CLBBB", "CRBBB", "LAFB", "IRBBB", "1AVB", "IVCD"),
    "HYP": ("LVH", "LAO/LAE", "RVH", "RAO/RAE"),
}


def _parse(table):
    lines = table.strip().splitlines()
    return {
        code: {line[0]: tuple(line[2:].split("; ")) for line in styles}
        for code, *styles in zip(*[iter(lines)] * 4, strict=True)
    }


_PHRASES = _parse(_TABLE)


def phrases(code, style):
    """Return phrases for a statement in a style: ``"machine"``, ``"english"`` or ``"german"``."""
    return _PHRASES[code][style[0]]


def statement_prompts(code, language="en"):
    """Return report-like phrases that express a PTB-XL statement or superclass.

    Prompts work for zero-shot classification when they speak the language of the reports a model
    was pretrained on. These follow the wording of real ones: machine statements and cardiologists'
    free text in English, cardiologists' free text in German.

    Parameters
    ----------
    code : str
        One of the 71 PTB-XL statements, e.g. ``"CLBBB"``, or of the 5 superclasses ``"NORM"``,
        ``"MI"``, ``"STTC"``, ``"CD"`` and ``"HYP"``.
    language : {"en", "de"}, default="en"
        Language of the phrases.

    Returns
    -------
    prompts : list of str
        Three or more phrases.

    Raises
    ------
    ValueError
        For an unknown code or language.

    Examples
    --------
    >>> from merit_sk.statements import statement_prompts
    >>> statement_prompts("CLBBB")
    ['Left bundle branch block', 'complete left bundle branch block', 'complete LBBB']
    >>> statement_prompts("AFIB", language="de")[0]
    'vorhofflimmern'
    """
    if language not in ("en", "de"):
        raise ValueError(f'language must be "en" or "de"; got {language!r}.')
    if code not in PTBXL_STATEMENTS and code not in _SUPERCLASSES:
        raise ValueError(
            f"Unknown statement {code!r}: give one of the 71 PTB-XL codes or a superclass "
            f"({', '.join(_SUPERCLASSES)})."
        )
    styles = ("machine", "english") if language == "en" else ("german",)
    found = {}
    for member in _SUPERCLASSES.get(code, (code,)):
        for style in styles:
            for phrase in phrases(member, style):
                found.setdefault(phrase.lower(), phrase)
    return list(found.values())


def task_prompts(task, language="en"):
    """Return phrases for every class of a PTB-XL task, in the order of its classes.

    Parameters
    ----------
    task : {"all", "diagnostic", "subclass", "superclass", "form", "rhythm"}
        Task of the PTB-XL benchmark.
    language : {"en", "de"}, default="en"
        Language of the phrases.

    Returns
    -------
    prompts : dict of str to list of str
        A subclass has the phrases of all its statements.

    Examples
    --------
    >>> from merit_sk.statements import task_prompts
    >>> list(task_prompts("superclass"))
    ['CD', 'HYP', 'MI', 'NORM', 'STTC']
    """
    if task == "superclass":
        return {code: statement_prompts(code, language) for code in sorted(_SUPERCLASSES)}
    prompts = {}
    for code, label in task_labels(task).items():
        prompts.setdefault(label, []).extend(statement_prompts(code, language))
    return {label: list(dict.fromkeys(prompts[label])) for label in sorted(prompts)}
