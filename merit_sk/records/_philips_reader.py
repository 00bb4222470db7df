"""Read Philips XML (``restingecgdata``: SierraECG and PhilipsECG 1.03 to 1.04.02)."""

import numpy as np

from ..signals._leads import STANDARD_LEADS, canonical_lead_name
from ._recording import (
    MAX_SAMPLES,
    Piece,
    Recording,
    assemble,
    check_rate,
    decode_base64,
    integers,
    join_statements,
    number,
    number_or_none,
    person,
    to_millivolts,
    without_empty,
)
from ._xli import decode_xli
from ._xml import numbers_of, text_of

_MEASURED = {
    "heart_rate": "heartrate",
    "pr_interval": "print",
    "qrs_duration": "qrsdur",
    "qt_interval": "qtint",
    "qtc_interval": "qtcb",
    "p_axis": "pfrontaxis",
    "r_axis": "qrsfrontaxis",
    "t_axis": "tfrontaxis",
}


def read(root):
    """Read a recording.

    Parameters
    ----------
    root : Element

    Returns
    -------
    Recording
    """
    waveforms = root.find(".//parsedwaveforms")
    if waveforms is None:
        raise ValueError("it holds no rhythm strip (parsedwaveforms)")
    about = root.find(".//signalcharacteristics")

    def said(attribute, *tags):
        texts = [waveforms.get(attribute, ""), *[text_of(about, tag) for tag in tags]]
        return next((text for text in texts if text.strip()), "")

    rate = check_rate(number(said("samplespersecond", "samplingrate"), "the sampling rate"))
    duration = number(waveforms.get("durationperchannel"), "durationperchannel")
    n_times = round(duration * rate / 1000)
    names = _lead_names(waveforms, about)
    if n_times < 1 or n_times * len(names) > MAX_SAMPLES:
        raise ValueError(f"it announces {len(names)} leads of {n_times} samples")
    signed = said("signalsigned", "signalsigned").strip().lower() not in ("false", "no", "0")
    samples = _samples(waveforms, names, n_times, "<i2" if signed else "<u2")
    resolution = number(said("resolution", "resolution", "signalresolution"), "the resolution")
    if resolution <= 0:
        raise ValueError(f"its resolution is {resolution:g} uV")
    zero = number_or_none(said("signaloffset", "signaloffset")) or 0.0
    scale = resolution / 1000
    pieces = [
        Piece(name, 0.0, to_millivolts(values, scale, -zero * scale))
        for name, values in zip(names, samples, strict=True)
    ]
    names, signal = assemble(pieces, rate)
    patient = root.find(".//generalpatientdata")
    interpretation = root.find(".//interpretation")
    measured = None if interpretation is None else interpretation.find("globalmeasurements")
    acquired = root.find(".//dataacquisition")
    facts = {
        "age": number_or_none(text_of(patient, "age/years")),
        "sex": text_of(patient, "sex").lower(),
        "device": text_of(acquired, "machine"),
        **numbers_of(measured, _MEASURED),
    }
    identity = person(
        text_of(patient, "patientid") or text_of(patient, "MRN"),
        " ".join(_anywhere(patient, tag) for tag in ("firstname", "lastname")),
        birth_date=_anywhere(patient, "dateofbirth"),
        acquired="" if acquired is None else
        f"{acquired.get('date', '')} {acquired.get('time', '')}".strip(),
    )  # fmt: skip
    return Recording(rate, names, signal, _report(interpretation), without_empty(facts), identity)


def _anywhere(element, tag):
    return text_of(element, f".//{tag}")


def _lead_names(waveforms, about):
    names = waveforms.get("leadlabels", "").split()
    allocated = text_of(about, "numberchannelsallocated") or text_of(about, "numberchannelsvalid")
    count = number_or_none(waveforms.get("numberofleads") or allocated)
    if names:
        return names[: int(count)] if count and 0 < count < len(names) else names
    kind = text_of(about, "acquisitiontype") or text_of(about, "leadset")
    if kind not in ("STD-12", "10-WIRE") or count != 12:
        raise ValueError("it does not name its leads (leadlabels)")
    return list(STANDARD_LEADS)


def _samples(waveforms, names, n_times, dtype):
    """Return one array of integers for each lead."""
    text, encoding = text_of(waveforms), waveforms.get("dataencoding", "")
    method = waveforms.get("compression") or waveforms.get("compressmethod") or ""
    if waveforms.get("compressflag", "").strip().lower() in ("false", "no", "0"):
        method = ""
    if method.strip().lower() not in ("", "none", "uncompressed"):
        if method.strip().upper() != "XLI" or encoding != "Base64":
            raise ValueError(f"its compression {method} in {encoding} is not supported")
        leads = decode_xli(decode_base64(text, "its waveform"), len(names), n_times)
        return _undo_prediction([canonical_lead_name(name) for name in names], leads)
    if encoding == "Base64":
        values = integers(decode_base64(text, "its waveform"), "its waveform", dtype)
    elif encoding == "Plain":
        try:
            values = np.array(text.replace(",", " ").split(), dtype=np.int64)
        except (ValueError, OverflowError):
            raise ValueError("its waveform has something else than integers") from None
    else:
        raise ValueError(f"its waveform is encoded as {encoding or 'nothing known'}")
    if len(values) < n_times * len(names):
        raise ValueError(
            f"its waveform has {len(values)} samples, announced are {len(names)} leads of {n_times}"
        )
    return values[: n_times * len(names)].reshape(len(names), n_times)


def _undo_prediction(names, leads):
    """Add what was predicted of III, aVR, aVL and aVF, of which only the rest is stored."""
    found = dict(zip(names, leads.astype(np.int64), strict=True))
    if {"I", "II", "III", "aVR", "aVL", "aVF"} <= set(names):
        one, two = found["I"], found["II"]
        three = two - one - found["III"]
        found["III"] = three
        found["aVR"] = -((one + two) // 2) - found["aVR"]
        found["aVL"] = (one - three) // 2 - found["aVL"]
        found["aVF"] = (two + three) // 2 - found["aVF"]
    return [found[name] for name in names]


def _report(interpretation):
    if interpretation is None:
        return None
    return join_statements(
        [
            text_of(statement, "leftstatement") or text_of(statement, "rightstatement")
            for statement in interpretation.findall("statement")
        ]
    )
