"""What the report writer in the box is taught: texts of 12SL and of the simulator, in one style.

Statements of 12SL and machine-like reports of the simulator come in pieces, which are joined to
sentences; the names of voltage criteria and the asterisks are left out. German texts of recordings
with 12SL statements are translated phrase by phrase; German nouns of the simulator get capitals.
"""

import re

VOLTAGES = re.compile(r"voltage|Left ventricular hypertrophy|Biventricular hypertrophy", re.I)
_OPEN = r"(\b(?:with|occasional|frequent|consecutive|blocked|and|or|Possible|out|Accelerated)|&)"
_WALLS = {
    "inferior-posterior-lateral": "inferoposterolateral", "inferior-posterior": "inferoposterior",
    "inferior-lateral": "inferolateral", "inferolateral": "inferolateral",
    "anterolateral": "anterolateral", "anteroseptal": "anteroseptal", "anterior": "anterior",
    "inferior": "inferior", "lateral": "lateral", "septal": "septal", "posterior": "posterior",
}  # fmt: skip
_OF_A_WALL = {
    "{} infarct": "{}er Infarkt",
    "{} injury pattern": "{}es Läsionsmuster",
    "consider {} ischemia": "{}e Ischämie möglich",
    "possible {} subendocardial injury": "{}er Innenschichtschaden möglich",
    "consider {} injury or acute infarct": "{}e Läsion oder akuter Infarkt möglich",
    "consider right ventricular involvement in acute {} infarct":
        "Beteiligung des rechten Ventrikels bei akutem {}em Infarkt möglich",
}  # fmt: skip
_GERMAN = {
    # rhythm
    "normal sinus rhythm": "regelmäßiger Sinusrhythmus",
    "sinus rhythm": "Sinusrhythmus",
    "marked sinus bradycardia": "ausgeprägte Sinusbradykardie",
    "sinus bradycardia": "Sinusbradykardie",
    "marked sinus tachycardia": "ausgeprägte Sinustachykardie",
    "sinus tachycardia": "Sinustachykardie",
    "atrial fibrillation": "Vorhofflimmern",
    "atrial flutter": "Vorhofflattern",
    "undetermined rhythm": "unbestimmter Rhythmus",
    "junctional rhythm": "junktionaler Rhythmus",
    "junctional bradycardia": "junktionale Bradykardie",
    "supraventricular tachycardia": "supraventrikuläre Tachykardie",
    "wide qrs rhythm": "Rhythmus mit breitem QRS-Komplex",
    "wide qrs tachycardia": "Tachykardie mit breitem QRS-Komplex",
    "idioventricular rhythm": "idioventrikulärer Rhythmus",
    "accelerated": "akzelerierter",
    "unusual p axis, possible ectopic atrial rhythm":
        "ungewöhnliche P-Achse, ektoper Vorhofrhythmus möglich",
    "unusual p axis, possible ectopic atrial bradycardia":
        "ungewöhnliche P-Achse, ektope Vorhofbradykardie möglich",
    "unusual p axis, possible ectopic atrial tachycardia":
        "ungewöhnliche P-Achse, ektope Vorhoftachykardie möglich",
    "unusual p axis and short pr, probable junctional rhythm":
        "ungewöhnliche P-Achse und kurze PQ-Zeit, wahrscheinlich junktionaler Rhythmus",
    "unusual p axis and short pr, probable junctional tachycardia":
        "ungewöhnliche P-Achse und kurze PQ-Zeit, wahrscheinlich junktionale Tachykardie",
    "atrial-sensed ventricular-paced rhythm": "vorhofgesteuerter Kammerschrittmacher",
    "ventricular-paced rhythm": "Kammerschrittmacher",
    "av dual-paced rhythm": "Zweikammerschrittmacher",
    "atrial-paced rhythm": "Vorhofschrittmacher",
    # what comes with it
    "with rapid ventricular response": "mit schneller Überleitung",
    "with slow ventricular response": "mit langsamer Überleitung",
    "with marked sinus arrhythmia": "mit ausgeprägter Sinusarrhythmie",
    "with sinus arrhythmia": "mit Sinusarrhythmie",
    "with 1st degree av block": "mit AV-Block I. Grades",
    "with 2nd degree av block": "mit AV-Block II. Grades",
    "(mobitz i)": "(Mobitz I)",
    "(mobitz ii)": "(Mobitz II)",
    "with complete heart block": "mit AV-Block III. Grades",
    "with variable av block": "mit wechselndem AV-Block",
    "with 2:1 av conduction": "mit 2:1-Überleitung",
    "with 3:1 av conduction": "mit 3:1-Überleitung",
    "with 4:1 av conduction": "mit 4:1-Überleitung",
    "with prolonged av conduction": "mit verlängerter AV-Überleitung",
    "with av dissociation": "mit AV-Dissoziation",
    "with short pr": "mit kurzer PQ-Zeit",
    "with retrograde conduction": "mit retrograder Leitung",
    "with undetermined rhythm irregularity": "mit unbestimmter Unregelmäßigkeit",
    "with a competing junctional pacemaker": "mit konkurrierendem junktionalem Schrittmacher",
    "with premature ventricular or aberrantly conducted complexes":
        "mit ventrikulären Extrasystolen oder aberranter Leitung",
    "premature ventricular complexes": "ventrikulären Extrasystolen",
    "premature atrial complexes": "Vorhofextrasystolen",
    "premature supraventricular complexes": "supraventrikulären Extrasystolen",
    "ventricular escape complexes": "ventrikulären Ersatzschlägen",
    "junctional escape complexes": "junktionalen Ersatzschlägen",
    "ventricular-paced complexes": "ventrikulär stimulierten Schlägen",
    "atrial-paced complexes": "atrial stimulierten Schlägen",
    "supraventricular complexes": "supraventrikulären Schlägen",
    "fusion complexes": "Fusionsschlägen",
    "sinus complexes": "Sinusschlägen",
    "intrinsic complexes": "Eigenschlägen",
    "aberrant conduction": "aberranter Leitung",
    "in a pattern of bigeminy": "als Bigeminus",
    "with": "mit", "occasional": "gelegentlichen", "frequent": "häufigen", "and": "und",
    "consecutive": "aufeinanderfolgenden", "blocked": "blockierten", "or": "oder",
    # axis and conduction
    "left axis deviation": "überdrehter Linkstyp",
    "right axis deviation": "Rechtstyp",
    "rightward axis": "Rechtslagetyp",
    "right superior axis deviation": "überdrehter Rechtstyp",
    "indeterminate axis": "unbestimmbare Achse",
    "incomplete right bundle branch block": "inkompletter Rechtsschenkelblock",
    "right bundle branch block": "Rechtsschenkelblock",
    "incomplete left bundle branch block": "inkompletter Linksschenkelblock",
    "left bundle branch block": "Linksschenkelblock",
    "left anterior fascicular block": "linksanteriorer Hemiblock",
    "left posterior fascicular block": "linksposteriorer Hemiblock",
    "bifascicular block": "bifaszikulärer Block",
    "nonspecific intraventricular block": "unspezifischer intraventrikulärer Block",
    "nonspecific intraventricular conduction delay":
        "unspezifische intraventrikuläre Leitungsverzögerung",
    "rsr' or qr pattern in v1 suggests right ventricular conduction delay":
        "rSr' oder QR in V1, rechtsventrikuläre Leitungsverzögerung",
    "wolff-parkinson-white": "WPW-Syndrom",
    "ventricular pre-excitation, wpw pattern type a": "Präexzitation, WPW Typ A",
    "ventricular pre-excitation, wpw pattern type b": "Präexzitation, WPW Typ B",
    # voltages and atria
    "minimal voltage criteria for lvh, may be normal variant":
        "geringe Voltage-Kriterien für Linkshypertrophie, Normvariante möglich",
    "moderate voltage criteria for lvh, may be normal variant":
        "mäßige Voltage-Kriterien für Linkshypertrophie, Normvariante möglich",
    "voltage criteria for left ventricular hypertrophy":
        "Voltage-Kriterien für Linkshypertrophie",
    "left ventricular hypertrophy": "Linkshypertrophie",
    "right ventricular hypertrophy": "Rechtshypertrophie",
    "plus right ventricular hypertrophy": "dazu Rechtshypertrophie",
    "biventricular hypertrophy": "biventrikuläre Hypertrophie",
    "with qrs widening and repolarization abnormality":
        "mit QRS-Verbreiterung und Erregungsrückbildungsstörung",
    "with repolarization abnormality": "mit Erregungsrückbildungsstörung",
    "with qrs widening": "mit QRS-Verbreiterung",
    "low voltage qrs": "Niedervoltage",
    "left atrial enlargement": "linksatriale Vergrößerung",
    "right atrial enlargement": "rechtsatriale Vergrößerung",
    "biatrial enlargement": "biatriale Vergrößerung",
    "pulmonary disease pattern": "Zeichen einer Lungenerkrankung",
    "increased r/s ratio in v1, consider early transition or posterior infarct":
        "hoher R/S-Quotient in V1, posteriorer Infarkt möglich",
    # infarcts and repolarization
    "age undetermined": "Alter unbestimmt",
    "possibly acute": "möglicherweise akut",
    "acute mi / stemi": "akuter Infarkt / STEMI",
    "acute pericarditis": "akute Perikarditis",
    "nonspecific st and t wave abnormality": "unspezifische ST-T-Veränderungen",
    "nonspecific st abnormality": "unspezifische ST-Veränderungen",
    "nonspecific t wave abnormality": "unspezifische T-Veränderungen",
    "marked st abnormality": "ausgeprägte ST-Veränderungen",
    "marked t wave abnormality": "ausgeprägte T-Veränderungen",
    "st & t wave abnormality": "ST-T-Veränderungen",
    "st & marked t wave abnormality": "ausgeprägte ST-T-Veränderungen",
    "t wave abnormality": "T-Veränderungen",
    "st depression, consider subendocardial injury": "ST-Senkung, Innenschichtschaden möglich",
    "st elevation": "ST-Hebung",
    "probably due to early repolarization": "wahrscheinlich frühe Repolarisation",
    "consider early repolarization, pericarditis, or injury":
        "frühe Repolarisation, Perikarditis oder Läsion möglich",
    "early repolarization": "frühe Repolarisation",
    "junctional st depression, probably normal": "junktionale ST-Senkung, wahrscheinlich normal",
    "junctional st depression, probably abnormal":
        "junktionale ST-Senkung, wahrscheinlich pathologisch",
    "abnormal qrs-t angle, consider primary t wave abnormality":
        "abnormer QRS-T-Winkel, primäre T-Veränderungen möglich",
    "prolonged qt": "QT-Verlängerung",
    # how it was recorded, and the verdict
    "poor data quality, interpretation may be adversely affected":
        "schlechte Signalqualität, Befund unsicher",
    "suspect arm lead reversal, interpretation assumes no reversal":
        "Verdacht auf Vertauschung der Armelektroden",
    "otherwise normal ecg": "sonst normales EKG",
    "borderline ecg": "grenzwertiges EKG",
    "abnormal ecg": "pathologisches EKG",
    "normal ecg": "normales EKG",
} | {
    english.format(wall): german.format(theirs)
    for english, german in _OF_A_WALL.items() for wall, theirs in _WALLS.items()
}  # fmt: skip
_PHRASES = re.compile(
    r"(?<!\w)(?:" + "|".join(map(re.escape, sorted(_GERMAN, key=len, reverse=True))) + r")(?!\w)"
)
_UPPER = {x.lower(): x for x in "EKG QRS QRS(T) QT PQ ST AV WPW P T Q V1 I II III A B".split()}
_SPELLINGS = {
    "auszuschliessen": "auszuschließen", "mässig": "mäßig", "av block": "av-block",
    "a-v block": "av-block", "rsr'": "rSr'",
}  # fmt: skip
_NOUNS = set(
    "abflachung ableitungen alter amplituden amplitudenkriterien aneurysma arrhythmie ausfall "
    "belastung bigeminus block deltawelle digitalis digitaliseffekt digitaliswirkung "
    "elektrolytstörung erregungsrückbildung ersatzrhythmus extrasystole extrasystolen "
    "grades grenze hebung hemiblock herzwandaneurysma hinterwandinfarkt hochspannung hypertrophie "
    "index infarkt innenschichtschaden inversion ischämie kaliumstörung kammerextrasystolen "
    "kammerkomplexen komplex lagetyp leitungsstörung linksbelastung linkshypertrophie "
    "linksschenkelblock linkstyp lyon medikamenteneffekt myokardschaden negativierung "
    "niederspannung niedervoltage normbereich präexzitation rechtsherzbelastung "
    "rechtshypertrophie rechtsschenkelblock rechtstyp schrittmacher schrittmacherrhythmus "
    "schrittmacherstimulation schädigung senkung septums septumhypertrophie sinus "
    "sinusarrhythmie sinusbradykardie sinusrhythmus sinustachykardie sokolow steiltyp strecke "
    "streckenhebung streckensenkung syndrom tachykardie trigeminus typ veränderung veränderungen "
    "verbreiterung verdacht verlängerung voltage vorderwandinfarkt vorhofextrasystolen "
    "vorhofflattern vorhofflimmern vorhofrhythmus wellen zacken zeit überleitung "
    "anterolateralinfarkt".split()
)


