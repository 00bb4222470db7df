"""Read one EDF record (European Data Format, 16-bit integers in blocks)."""

import os
from typing import NamedTuple

import numpy as np

from ._recording import person

_ANNOTATIONS = "EDF Annotations"


class EDFLayout(NamedTuple):
    """Positions and scales of the samples of an EDF file."""

    start: int
    n_blocks: int
    samples_per_block: tuple
    signals: tuple
    digital: tuple
    physical: tuple
    units: tuple


def read_edf_header(file):
    """Read the header of an EDF file.

    Returns
    -------
    rate : float
    n_times : int
    names : list of str
    layout : EDFLayout
        Of the signals that have the highest sampling rate; slower ones are left out.
    """
    with open(file, "rb") as stream:
        fixed = stream.read(256).decode("latin-1")
        n = _number(fixed[252:256], int)
        if not fixed.startswith("0") or not 0 < n < 1000:
            raise ValueError("it is not an EDF file")
        if fixed[192:197] == "EDF+D":
            raise ValueError("it has gaps (EDF+D), which are not supported")
        text = stream.read(256 * n).decode("latin-1")
    if len(text) < 256 * n:
        raise ValueError("its header is truncated")
    n_blocks, seconds = _number(fixed[236:244], int), _number(fixed[244:252], float)
    columns, at = [], 0
    for width in (16, 80, 8, 8, 8, 8, 8, 80, 8):
        columns.append([text[at + width * i : at + width * (i + 1)].strip() for i in range(n)])
        at += width * n
    names, _, units, low, high, digital_low, digital_high, _, counts = columns
    counts = [_number(count, int) for count in counts]
    signals = [i for i in range(n) if names[i] != _ANNOTATIONS]
    most = max([counts[i] for i in signals], default=0)
    signals = tuple([i for i in signals if counts[i] == most])
    if not (signals and seconds > 0 and n_blocks > 0 and min(counts) >= 0 and most > 0):
        raise ValueError("it describes no signal")
    layout = EDFLayout(
        256 * (n + 1),
        n_blocks,
        tuple(counts),
        signals,
        tuple([(_number(digital_low[i]), _number(digital_high[i])) for i in signals]),
        tuple([(_number(low[i]), _number(high[i])) for i in signals]),
        tuple([units[i] for i in signals]),
    )
    size = layout.start + 2 * n_blocks * sum(counts)
    if os.path.getsize(file) < size:
        raise ValueError(f"it is truncated, it has {os.path.getsize(file)} bytes instead of {size}")
    if any(high <= low for low, high in layout.digital):
        raise ValueError("the digital range of a signal is empty")
    return most / seconds, most * n_blocks, [names[i] for i in signals], layout


def _number(text, kind=float):
    try:
        value = kind(text.strip().rstrip("\0"))
    except ValueError:
        raise ValueError(f"its header has {text!r} where a number must be") from None
    if abs(value) > 1e12 or value != value:
        raise ValueError(f"its header has the absurd number {text!r}")
    return value


def read_edf(file):
    """Read an EDF file.

    Returns
    -------
    ndarray of shape (n_leads, n_times), float64
        In the units of the file.
    """
    _, n_times, names, layout = read_edf_header(file)
    counts = np.array(layout.samples_per_block)
    blocks = np.fromfile(
        file, dtype="<i2", count=layout.n_blocks * counts.sum(), offset=layout.start
    ).reshape(layout.n_blocks, counts.sum())
    starts = np.cumsum(counts) - counts
    signal = np.empty((len(names), n_times))
    for k, i in enumerate(layout.signals):
        (low, high), (bottom, top) = layout.digital[k], layout.physical[k]
        digital = blocks[:, starts[i] : starts[i] + counts[i]].reshape(-1).astype(float)
        signal[k] = (digital - low) * ((top - bottom) / (high - low)) + bottom
    return signal


def edf_patient(file):
    """Return what the header of an EDF file tells of the patient: facts, and identity.

    EDF+ has the words "number sex birth-date name"; older files have any text.
    """
    with open(file, "rb") as stream:
        fixed = stream.read(184).decode("latin-1")
    text, acquired = fixed[8:88].strip(), f"{fixed[168:176].strip()} {fixed[176:184].strip()}"
    words = ["" if word == "X" else word.replace("_", " ") for word in text.split()]
    if len(words) < 4 or words[1] not in ("M", "F", ""):
        return {}, person(None, text, acquired=acquired)
    facts = {"sex": {"M": "male", "F": "female"}[words[1]]} if words[1] else {}
    return facts, person(words[0], words[3], birth_date=words[2], acquired=acquired)
