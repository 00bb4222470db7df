"""Names of leads and units."""

import re
from functools import lru_cache

STANDARD_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
_BY_UPPER_CASE = {name.upper(): name for name in STANDARD_LEADS}
_SPOKEN = {"D1": "I", "D2": "II", "D3": "III", "1": "I", "2": "II", "3": "III"}
_SPOKEN |= {"DI": "I", "DII": "II", "DIII": "III", "L1": "I", "L2": "II", "L3": "III"}
_SPOKEN |= {f"C{i}": f"V{i}" for i in range(1, 7)}
_PREFIX = re.compile(r"^(?:(?:MDC|ECG|LEAD|ABLEITUNG)[_ :]*)*")
_MILLIVOLTS = {"MV": 1.0, "UV": 1e-3, "\u039cV": 1e-3, "NV": 1e-6, "V": 1e3}


@lru_cache(maxsize=4096)
def canonical_lead_name(name):
    """Give a lead the name used throughout the library.

    Parameters
    ----------
    name : str
        Name as found in a file: any case, with or without ``"Lead"``, IEEE 11073 codes such as
        ``"MDC_ECG_LEAD_aVR"``, or the ``DI`` / ``D1`` and ``C1`` notations.

    Returns
    -------
    str
        One of `STANDARD_LEADS` if the name means one of them, otherwise `name` without
        surrounding blanks.

    Examples
    --------
    >>> from merit_sk.signals import canonical_lead_name
    >>> [canonical_lead_name(n) for n in ("AVR", "lead II", "MDC_ECG_LEAD_V3", "DI", "Resp")]
    ['aVR', 'II', 'V3', 'I', 'Resp']
    """
    stripped = str(name).strip()
    upper = stripped.upper()
    for key in (upper, _PREFIX.sub("", upper).strip()):
        key = _SPOKEN.get(key, key)
        if key in _BY_UPPER_CASE:
            return _BY_UPPER_CASE[key]
    return stripped


def lead_indices(have, want):
    """Find leads by name.

    Parameters
    ----------
    have : sequence of str
        Names of the leads present, in their order.
    want : sequence of str
        Names of the leads wanted, in the order wanted.

    Returns
    -------
    list of int
        Positions in `have` of each lead of `want`.

    Raises
    ------
    ValueError
        If a lead is missing or occurs twice; the message names the leads expected and given.

    Examples
    --------
    >>> from merit_sk.signals import lead_indices
    >>> lead_indices(["I", "II", "AVF", "AVL"], ["aVL", "I"])
    [3, 0]
    """
    names = [canonical_lead_name(name) for name in have]
    wanted = [canonical_lead_name(name) for name in want]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise ValueError(
            f"leads {', '.join(missing)} are missing: expected {', '.join(wanted)}, "
            f"given {', '.join(names) or 'none'}"
        )
    twice = sorted({name for name in wanted if names.count(name) > 1})
    if twice:
        raise ValueError(f"leads {', '.join(twice)} occur more than once in {', '.join(names)}")
    return [names.index(name) for name in wanted]


def millivolts_per_unit(unit):
    """Give the size of a unit of voltage in mV.

    Parameters
    ----------
    unit : str
        ``"mV"``, ``"uV"``, ``"µV"``, ``"nV"`` or ``"V"``, in any case.

    Returns
    -------
    float
        Factor that converts a value in `unit` to mV.

    Raises
    ------
    ValueError
        If the unit is not one of voltage.

    Examples
    --------
    >>> from merit_sk.signals import millivolts_per_unit
    >>> millivolts_per_unit("uV")
    0.001
    """
    try:
        return _MILLIVOLTS[unit.strip().upper()]
    except KeyError:
        raise ValueError(f"{unit!r} is not a unit of voltage: expected V, mV, uV or nV") from None