def machine_report(text):
    """Return the statements of 12SL as one report.

    Examples
    --------
    >>> machine_report("Sinus rhythm; with; premature atrial complexes; ** ** ACUTE MI / STEMI **")
    'Sinus rhythm with premature atrial complexes; Acute MI / STEMI'
    >>> machine_report("Left ventricular hypertrophy (R in aVL; ,; Cornell Product); Abnormal ECG")
    'Left ventricular hypertrophy; Abnormal ECG'
    """
    text = re.sub(r" ?\((?!Mobitz)[^)]*\)?", "", text.replace("*", ""))
    text = re.sub(rf"{_OPEN}; ", r"\1 ", text.replace("ACUTE", "Acute"))
    text = re.sub(r"; (?=(?:with|and|or|in a pattern)\b)", " ", text)
    text = re.sub(r"; ?(?=,)", "", text)
    text = re.sub(r"(Possible |rule out )([A-Z])(?=[a-z])", lambda m: m[1] + m[2].lower(), text)
    return "; ".join(part for part in (" ".join(p.split()) for p in text.split(";")) if part)


def simulated_report(text):
    """Return a machine-like report of the simulator as 12SL would; None for one in free words.

    Examples
    --------
    >>> simulated_report("Sinus rhythm; Abnormal QRS complex; with sinus arrhythmia; Abnormal ECG")
    'Sinus rhythm with sinus arrhythmia; Abnormal QRS complex; Abnormal ECG'
    >>> simulated_report("sinus rhythm. normal axis")
    """
    if text[0].islower() and not text.startswith("with "):
        return None
    first, *others = text.split("; ")
    if first.startswith("with "):
        first, others = "Sinus rhythm", [first, *others]
    if others and others[0].startswith(f"{first} with"):
        first, *others = others
    more = ("with", "in a pattern")
    ordered = [first, *(x for x in others if x.startswith(more)),
               *(x for x in others if not x.startswith(more))]  # fmt: skip
    return machine_report("; ".join(ordered))


