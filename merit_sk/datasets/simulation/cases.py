"""Combinations of statements that occur together, and their frequencies."""

import numpy as np

from ...statements._codes import PTBXL_STATEMENTS

# Groups of statements that exclude each other, with the chance of each in a patient who is not
# normal. Chances follow the frequencies in PTB-XL, those of rare statements raised.
_GROUPS = {
    "rhythm": "SR .66 AFIB .11 SBRAD .05 STACH .07 SARRH .05 AFLT .012 SVARR .012 SVTAC .008 "
    "PSVT .008 PACE .02",
    "av": "1AVB .075 LPR .025 2AVB .008 3AVB .01",
    "bundle": "CLBBB .06 CRBBB .06 IRBBB .09 IVCD .06 ILBBB .015 WPW .012",
    "fascicle": "LAFB .13 LPFB .02",
    "infarct": "IMI .15 ASMI .12 ILMI .035 ALMI .025 AMI .03 LMI .02 PMI .007 IPMI .008 IPLMI .01 "
    "INJAS .012 INJAL .012 INJIN .008 INJLA .008 INJIL .008",
    "hypertrophy": "LVH .17 RVH .015 SEHYP .012 VCLVH .03 HVOLT .01 LVOLT .03",
    "atrium": "LAO/LAE .045 RAO/RAE .018",
    "repolarization": "NDT .13 NST_ .06 ISC_ .05 ISCAL .05 ISCIN .025 ISCIL .018 ISCAS .018 "
    "ISCLA .015 ISCAN .01 DIG .02 LNGQT .015 EL .012 ANEUR .012",
    "form": "STD_ .04 LOWT .04 NT_ .03 INVT .03 TAB_ .015 STE_ .015",
    "ectopy": "PVC .09 PAC .04 BIGU .012 TRIGU .008 PRC(S) .006",
}
_CODES = {group: tuple(text.split()[::2]) for group, text in _GROUPS.items()}
_EDGES = {g: np.cumsum([float(x) for x in text.split()[1::2]]) for g, text in _GROUPS.items()}
_GROUP_OF = {code: group for group, codes in _CODES.items() for code in codes}

_NORMAL_SHARE, _RARE_SHARE = 0.42, 0.3
_NORMAL_RHYTHM = {"SR": 0.84, "SARRH": 0.06, "SBRAD": 0.06, "STACH": 0.04}
_MI = set(_CODES["infarct"])
_STT = {*_CODES["repolarization"], *_CODES["form"]}
_TACHYCARDIA = {"SVTAC", "PSVT", "AFLT"}
_NO_SINUS = {"AFIB", "SVARR", *_TACHYCARDIA}

_BENIGN = {*_NORMAL_RHYTHM, *_CODES["ectopy"], "LVOLT", "HVOLT", "LPR"}

# What cannot be told, or does not occur, beside a statement.
_EXCLUDES = {
    "CLBBB": {*_MI, *_STT, "LVH", "RVH", "SEHYP", "VCLVH", "LAFB", "LPFB"},
    "WPW": {
        *_MI,
        *_STT,
        "LVH",
        "RVH",
        "SEHYP",
        "LAFB",
        "LPFB",
        "1AVB",
        "2AVB",
        "3AVB",
        "LPR",
        "AFIB",
    },
    "PACE": set(PTBXL_STATEMENTS) - {"PACE", "PVC"},
    "3AVB": {"1AVB", "2AVB", "LPR", "BIGU", "TRIGU", "PAC", "PVC", "SARRH"},
    **{code: {"1AVB", "2AVB", "3AVB", "LPR", "LAO/LAE", "RAO/RAE", "PAC"} for code in _NO_SINUS},
    "LNGQT": {"STACH", *_TACHYCARDIA},
    "RVH": {"LPFB", "LAFB", "CRBBB"},
    "LVOLT": {"LVH"},
}

