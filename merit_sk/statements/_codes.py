"""The 71 ECG statements of PTB-XL: what each means and which tasks it belongs to."""

from typing import NamedTuple


class Statement(NamedTuple):
    """One SCP-ECG statement as PTB-XL uses it.

    Attributes
    ----------
    code : str
        PTB-XL's code, e.g. ``"CLBBB"``.
    description : str
        What the code stands for, in English.
    superclass, subclass : str or None
        Diagnostic classes (5 and 23 of them); None for statements that are not diagnostic.
    diagnostic, form, rhythm : bool
        The tasks that count the statement.
    """

    code: str
    description: str
    superclass: str | None
    subclass: str | None
    diagnostic: bool
    form: bool
    rhythm: bool


# code | description | d(iagnostic) f(orm) r(hythm) | superclass | subclass
_TABLE = """
1AVB|first degree AV block|d|CD|_AVB
2AVB|second degree AV block|d|CD|_AVB
3AVB|third degree AV block|d|CD|_AVB
ABQRS|abnormal QRS|f
AFIB|atrial fibrillation|r
AFLT|atrial flutter|r
ALMI|anterolateral myocardial infarction|d|MI|AMI
AMI|anterior myocardial infarction|d|MI|AMI
ANEUR|ST-T changes compatible with ventricular aneurysm|d|STTC|STTC
ASMI|anteroseptal myocardial infarction|d|MI|AMI
BIGU|bigeminal pattern of supraventricular or ventricular origin|r
CLBBB|complete left bundle branch block|d|CD|CLBBB
CRBBB|complete right bundle branch block|d|CD|CRBBB
DIG|ST-T changes that suggest digitalis effect|df|STTC|STTC
EL|ST-T changes of electrolyte disturbance or drug|d|STTC|STTC
HVOLT|high QRS voltage|f
ILBBB|incomplete left bundle branch block|d|CD|ILBBB
ILMI|inferolateral myocardial infarction|d|MI|IMI
IMI|inferior myocardial infarction|d|MI|IMI
INJAL|subendocardial injury in anterolateral leads|d|MI|AMI
INJAS|subendocardial injury in anteroseptal leads|d|MI|AMI
INJIL|subendocardial injury in inferolateral leads|d|MI|IMI
INJIN|subendocardial injury in inferior leads|d|MI|IMI
INJLA|subendocardial injury in lateral leads|d|MI|AMI
INVT|inverted T waves|f
IPLMI|inferoposterolateral myocardial infarction|d|MI|IMI
IPMI|inferoposterior myocardial infarction|d|MI|IMI
IRBBB|incomplete right bundle branch block|d|CD|IRBBB
ISCAL|ischaemic ST-T changes in anterolateral leads|d|STTC|ISCA
ISCAN|ischaemic ST-T changes in anterior leads|d|STTC|ISCA
ISCAS|ischaemic ST-T changes in anteroseptal leads|d|STTC|ISCA
ISCIL|ischaemic ST-T changes in inferolateral leads|d|STTC|ISCI
ISCIN|ischaemic ST-T changes in inferior leads|d|STTC|ISCI
ISCLA|ischaemic ST-T changes in lateral leads|d|STTC|ISCA
ISC_|ischaemic ST-T changes without a territory|d|STTC|ISC_
IVCD|non-specific intraventricular conduction disturbance|d|CD|IVCD
LAFB|left anterior fascicular block|d|CD|LAFB/LPFB
LAO/LAE|left atrial overload or enlargement|d|HYP|LAO/LAE
LMI|lateral myocardial infarction|d|MI|LMI
LNGQT|long QT interval|df|STTC|STTC
LOWT|low amplitude T waves|f
LPFB|left posterior fascicular block|d|CD|LAFB/LPFB
LPR|prolonged PR interval|f
LVH|left ventricular hypertrophy|d|HYP|LVH
LVOLT|low QRS voltage in frontal and horizontal leads|f
NDT|non-diagnostic T abnormalities|df|STTC|STTC
NORM|normal ECG|d|NORM|NORM
NST_|non-specific ST changes|df|STTC|NST_
NT_|non-specific T wave changes|f
PAC|atrial premature complex|f
PACE|normally functioning artificial pacemaker|r
PMI|posterior myocardial infarction|d|MI|PMI
PRC(S)|premature complexes of unstated origin|f
PSVT|paroxysmal supraventricular tachycardia|r
PVC|ventricular premature complex|f
QWAVE|Q waves present|f
RAO/RAE|right atrial overload or enlargement|d|HYP|RAO/RAE
RVH|right ventricular hypertrophy|d|HYP|RVH
SARRH|sinus arrhythmia|r
SBRAD|sinus bradycardia|r
SEHYP|septal hypertrophy|d|HYP|SEHYP
SR|sinus rhythm|r
STACH|sinus tachycardia|r
STD_|non-specific ST depression|f
STE_|non-specific ST elevation|f
SVARR|supraventricular arrhythmia|r
SVTAC|supraventricular tachycardia|r
TAB_|T wave abnormality|f
TRIGU|trigeminal pattern of supraventricular or ventricular origin|r
VCLVH|voltage criteria for left ventricular hypertrophy|f
WPW|Wolff-Parkinson-White syndrome|d|CD|WPW
"""


def _parse(row):
    code, description, kinds, *classes = row.split("|")
    superclass, subclass = classes or (None, None)
    return Statement(code, description, superclass, subclass, *(k in kinds for k in "dfr"))


#: The 71 statements of PTB-XL by code, in alphabetical order.
PTBXL_STATEMENTS = {s.code: s for s in map(_parse, _TABLE.strip().splitlines())}

#: The tasks of the PTB-XL benchmark; each is a multi-label problem.
PTBXL_TASKS = ("all", "diagnostic", "subclass", "superclass", "form", "rhythm")


def task_labels(task):
    """Map each statement of a PTB-XL task to its class.

    Parameters
    ----------
    task : {"all", "diagnostic", "subclass", "superclass", "form", "rhythm"}
        Task of the PTB-XL benchmark [1]_.

    Returns
    -------
    labels : dict of str to str
        Class of each statement that the task counts. The classes of the task, in their order, are
        ``sorted(set(labels.values()))``.

    References
    ----------
    .. [1] Strodthoff, Wagner, Schaeffter, Samek. Deep learning for ECG analysis: benchmarks and
       insights from PTB-XL. IEEE J. Biomed. Health Inform. 25 (2021).

    Examples
    --------
    >>> from merit_sk.statements import task_labels
    >>> sorted(set(task_labels("superclass").values()))
    ['CD', 'HYP', 'MI', 'NORM', 'STTC']
    >>> [len(set(task_labels(t).values())) for t in ("all", "diagnostic", "subclass")]
    [71, 44, 23]
    """
    if task not in PTBXL_TASKS:
        raise ValueError(f"task must be one of {', '.join(PTBXL_TASKS)}; got {task!r}.")
    statements = PTBXL_STATEMENTS.values()
    if task == "all":
        return {s.code: s.code for s in statements}
    if task in ("superclass", "subclass"):
        return {s.code: getattr(s, task) for s in statements if s.diagnostic}
    return {s.code: s.code for s in statements if getattr(s, task)}
