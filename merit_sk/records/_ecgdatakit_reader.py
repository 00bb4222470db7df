"""Read SCP-ECG and ISHNE Holter files, with ecgdatakit."""

import warnings

import numpy as np

from ._recording import (
    Piece,
    Recording,
    assemble,
    join_statements,
    person,
    unit_in_millivolts,
    without_empty,
)

_MAX_BYTES = {"SCP-ECG": 1 << 26, "ISHNE": 1 << 30}
_PARSERS = {"SCP-ECG": ("scp_ecg", "SCPECGParser"), "ISHNE": ("ishne_holter", "ISHNEHolterParser")}
_MEASURED = {
    "heart_rate": "heart_rate",
    "pr_interval": "pr_interval",
    "qrs_duration": "qrs_duration",
    "qt_interval": "qt_interval",
    "qtc_interval": "qtc_bazett",
    "p_axis": "p_axis",
    "r_axis": "qrs_axis",
    "t_axis": "t_axis",
}
_SEX = {"M": "male", "F": "female"}


def read(path, size, format):
    """Read a recording.

    Parameters
    ----------
    path : str
    size : int
        Bytes of the file.
    format : {"SCP-ECG", "ISHNE"}

    Returns
    -------
    Recording
    """
    import importlib

    if size > _MAX_BYTES[format]:
        raise ValueError(f"it has {size} bytes, more than a recording in {format} can have")
    module, name = _PARSERS[format]
    module = importlib.import_module(f"ecgdatakit.parsing.parsers.{module}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        record = getattr(module, name)().parse(path)
    rates = {float(lead.sampling_rate) for lead in record.leads}
    if len(rates) > 1:
        raise ValueError(f"its leads have the sampling rates {sorted(rates)}")
    pieces = [Piece(lead.label, 0.0, _samples(lead, format)) for lead in record.leads]
    if len({len(piece.samples) for piece in pieces}) > 1:
        raise ValueError("its leads have different lengths")
    rate = rates.pop() if rates else 0.0
    names, signal = assemble(pieces, rate)
    patient, measured = record.patient, record.measurements
    facts = {
        "age": patient.age,
        "sex": _SEX.get(patient.sex),
        "device": record.recording.device.model,
        **{name: getattr(measured, key, None) for name, key in _MEASURED.items()},
    }
    identity = person(
        patient.patient_id,
        f"{patient.first_name} {patient.last_name}",
        birth_date=patient.birth_date and patient.birth_date.date().isoformat(),
        acquired=record.recording.date and record.recording.date.isoformat(),
    )
    report = join_statements([line for line, _ in record.interpretation.statements])
    return Recording(rate, names, signal, report, without_empty(facts), identity)


def _samples(lead, format):
    """Return a lead in mV; its samples are integers with a scale, or µV already."""
    unit = lead.resolution_unit if lead.is_raw else lead.units
    if not unit:
        raise ValueError(f"the voltage of a sample of lead {lead.label} is not known")
    signal = np.array(lead.samples, dtype=np.float64)
    if format == "ISHNE":
        signal[signal == -32768] = np.nan
    if lead.is_raw:
        signal = signal * lead.resolution + lead.offset
    return signal * unit_in_millivolts(unit)
