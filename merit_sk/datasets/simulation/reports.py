"""Reports of simulated recordings, in the words of machines and of cardiologists."""

from functools import cache

from ...statements._codes import PTBXL_STATEMENTS
from ...statements._prompts import phrases

N_NUMBERS = 48
_MACHINE_SHARE = 0.65  # of English reports; the others are free text

# Words that are only true under a condition on the record's facts ("f").
_ONLY_IF = {
    "with 2:1": lambda f: f["flutter_ratio"] == 2 or f["av_cycle"] == 2,
    "mit 2:1": lambda f: f["flutter_ratio"] == 2,
    "variable": lambda f: f["flutter_ratio"] == 1,
    "wechselnder": lambda f: f["flutter_ratio"] == 1,
    "mobitz i)": lambda f: f["av_cycle"] > 2 and f["av_step"] > 20,
    "rapid ventricular": lambda f: f["hr"] > 100,
    "marked sinus brady": lambda f: f["hr"] < 48,
    "marked sinus tachy": lambda f: f["hr"] > 125,
    "marked sinus arr": lambda f: f["rsa"] > 0.15,
    "frequent": lambda f: f["n_early"] > 2,
    "gehäufte": lambda f: f["n_early"] > 2,
    "occasional": lambda f: f["n_early"] < 3,
    "atrial-sensed": lambda f: f["paced"] == 2,
    "dual-paced": lambda f: f["paced"] == 2,
    "ventricular-paced": lambda f: f["paced"] == 1,
    "repolarization": lambda f: "ISC_" in f["codes"],
    "strain": lambda f: {"ISC_", "RVH"} & f["codes"],
    "linkshypertrophie mit linksbelastung": lambda f: "ISC_" in f["codes"],
    "left axis": lambda f: f["axis"] < -30,
    "right axis": lambda f: f["axis"] > 100,
    "überdreh": lambda f: abs(f["axis"] - 35) > 65,
    "linkstyp": lambda f: f["axis"] < 30,
    "rechtstyp": lambda f: f["axis"] > 90,
    "lagetyp normal": lambda f: 30 <= f["axis"] < 75,
    "sinus rhythm with": lambda f: "SR" in f["codes"],
    "type a": lambda f: f["delta_z"] > 0.2,
    "type b": lambda f: f["delta_z"] <= 0.2,
    "typ b": lambda f: f["delta_z"] <= 0.2,
    "escape": lambda f: f["escape_rate"] > 0,
    "ersatzrhythmus": lambda f: f["escape_rate"] > 0,
    "old ": lambda f: not f["acute"],
    "alt": lambda f: not f["acute"],
    "age undetermined": lambda f: not f["acute"],
}

# Axis in degrees below which each phrase holds.
_AXIS = {
    "machine": (
        (-30, "Left axis deviation"),
        (90, ""),
        (105, "Rightward axis"),
        (200, "Right axis deviation"),
    ),
    "english": (
        (-30, "left axis deviation"),
        (0, "leftward axis"),
        (90, "normal axis"),
        (200, "right axis deviation"),
    ),
    "german": (
        (-30, "überdrehter linkstyp"),
        (30, "linkstyp"),
        (75, "lagetyp normal"),
        (90, "steiltyp"),
        (200, "rechtstyp"),
    ),
}
_DOUBT = {
    "machine": ("Possible {}", "Cannot rule out {}"),
    "english": ("possible {}", "probable {}", "{} cannot be excluded"),
    "german": ("verdacht auf {}", "{} möglich", "{} nicht auszuschliessen", "wahrscheinlich {}"),
}
_ACUTE = {
    "machine": "** ** ACUTE MI / STEMI ** **",
    "english": "ST elevation, acute infarction",
    "german": "frischer infarkt mit st-hebung",
}
_ABSENT = {
    "english": ("no ST-T changes", "no significant ST changes", "normal PR and QT intervals"),
    "german": (
        "keine st-t-veränderungen",
        "erregungsrückbildung unauffällig",
        "pq- und qt-zeit normal",
    ),
}
_CLOSING = {
    "normal": {
        "machine": ("Normal ECG",),
        "english": ("normal ECG", "within normal limits", "no definite pathology"),
        "german": ("normales ekg", "ekg im normbereich"),
    },
    "otherwise": {
        "machine": ("Otherwise normal ECG",),
        "english": ("otherwise normal ECG", "otherwise no definite pathology"),
        "german": ("sonst normales ekg",),
    },
    "borderline": {
        "machine": ("Borderline ECG",),
        "english": ("borderline ECG", ""),
        "german": ("grenzwertiges ekg", ""),
    },
    "abnormal": {
        "machine": ("Abnormal ECG",),
        "english": ("abnormal ECG", "", ""),
        "german": ("pathologisches ekg", "", ""),
    },
}
_ORDER = ("rhythm", "CD", "HYP", "MI", "STTC", None)
_MINOR = {"ABQRS", "QWAVE", "LOWT", "NT_", "STD_", "TAB_", "VCLVH", "LPR"}
_NO_AXIS = {"PACE", "3AVB"}  # other beats than the native ones, whose axis is known
_PATTERNS = {"BIGU", "TRIGU"}
_MILD = {"SBRAD", "STACH", "SARRH", "PAC", "PVC", "BIGU", "TRIGU", "PRC(S)"}