def german(text):
    """Translate a machine report; None if it has a phrase that is not in the table.

    Examples
    --------
    >>> german("Sinus rhythm with 1st degree AV block; Possible inferior infarct; Abnormal ECG")
    'Sinusrhythmus mit AV-Block I. Grades, inferiorer Infarkt möglich, pathologisches EKG'
    """
    parts = []
    for part in text.split("; "):
        part, n_possible = re.subn(r"^Possible (.*?)(, age.*)?$", r"\1 @\2", part)
        part, n_open = re.subn(r"^Cannot rule out (.*?)(, age.*)?$", r"\1 @\2", part)
        part = part.lower()
        if re.search(r"\w", _PHRASES.sub("", part)):
            return None
        part = _PHRASES.sub(lambda m: _GERMAN[m[0]], part)
        doubt = "möglich" if n_possible else "nicht auszuschließen"
        parts.append(part.replace("@", doubt) if n_possible or n_open else part)
    return _capital(", ".join(parts))


def simulated_german(text):
    """Return a German report of the simulator with capitals.

    Examples
    --------
    >>> simulated_german("sinusrhythmus, av block ersten grades, pathologisches ekg")
    'Sinusrhythmus, AV-Block ersten Grades, pathologisches EKG'
    """
    for old, new in _SPELLINGS.items():
        text = text.replace(old, new)
    return _capital(re.sub(r"[^\W\d_]+\d?", lambda m: _cased(m[0]), text))


def _cased(word):
    return _UPPER.get(word, word.capitalize() if word in _NOUNS else word)


def _capital(text):
    return text[:1].upper() + text[1:]