# Statements that often come with another: chance of each.
_COMPANIONS = {
    "LVH": {"ISC_": 0.65, "VCLVH": 0.35, "LAO/LAE": 0.06},
    "IMI": {"ABQRS": 0.5, "QWAVE": 0.15},
    "ASMI": {"ABQRS": 0.45, "QWAVE": 0.1},
    "ILMI": {"ABQRS": 0.55},
    "ALMI": {"ABQRS": 0.5},
    "AMI": {"ABQRS": 0.45},
    "LMI": {"ABQRS": 0.4, "QWAVE": 0.1},
    "IPMI": {"ABQRS": 0.4},
    "IPLMI": {"ABQRS": 0.4},
    "PMI": {"ABQRS": 0.3},
    "ANEUR": {"ASMI": 0.85},
    "DIG": {"AFIB": 0.55, "STD_": 0.5},
    "EL": {"LNGQT": 0.25},
    "CRBBB": {"LAFB": 0.3, "LPFB": 0.06},
    "BIGU": {"PVC": 0.6, "PAC": 0.4},
    "TRIGU": {"PVC": 0.6, "PAC": 0.4},
    "NDT": {"NT_": 0.12},
    "CLBBB": {"1AVB": 0.15},
    "QWAVE": {"IMI": 0.6, "ASMI": 0.4},
    "ABQRS": {"IMI": 0.6, "ASMI": 0.4},
    "1AVB": {"LPR": 0.15},
    "INVT": {"NDT": 0.4, "ISC_": 0.5},
    "LOWT": {"NDT": 0.6, "NST_": 0.5},
    "NT_": {"NDT": 0.7},
    "TAB_": {"NDT": 0.7},
    "STD_": {"NST_": 0.5, "ISC_": 0.6},
}


def draw_cases(draws):
    """Draw the statements of each record, a list of sets of codes."""
    n = draws.n
    normal = draws.happens(_NORMAL_SHARE)
    rare = draws.happens(_RARE_SHARE)
    first = draws.uniform(0, len(PTBXL_STATEMENTS)).astype(int)
    chosen = draws.uniform(size=len(_GROUPS))
    spare = draws.uniform(size=12)
    picks = [
        [(*codes, None)[i] for i in np.searchsorted(_EDGES[group], chosen[:, k], side="right")]
        for k, (group, codes) in enumerate(_CODES.items())
    ]
    every = list(PTBXL_STATEMENTS)
    cases = []
    for i in range(n):
        wanted = [every[first[i]]] if rare[i] else []
        if wanted == ["NORM"] or (normal[i] and not rare[i]):
            cases.append(_normal_case(spare[i]))
            continue
        wanted += [pick[i] for pick in picks if pick[i]]
        cases.append(complete(wanted, spare[i]))
    return cases


def _normal_case(spare):
    edges = np.cumsum(list(_NORMAL_RHYTHM.values()))
    rhythm = list(_NORMAL_RHYTHM)[min(np.searchsorted(edges, spare[0]), 3)]
    benign = {"PVC": 0.02, "PAC": 0.015, "LVOLT": 0.01, "LPR": 0.01}
    extra = {c for c, u in zip(benign, spare[1:], strict=False) if u < benign[c]}
    return {"NORM", rhythm, *extra}


def complete(wanted, spare):
    """Make a consistent set of statements; earlier ones win over later ones that they exclude."""
    kept, groups = set(), set()
    queue, turn = list(wanted), 0
    for code in queue:
        group = _GROUP_OF.get(code, code)
        clash = group in groups or any(
            code in _EXCLUDES.get(k, ()) or k in _EXCLUDES.get(code, ()) for k in kept
        )
        if clash or code in kept:
            continue
        kept.add(code)
        groups.add(group)
        for companion, chance in _COMPANIONS.get(code, {}).items():
            if spare[turn % len(spare)] < chance:
                queue.append(companion)
            turn += 1
    return finish(kept)


def finish(codes):
    """Add sinus rhythm where no rhythm is named, and NORM where all statements are benign."""
    codes = set(codes)
    if not codes & set(_CODES["rhythm"]):
        codes.add("SR")
    if codes <= _BENIGN:
        codes.add("NORM")
    return codes


def check_asked(statements):
    """Check requested statements; return one complete set of codes for each entry."""
    asked = []
    for entry in statements:
        codes = {entry} if isinstance(entry, str) else set(entry)
        unknown = sorted(codes - set(PTBXL_STATEMENTS))
        if unknown or not codes:
            raise ValueError(f"Unknown PTB-XL statements: {unknown or entry}.")
        for code in sorted(codes):
            clash = codes & (_EXCLUDES.get(code, set()) - {code})
            if clash:
                raise ValueError(f"{code} cannot be shown together with {sorted(clash)}.")
        rhythms = codes & (set(_CODES["rhythm"]) - {"PACE"})
        if len(rhythms) > 1:
            raise ValueError(f"One record cannot show several rhythms: {sorted(rhythms)}.")
        if "NORM" in codes and any(
            PTBXL_STATEMENTS[c].superclass not in ("NORM", None) for c in codes
        ):
            raise ValueError(f"NORM cannot be shown together with {sorted(codes - {'NORM'})}.")
        asked.append(finish(codes))
    if not asked:
        raise ValueError("statements is empty: leave it out to draw them.")
    return asked