_FACTS = (
    "hr rsa axis n_early flutter_ratio av_cycle av_step paced delta_z escape_rate acute"
).split()


def write_all(shown, known, words, language):
    """Write the reports of all records from arrays of what is known of them."""
    columns = zip(*[known[name].tolist() for name in _FACTS], strict=True)
    return [
        write(codes, dict(zip(_FACTS, row, strict=True)), numbers, language)
        for codes, row, numbers in zip(shown, columns, words.tolist(), strict=True)
    ]


def write(codes, facts, numbers, language):
    """Write a report of a record.

    Parameters
    ----------
    codes : set of str
        What is shown.
    facts : dict
        Parameters of the record that the wording depends on.
    numbers : sequence of N_NUMBERS floats
        The record's uniform random numbers.
    language : {"en", "de"}

    Returns
    -------
    report : str
    """
    facts = {**facts, "codes": codes}
    chance = iter(numbers)
    style = "german" if language == "de" else _english_style(next(chance))
    found = []
    for code in sorted(codes - {"NORM"}, key=_rank):
        if code in _MINOR and next(chance) < 0.15:
            continue
        found.append(_phrase(code, style, facts, chance))
    if facts["acute"]:
        found.append(_ACUTE[style])
    if not codes & _NO_AXIS:
        _add_axis(found, style, facts["axis"], next(chance))
    if style != "machine" and next(chance) < 0.35:
        found[1:] = _shuffled(found[1:], chance)
    if codes <= {"NORM", "SR"} and style != "machine" and next(chance) < 0.15:
        found.append(_pick(_ABSENT[style], next(chance)))
    found.append(_pick(_CLOSING[_verdict(codes, facts)][style], next(chance)))
    return {"machine": "; ", "english": ". ", "german": ", "}[style].join(filter(None, found))


def _english_style(number):
    return "machine" if number < _MACHINE_SHARE else "english"


def _rank(code):
    statement = PTBXL_STATEMENTS[code]
    rhythm = statement.rhythm and code not in _PATTERNS
    return _ORDER.index("rhythm" if rhythm else statement.superclass), code


def _pick(choices, number):
    return choices[int(number * len(choices))]


def _phrase(code, style, facts, chance):
    """Return a phrase that is true of the record, sometimes as a doubtful finding."""
    true = [
        phrase
        for phrase in phrases(code, style)
        if all(holds(facts) for holds in _conditions(phrase))
    ]
    phrase = _pick(true or phrases(code, style)[:1], next(chance))
    doubtful = PTBXL_STATEMENTS[code].superclass in ("MI", "HYP") and next(chance) < 0.12
    if doubtful and not phrase.lower().startswith(("possible", "verdacht")):
        return _pick(_DOUBT[style], next(chance)).format(phrase)
    return phrase


@cache
def _conditions(phrase):
    return [holds for words, holds in _ONLY_IF.items() if words in phrase.lower()]


def _add_axis(found, style, axis, number):
    """Name the axis in most reports with a deviated axis, and in some with a normal one."""
    words = next(phrase for limit, phrase in _AXIS[style] if axis < limit)
    normal = -30 <= axis <= 90
    told = any(words.lower() in phrase.lower() for phrase in found)
    if words and not told and number < (0.5 if normal and style != "german" else 0.85):
        found.insert(1, words)


def _shuffled(items, chance):
    return [item for _, item in sorted(zip([next(chance) for _ in items], items, strict=True))]


def _verdict(codes, facts):
    if "NORM" not in codes:
        return "abnormal"
    if codes <= {"NORM", "SR"}:
        return "normal" if -30 <= facts["axis"] <= 90 else "borderline"
    return "otherwise" if codes & _MILD else "borderline"
