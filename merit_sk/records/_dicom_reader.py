"""Read DICOM waveforms: 12-lead, general and ambulatory ECG."""

import io
import re
import warnings

import numpy as np

from ._recording import (
    MAX_SAMPLES,
    Piece,
    Recording,
    assemble,
    check_rate,
    join_statements,
    number_or_none,
    person,
    unit_in_millivolts,
    without_empty,
)

_MAX_BYTES = 1 << 26
_MAX_ITEMS = 100_000
_ITEM = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")
_READ = (
    "SOPClassUID", "WaveformSequence", "WaveformAnnotationSequence", "PatientAge", "PatientSex",
    "ManufacturerModelName", "PatientID", "PatientName", "PatientBirthDate", "AcquisitionDateTime",
    "SpecificCharacterSet",
)  # fmt: skip
_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.9.1.1",  # 12-lead ECG
    "1.2.840.10008.5.1.4.1.1.9.1.2",  # general ECG
    "1.2.840.10008.5.1.4.1.1.9.1.3",  # ambulatory ECG
    "1.2.840.10008.5.1.4.1.1.9.1.4",  # general 32-bit ECG
}
_PLAIN = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"}
_KINDS = {"SS": "i2", "US": "u2", "SB": "i1", "UB": "u1", "SL": "i4", "UL": "u4"}
# codes "5.6.3-9-N" (SCPECG) and "2:N" (MDC) of leads
_LEADS = {1: "I", 2: "II", 61: "III", 62: "aVR", 63: "aVL", 64: "aVF"}
_LEADS |= {n + 2: f"V{n}" for n in range(1, 8)}
_LEADS |= {10: "V2R", 11: "V3R", 12: "V4R", 13: "V5R", 14: "V6R", 15: "V7R", 66: "V8", 67: "V9"}
_MEASURED = {
    "heart rate": "heart_rate",
    "ventricular heart rate": "heart_rate",
    "ventricular rate": "heart_rate",
    "pr interval": "pr_interval",
    "pr interval global": "pr_interval",
    "qrs duration": "qrs_duration",
    "qrs duration global": "qrs_duration",
    "qt interval": "qt_interval",
    "qt interval global": "qt_interval",
    "qtc interval": "qtc_interval",
    "qtc interval global": "qtc_interval",
    "p axis": "p_axis",
    "qrs axis": "r_axis",
    "t axis": "t_axis",
}
_YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}


def read(path, size):
    """Read a recording.

    Parameters
    ----------
    path : str
    size : int
        Bytes of the file.

    Returns
    -------
    Recording
    """
    import pydicom

    if size > _MAX_BYTES:
        raise ValueError(f"it has {size} bytes, more than a DICOM ECG can have")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        meta = pydicom.filereader.read_file_meta_info(path)
        syntax = meta.get("TransferSyntaxUID", "1.2.840.10008.1.2.1")
        if syntax not in _PLAIN:
            name = getattr(syntax, "name", syntax)
            raise ValueError(f"its transfer syntax ({name}) is compressed or unknown")
        with open(path, "rb") as stream:
            whole = stream.read(_MAX_BYTES)
        if max(map(whole.count, _ITEM)) > _MAX_ITEMS:
            raise ValueError("it has more items than a DICOM ECG can have")
        data = pydicom.dcmread(io.BytesIO(whole), specific_tags=list(_READ))
        return _recording(data, "<" if syntax != "1.2.840.10008.1.2.2" else ">")


def _recording(data, order):
    kind = data.get("SOPClassUID", "")
    if kind not in _CLASSES:
        raise ValueError(f"it is no DICOM ECG but {getattr(kind, 'name', kind) or 'of no class'}")
    groups = [group for group in data.get("WaveformSequence") or [] if _is_rhythm(group)]
    if not groups:
        raise ValueError("it holds no rhythm strip")
    rates = {float(group.get("SamplingFrequency") or 0) for group in groups}
    if len(rates) > 1:
        raise ValueError(f"its waveforms have the sampling rates {sorted(rates)}")
    rate = check_rate(rates.pop())
    names, signal = assemble([p for group in groups for p in _pieces(group, order, rate)], rate)
    facts, lines = _annotations(data)
    age = str(data.get("PatientAge") or "")
    facts = {
        "age": int(age[:-1]) * _YEARS[age[-1]] if re.fullmatch(r"\d+[YMWD]", age) else None,
        "sex": {"M": "male", "F": "female"}.get(str(data.get("PatientSex") or "")),
        "device": str(data.get("ManufacturerModelName") or ""),
        **facts,
    }
    identity = person(
        str(data.get("PatientID") or ""),
        str(data.get("PatientName") or "").replace("^", " "),
        birth_date=str(data.get("PatientBirthDate") or ""),
        acquired=str(data.get("AcquisitionDateTime") or ""),
    )
    return Recording(rate, names, signal, join_statements(lines), without_empty(facts), identity)


