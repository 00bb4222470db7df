"""Classes of other data sets: which statements of PTB-XL mean the same, and phrases for them."""

from typing import NamedTuple

from ._codes import PTBXL_STATEMENTS
from ._prompts import statement_prompts


class ClassMeaning(NamedTuple):
    """Meaning of a class of another data set.

    Attributes
    ----------
    codes : tuple of str
        SNOMED CT codes that stand for it in the files; none where the set brings its own table.
    statements : tuple of str
        PTB-XL statements or superclasses that together mean the same.
    exact : bool
        False if they are only the nearest there are, good for phrases but not for labels.
    other : str or None
        Key of `_OTHER`, where PTB-XL has no statement.
    """

    codes: tuple
    statements: tuple
    exact: bool
    other: str | None


# class | SNOMED CT codes | statements of PTB-XL, after "~" the nearest, or a word of _OTHER
_TABLES = {
    "cpsc2018": """
AFIB|164889003|AFIB
VPC|164884008|PVC
NORM|426783006|NORM
1AVB|270492004|1AVB
CRBBB|59118001|CRBBB
STE|164931005|STE_
PAC|284470004|PAC
CLBBB|164909002|CLBBB
STD|429622005|STD_
""",
    "csn": """
RVH||RVH
LVH||LVH
SR||SR
2AVB||2AVB
2AVB1||2AVB
1AVB||1AVB
AVB||1AVB 2AVB 3AVB
LBBB||CLBBB
RBBB||CRBBB
WPW||WPW
MI||MI
STTC||NDT NST_
STDD||STD_
STE||STE_
TWO||INVT
STTU||~STE_
QTIE||LNGQT
TWC||NT_ TAB_
AF||AFLT
AFIB||AFIB
ALS||left_axis
APB||PAC
AQW||QWAVE
ARS||right_axis
AT||~SVTAC
CCR||counterclockwise
CR||clockwise
ERV||early_repolarization
JEB||junctional
PRIE||LPR
PWC||p_wave
SA||SARRH
ST||STACH
SVT||SVTAC
UW||u_wave
VB||~BIGU
VEB||ventricular_escape
VPB||PVC
""",
    "georgia": """
AF|164889003|AFIB
AFL|164890007|AFLT
Brady|426627000|~SBRAD
IAVB|270492004|1AVB
IRBBB|713426002|IRBBB
LAD|39732003|left_axis
LAnFB|445118002|LAFB
LBBB|164909002|CLBBB
LPR|164947007|LPR
LQRSV|251146004|LVOLT
LQT|111975006|LNGQT
NSIVCB|698252002|IVCD
NSR|426783006|SR
PAC|284470004 63593006|PAC
PR|10370003|PACE
PVC|427172004 17338001|PVC
QAb|164917005|QWAVE
RAD|47665007|right_axis
RBBB|713427006 59118001|CRBBB
SA|427393009|SARRH
SB|426177001|SBRAD
STach|427084000|STACH
TAb|164934002|TAB_
TInv|59931005|INVT
""",
}

# What PTB-XL has no statement for: English and German phrases.
_OTHER = {
    "clockwise": ("clockwise rotation", "drehung im uhrzeigersinn"),
    "counterclockwise": ("counterclockwise rotation", "drehung gegen den uhrzeigersinn"),
    "early_repolarization": ("early repolarization", "frühe repolarisation"),
    "junctional": (
        "junctional escape beat; junctional rhythm",
        "knotenersatzsystole; knotenrhythmus",
    ),
    "left_axis": ("left axis deviation; leftward axis", "überdrehter linkstyp; linkstyp"),
    "p_wave": ("abnormal P wave; unusual P axis", "p-wellen abnorm; p-verbreiterung"),
    "right_axis": ("right axis deviation; rightward axis", "überdrehter rechtstyp; rechtstyp"),
    "u_wave": ("prominent U wave; U waves present", "u-welle; u-wellen"),
    "ventricular_escape": ("ventricular escape beat", "ventrikuläre ersatzsystole"),
}


def _parse(row):
    name, codes, meaning = row.split("|")
    statements, other = tuple(meaning.lstrip("~").split()), None
    if meaning in _OTHER:
        statements, other = (), meaning
    return name, ClassMeaning(tuple(codes.split()), statements, meaning[0] != "~", other)


