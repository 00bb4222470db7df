"""Read GE MUSE XML (``RestingECG``).

A file holds the rhythm strip and the median beat, usually of eight leads, as 16-bit integers in
base64. What is not the rhythm strip is never read as one.
"""

from datetime import datetime

from ._recording import (
    Piece,
    Recording,
    assemble,
    decode_base64,
    integers,
    join_statements,
    number,
    number_or_none,
    person,
    to_millivolts,
    unit_in_millivolts,
    without_empty,
)
from ._xml import numbers_of, text_of

_MEASURED = {
    "heart_rate": "VentricularRate",
    "atrial_rate": "AtrialRate",
    "pr_interval": "PRInterval",
    "qrs_duration": "QRSDuration",
    "qt_interval": "QTInterval",
    "qtc_interval": "QTCorrected",
    "p_axis": "PAxis",
    "r_axis": "RAxis",
    "t_axis": "TAxis",
}
_YEARS = {"YEAR": 1.0, "MONTH": 1 / 12, "WEEK": 7 / 365.25, "DAY": 1 / 365.25, "HOUR": 1 / 8766}


def read(root):
    """Read a recording.

    Parameters
    ----------
    root : Element

    Returns
    -------
    Recording
    """
    waveform, notes = _rhythm(root)
    base = number(text_of(waveform, "SampleBase"), "SampleBase")
    exponent = number(text_of(waveform, "SampleExponent") or 0, "SampleExponent")
    rate = base * 10.0 ** max(-12, min(12, exponent))
    leads = waveform.findall("LeadData")
    if len({number_or_none(text_of(lead, "LeadOffsetFirstSample")) or 0 for lead in leads}) > 1:
        raise ValueError("its leads begin at different samples (LeadOffsetFirstSample)")
    pieces = [Piece(text_of(lead, "LeadID"), 0.0, _samples(lead)) for lead in leads]
    if len({len(piece.samples) for piece in pieces}) > 1:
        raise ValueError("the leads of its rhythm strip have different lengths")
    names, signal = assemble(pieces, rate)
    patient, test = root.find("PatientDemographics"), root.find("TestDemographics")
    facts = {
        "age": _age(patient, test),
        "sex": text_of(patient, "Gender").lower(),
        "device": text_of(test, "AcquisitionDevice"),
        **numbers_of(root.find("RestingECGMeasurements"), _MEASURED),
        "original_report": _report(root.find("OriginalDiagnosis")),
    }
    identity = person(
        text_of(patient, "PatientID"),
        f"{text_of(patient, 'PatientFirstName')} {text_of(patient, 'PatientLastName')}",
        birth_date=text_of(patient, "DateofBirth"),
        acquired=" ".join(
            filter(None, [text_of(test, "AcquisitionDate"), text_of(test, "AcquisitionTime")])
        ),
    )
    report = _report(root.find("Diagnosis"))
    return Recording(rate, names, signal, report, without_empty(facts), identity, notes)


def _rhythm(root):
    kinds = [(text_of(w, "WaveformType").lower(), w) for w in root.iter("Waveform")]
    found = [waveform for kind, waveform in kinds if kind == "rhythm"]
    found = found or [waveform for kind, waveform in kinds if not kind]
    if not found:
        held = ", ".join(kind for kind, _ in kinds) or "no waveform"
        raise ValueError(f"it holds no rhythm strip, only {held}")
    return found[0], ("several rhythm strips, of which the first was read",) * (len(found) > 1)


def _samples(lead):
    name = text_of(lead, "LeadID")
    what = f"lead {name}"
    size = number(text_of(lead, "LeadSampleSize") or 2, f"the LeadSampleSize of {what}")
    if size != 2:
        raise ValueError(f"the samples of {what} have {size:g} bytes, only 2 are supported")
    data = decode_base64(text_of(lead, "WaveFormData"), what)
    samples = integers(data, what)
    announced = number_or_none(text_of(lead, "LeadSampleCountTotal"))
    if announced is not None and announced != len(samples):
        raise ValueError(f"{what} has {len(samples)} samples, announced are {announced:g}")
    per_bit = number(
        text_of(lead, "LeadAmplitudeUnitsPerBit"), f"the LeadAmplitudeUnitsPerBit of {what}"
    )
    if per_bit <= 0:
        raise ValueError(f"the LeadAmplitudeUnitsPerBit of {what} is {per_bit:g}")
    unit = unit_in_millivolts(text_of(lead, "LeadAmplitudeUnits"))
    return to_millivolts(samples, per_bit * unit)


def _report(diagnosis):
    """Join the statements of a diagnosis; a line ends at the flag ENDSLINE."""
    if diagnosis is None:
        return None
    statements = diagnosis.findall("DiagnosisStatement")
    flags = [{text_of(f).upper() for f in s.findall("StmtFlag")} for s in statements]
    texts = [text_of(statement, "StmtText") for statement in statements]
    if not any("ENDSLINE" in flag for flag in flags):
        return join_statements(texts)
    lines = [""]
    for text, flag in zip(texts, flags, strict=True):
        lines[-1] += f" {text}"
        if "ENDSLINE" in flag:
            lines.append("")
    return join_statements(lines)


def _age(patient, test):
    age = number_or_none(text_of(patient, "PatientAge"))
    unit = text_of(patient, "AgeUnits").upper().removesuffix("S") or "YEAR"
    if age is not None:
        return age * _YEARS[unit] if unit in _YEARS else None
    try:
        born, seen = (
            datetime.strptime(text, "%m-%d-%Y")
            for text in (text_of(patient, "DateofBirth"), text_of(test, "AcquisitionDate"))
        )
    except ValueError:
        return None
    return seen.year - born.year - ((seen.month, seen.day) < (born.month, born.day))