def _is_rhythm(group):
    label = str(group.get("MultiplexGroupLabel") or "").upper()
    median = any(word in label for word in ("MEDIAN", "AVERAGE", "REPRESENTATIVE", "TEMPLATE"))
    return str(group.get("WaveformOriginality") or "ORIGINAL").upper() != "DERIVED" and not median


def _pieces(group, order, rate):
    bits, kind = group.get("WaveformBitsAllocated"), str(group.get("WaveformSampleInterpretation"))
    if kind not in _KINDS or int(_KINDS[kind][1]) * 8 != bits:
        raise ValueError(f"its samples are {kind} of {bits} bits, which are not supported")
    channels = list(group.get("ChannelDefinitionSequence") or [])
    n_times = int(group.get("NumberOfWaveformSamples") or 0)
    if not channels or n_times < 1 or n_times * len(channels) > MAX_SAMPLES:
        raise ValueError(f"it announces {len(channels)} leads of {n_times} samples")
    dtype = np.dtype(order + _KINDS[kind])
    raw = bytes(group.get("WaveformData") or b"")
    if len(raw) < n_times * len(channels) * dtype.itemsize:
        raise ValueError(
            f"it is truncated, its waveform has {len(raw)} bytes instead of "
            f"{n_times * len(channels) * dtype.itemsize}"
        )
    samples = np.frombuffer(raw, dtype=dtype, count=n_times * len(channels))
    samples = samples.reshape(n_times, len(channels)).T
    start = float(group.get("MultiplexGroupTimeOffset") or 0) / 1000
    padding = _padding(group.get("WaveformPaddingValue"), dtype)
    for channel, values in zip(channels, samples, strict=True):
        name = _lead(channel)
        signal = values * _scale(channel, name) + _baseline(channel, name)
        if padding is not None:
            signal[values == padding] = np.nan
        skew = float(channel.get("ChannelTimeSkew") or 0)
        yield Piece(name, start + round(skew * rate) / rate, signal)


def _padding(value, dtype):
    if not isinstance(value, bytes):
        return value
    known = len(value) >= dtype.itemsize
    return np.frombuffer(value, dtype=dtype, count=1)[0] if known else None


def _lead(channel):
    source = (channel.get("ChannelSourceSequence") or [{}])[0]
    code = re.fullmatch(r"(?:5\.6\.3-9-|2:)(\d+)", str(source.get("CodeValue") or "").strip())
    if code and int(code[1]) in _LEADS:
        return _LEADS[int(code[1])]
    name = str(source.get("CodeMeaning") or channel.get("ChannelLabel") or "")
    return re.sub(r"\(.*?\)", "", name).strip() or "unnamed"


def _unit(channel, name):
    units = channel.get("ChannelSensitivityUnitsSequence") or [{}]
    try:
        return unit_in_millivolts(str(units[0].get("CodeValue") or ""))
    except ValueError as error:
        raise ValueError(f"lead {name}: {error}") from None


def _scale(channel, name):
    sensitivity = channel.get("ChannelSensitivity")
    if not sensitivity:
        raise ValueError(f"lead {name} has no sensitivity")
    correction = channel.get("ChannelSensitivityCorrectionFactor")
    factor = 1.0 if correction is None else float(correction)
    return float(sensitivity) * factor * _unit(channel, name)


def _baseline(channel, name):
    return float(channel.get("ChannelBaseline") or 0) * _unit(channel, name)


def _annotations(data):
    facts, lines = {}, []
    for item in data.get("WaveformAnnotationSequence") or []:
        concept = (item.get("ConceptNameCodeSequence") or [{}])[0]
        name = str(concept.get("CodeMeaning") or "").casefold()
        text, value = item.get("UnformattedTextValue"), item.get("NumericValue")
        if text and (not name or "interpretation" in name or "statement" in name):
            lines.append(str(text))
        elif value is not None and name in _MEASURED:
            facts.setdefault(_MEASURED[name], number_or_none(value))
    return facts, lines
