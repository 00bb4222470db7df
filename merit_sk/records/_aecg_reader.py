"""Read HL7 aECG (``AnnotatedECG``)."""

import re
from datetime import datetime, timedelta

import numpy as np

from ._recording import (
    Piece,
    Recording,
    assemble,
    check_rate,
    join_statements,
    number,
    number_or_none,
    person,
    unit_in_millivolts,
    without_empty,
)
from ._xml import text_of

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
_MEASURED = {
    "MDC_ECG_HEART_RATE": "heart_rate",
    "MDC_ECG_TIME_PD_PR": "pr_interval",
    "MDC_ECG_TIME_PD_QRS": "qrs_duration",
    "MDC_ECG_TIME_PD_QT": "qt_interval",
    "MDC_ECG_TIME_PD_QTCB": "qtc_interval",
    "MDC_ECG_TIME_PD_QTC": "qtc_interval",
    "MDC_ECG_ANGLE_P_FRONT": "p_axis",
    "MDC_ECG_ANGLE_QRS_FRONT": "r_axis",
    "MDC_ECG_ANGLE_T_FRONT": "t_axis",
}
_SEX = {"M": "male", "F": "female"}


def read(root):
    """Read the first rhythm series; representative beats and derived series are not taken for it.

    Parameters
    ----------
    root : Element

    Returns
    -------
    Recording
    """
    series = [s for s in root.findall("component/series") if _code(s) != "REPRESENTATIVE_BEAT"]
    if not series:
        raise ValueError("it holds no rhythm series")
    notes = ("several rhythm series, of which the first was read",) * (len(series) > 1)
    pieces, rate = _pieces(series[0])
    names, signal = assemble(pieces, rate)
    facts, lines = _annotations(series[0])
    subject = root.find(".//trialSubject")
    device = series[0].find("author/seriesAuthor/manufacturedSeriesDevice/manufacturerModelName")
    facts |= {
        "sex": _SEX.get(_attribute(subject, ".//administrativeGenderCode", "code").upper()),
        "device": text_of(device),
    }
    identity = person(
        _attribute(subject, "id", "extension") or _attribute(subject, "id", "root"),
        text_of(subject, ".//subjectDemographicPerson/name"),
        birth_date=_attribute(subject, ".//birthTime", "value"),
        acquired=_attribute(series[0], "effectiveTime/low", "value"),
    )
    return Recording(
        rate, names, signal, join_statements(lines), without_empty(facts), identity, notes
    )


def _code(element):
    return _attribute(element, "code", "code").upper()


def _attribute(element, path, name):
    element = None if element is None else element.find(path)
    return "" if element is None else element.get(name, "").strip()


def _pieces(series):
    pieces, rates = [], set()
    for sequences in series.findall("component/sequenceSet"):
        start, leads = None, []
        for sequence in sequences.findall("component/sequence"):
            code, value = _code(sequence), sequence.find("value")
            if code.startswith("TIME_"):
                start, rate = _time(value)
                rates.add(rate)
            elif "_ECG_LEAD_" in code and value is not None:
                leads.append((_lead(sequence), _samples(value, code)))
        if leads and start is None:
            raise ValueError("a sequence set has no time axis (TIME_ABSOLUTE or TIME_RELATIVE)")
        pieces += [(lead, start, samples) for lead, samples in leads]
    if len(rates) > 1:
        raise ValueError(f"its leads have the sampling rates {sorted(rates)}")
    if not pieces:
        raise ValueError("its rhythm series holds no lead")
    if isinstance(pieces[0][1], datetime) != isinstance(pieces[-1][1], datetime):
        raise ValueError("its sequence sets have both absolute and relative times")
    first = pieces[0][1]
    since = [start - first for _, start, _ in pieces]
    since = [s.total_seconds() if isinstance(s, timedelta) else s for s in since]
    return [Piece(p[0], s, p[2]) for p, s in zip(pieces, since, strict=True)], rates.pop()


def _lead(sequence):
    code = sequence.find("code").get("code", "")
    return code[code.upper().index("_ECG_LEAD_") + len("_ECG_LEAD_") :]


def _time(value):
    """Return the start (a datetime, or seconds) and the sampling rate of a time axis."""
    unit = _attribute(value, "increment", "unit")
    step = number(_attribute(value, "increment", "value"), "the increment of a time axis")
    if unit not in _SECONDS or step <= 0:
        raise ValueError(f"the increment of its time axis is {step:g} {unit or '(no unit)'}")
    rate = 1 / (step * _SECONDS[unit])
    nearest = round(rate)
    rate = check_rate(float(nearest) if abs(rate - nearest) < 1e-6 * rate else rate)
    head = _attribute(value, "head", "value")
    match = re.fullmatch(r"(\d{14})(?:\.(\d{1,9}))?(?:[+-]\d{4})?", head)
    if match is None:
        return (number_or_none(head) or 0.0) * _SECONDS.get(
            _attribute(value, "head", "unit"), 1.0
        ), rate
    try:
        seconds = datetime.strptime(match[1], "%Y%m%d%H%M%S")
    except ValueError:
        raise ValueError(f"its time axis begins at {head!r}, which is no time") from None
    return seconds + timedelta(seconds=float(f"0.{match[2] or 0}")), rate


def _samples(value, code):
    digits = text_of(value, "digits")
    try:
        samples = np.fromiter(map(float, digits.split()), dtype=np.float64)
    except ValueError:
        raise ValueError(f"the digits of {code} hold something else than numbers") from None
    if not samples.size:
        raise ValueError(f"{code} has no digits")
    scale = number(_attribute(value, "scale", "value"), f"the scale of {code}")
    unit = unit_in_millivolts(_attribute(value, "scale", "unit"))
    origin = number(_attribute(value, "origin", "value") or 0, f"the origin of {code}")
    origin_unit = _attribute(value, "origin", "unit")
    return samples * (scale * unit) + (
        origin * (unit_in_millivolts(origin_unit) if origin_unit else unit)
    )


def _annotations(series):
    """Return what annotations of a series measure, in ms, degrees and beats a minute; its text."""
    facts, lines = {}, []
    for annotation in series.findall("subjectOf/annotationSet//annotation"):
        code, value = _code(annotation).removesuffix("_GL"), annotation.find("value")
        if value is None:
            continue
        if code.startswith("MDC_ECG_INTERPRETATION"):
            text = text_of(value) or value.get("displayName") or ""
            if code != "MDC_ECG_INTERPRETATION_COMMENT":
                lines.append(text)
        elif code in _MEASURED and (found := number_or_none(value.get("value"))) is not None:
            unit = value.get("unit", "")
            factor = 1000 * _SECONDS[unit] if unit in _SECONDS else 1.0
            facts.setdefault(_MEASURED[code], found * factor)
    return facts, lines
