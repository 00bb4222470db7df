"""Read SCP-ECG, with ecgdatakit."""

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

_MAX_BYTES = 1 << 22
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
    from ecgdatakit.parsing.parsers.scp_ecg import SCPECGParser

    if size > _MAX_BYTES:
        raise ValueError(f"it has {size} bytes, more than a recording in SCP-ECG can have")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        record = SCPECGParser().parse(path)
    rates = {float(lead.sampling_rate) for lead in record.leads}
    if len(rates) > 1:
        raise ValueError(f"its leads have the sampling rates {sorted(rates)}")
    pieces = [Piece(lead.label, 0.0, _samples(lead)) for lead in record.leads]
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


def _samples(lead):
    """Return a lead in mV; its samples are integers with a scale, or µV already."""
    unit = lead.resolution_unit if lead.is_raw else lead.units
    if not unit:
        raise ValueError(f"the voltage of a sample of lead {lead.label} is not known")
    signal = np.array(lead.samples, dtype=np.float64)
    if lead.is_raw:
        signal = signal * lead.resolution + lead.offset
    return signal * unit_in_millivolts(unit)
