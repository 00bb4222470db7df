"""Read Mortara XML (``ECG``, of ELI devices)."""

import re

import numpy as np

from ._recording import (
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

_MEASURED = {
    "pr_interval": "PR_DURATION",
    "qrs_duration": "QRS_DURATION",
    "qt_interval": "QT",
    "qtc_interval": "QTC",
    "p_axis": "P_AXIS",
    "r_axis": "QRS_AXIS",
    "t_axis": "T_AXIS",
}


def read(root):
    """Read a recording; its typical cycle is not taken for the rhythm strip.

    Parameters
    ----------
    root : Element

    Returns
    -------
    Recording
    """
    channels = root.findall("CHANNEL")
    if not channels:
        raise ValueError("it holds no rhythm strip (CHANNEL)")
    rates = {number(channel.get("SAMPLE_FREQ"), "SAMPLE_FREQ") for channel in channels}
    if len(rates) > 1:
        raise ValueError(f"its leads have the sampling rates {sorted(rates)}")
    rate = check_rate(rates.pop())
    pieces = [Piece(channel.get("NAME", ""), 0.0, _samples(channel, rate)) for channel in channels]
    if len({len(piece.samples) for piece in pieces}) > 1:
        raise ValueError("its leads have different lengths")
    names, signal = assemble(pieces, rate)
    subject, source, cycle = (
        {} if element is None else element.attrib
        for element in map(root.find, ("SUBJECT", "SOURCE", "TYPICAL_CYCLE"))
    )
    age_in_years = root.get("AGE_UNITS", "").strip().upper() in ("", "Y", "YEARS", "YEAR")
    measured = {name: number_or_none(cycle.get(key)) for name, key in _MEASURED.items()}
    facts = {
        "age": number_or_none(root.get("AGE")) if age_in_years else None,
        "sex": subject.get("GENDER", "").strip().lower(),
        "device": source.get("MODEL", "").strip(),
        "heart_rate": number_or_none(root.get("VENT_RATE")),
        **measured,
    }
    identity = person(
        subject.get("ID"),
        f"{subject.get('FIRST_NAME', '')} {subject.get('LAST_NAME', '')}",
        birth_date=subject.get("DOB", "").strip(),
        acquired=root.get("ACQUISITION_TIME", "").strip(),
    )
    statements = root.findall("AUTOMATIC_INTERPRETATION/STATEMENT")
    report = join_statements([s.get("TEXT") or s.text or "" for s in statements])
    return Recording(rate, names, signal, report, without_empty(facts), identity)


def _samples(channel, rate):
    what = f"lead {channel.get('NAME', '')}"
    form = [channel.get(key) or default for key, default in
            (("BITS", "16"), ("FORMAT", "SIGNED"), ("ENCODING", "BASE64"))]  # fmt: skip
    if [word.strip().upper() for word in form] != ["16", "SIGNED", "BASE64"]:
        raise ValueError(f"the samples of {what} are {' '.join(form)}, which is not supported")
    text = (channel.get("DATA") or channel.text or "").strip()
    if re.fullmatch(r"-?\d+(?:[,;\s]+-?\d+)+", text):  # early exports list decimals
        samples = np.array(re.split(r"[,;\s]+", text), dtype=np.int64)
    else:
        samples = integers(decode_base64(text, what), what)
    announced = number_or_none(channel.get("DURATION"))
    if announced and announced not in (len(samples), round(len(samples) * 1000 / rate)):
        raise ValueError(f"{what} has {len(samples)} samples, announced are {announced:g}")
    units = number(channel.get("UNITS_PER_MV"), f"the UNITS_PER_MV of {what}")
    if units <= 0:
        raise ValueError(f"the UNITS_PER_MV of {what} are {units:g}")
    return to_millivolts(samples, 1 / units)