#: By data set, what each of its classes means.
CLASS_MEANINGS = {
    name: dict(map(_parse, table.strip().splitlines())) for name, table in _TABLES.items()
}

_SUPERCLASSES = ("HYP", "NORM", "CD", "MI", "STTC")
_SUPERCLASS_OF = {s.code: s.superclass for s in PTBXL_STATEMENTS.values()}
_SUPERCLASS_OF |= {name: name for name in _SUPERCLASSES}
# PTB-XL counts these as forms; as a matter of medicine they are ST-T changes.
_SUPERCLASS_OF |= dict.fromkeys(("INVT", "NT_", "STD_", "STE_", "TAB_"), "STTC")

# Where the map of C. Liu et al., ICML 2024, Tables 11 to 13, differs from what the classes mean.
_AS_PUBLISHED = {
    ("ptbxl", "csn"): {
        "NORM": "SR",
        "CD": "2AVB 2AVB1 1AVB AVB LBBB RBBB STDD",
        "STTC": "STTC STE TWO STTU QTIE TWC",
    },
    ("cpsc2018", "csn"): {"NORM": "SR", "STD": "STE STTC STTU STDD"},
}

#: Pairs of data sets between which `shared_classes` maps.
MAPPED_PAIRS = (("ptbxl", "cpsc2018"), ("ptbxl", "csn"), ("cpsc2018", "csn"))


def code_classes(name):
    """Return the class of each SNOMED CT code of a data set.

    Examples
    --------
    >>> from merit_sk.statements._other_sets import code_classes
    >>> code_classes("georgia")["59118001"]
    'RBBB'
    """
    meanings = CLASS_MEANINGS[name].items()
    return {code: label for label, meaning in meanings for code in meaning.codes}


def shared_classes(source, target, version="corrected"):
    """Return the classes of one data set that mean the same as, or belong to, those of another.

    Parameters
    ----------
    source, target : str
        One of `MAPPED_PAIRS`; "ptbxl" are its five superclasses.
    version : {"corrected", "published"}, default="corrected"
        See :func:`merit_sk.evaluation.category_map`.

    Returns
    -------
    dict of str to list of str
        From each source class to target classes, possibly none.
    """
    targets = CLASS_MEANINGS[target].items()
    if source == "ptbxl":
        shared = {
            superclass: [
                name
                for name, meaning in targets
                if {_SUPERCLASS_OF[code] for code in meaning.statements} == {superclass}
            ]
            for superclass in _SUPERCLASSES
        }
    else:
        shared = {
            label: [
                name
                for name, meaning in targets
                if meaning.exact and meaning.statements == own.statements
            ]
            for label, own in CLASS_MEANINGS[source].items()
        }
    if version == "published":
        published = _AS_PUBLISHED.get((source, target), {})
        shared |= {name: others.split() for name, others in published.items()}
    return shared


def class_prompts(name, classes, language):
    """Return phrases for classes of another data set, as reports word them.

    Parameters
    ----------
    name : {"cpsc2018", "csn", "georgia"}
        Data set.
    classes : sequence of str
        Classes of it.
    language : {"en", "de"}
        Language of the phrases.

    Returns
    -------
    prompts : dict of str to list of str

    Raises
    ------
    ValueError
        If the data set or a class is unknown.

    Examples
    --------
    >>> from merit_sk.statements import class_prompts
    >>> class_prompts("csn", ["ALS", "VPB"], "en")["ALS"]
    ['left axis deviation', 'leftward axis']
    """
    if name not in CLASS_MEANINGS:
        raise ValueError(f"name must be one of {', '.join(CLASS_MEANINGS)}, got {name!r}")
    if language not in ("en", "de"):
        raise ValueError(f'language must be "en" or "de"; got {language!r}.')
    unknown = [str(label) for label in classes if label not in CLASS_MEANINGS[name]]
    if unknown:
        raise ValueError(
            f"{name} has no class {', '.join(unknown)}: expected some of "
            f"{', '.join(sorted(CLASS_MEANINGS[name]))}"
        )
    found = {}
    for label in classes:
        meaning = CLASS_MEANINGS[name][label]
        if meaning.other:
            found[label] = _OTHER[meaning.other][language == "de"].split("; ")
        else:
            codes = meaning.statements
            found[label] = [p for code in codes for p in statement_prompts(code, language)]
    return found
