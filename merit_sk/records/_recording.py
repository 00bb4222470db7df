"""What the reader of a file format gives, and helpers that readers share."""

import base64
import binascii
import math
from typing import NamedTuple

import numpy as np

from ..signals._lead_map import LIMB_LEADS
from ..signals._leads import canonical_lead_name, millivolts_per_unit

MAX_SAMPLES = 1 << 28
_MAX_RATE = 1e6
_SPARSE = 16  # times the samples of a file that its gaps may take
_PLACEHOLDERS = {"", "anonymous", "anonymized", "n/a", "na", "none", "unknown"}


class Recording(NamedTuple):
    """Content of a file.

    Parameters
    ----------
    rate : float
        Samples per second.
    lead_names : tuple of str
    signal : ndarray of shape (n_leads, n_times), float64
        In mV, with NaN where nothing was recorded.
    report : str or None
    facts : dict
        What is known of recording and patient, without anything that tells who it is.
    identity : dict
        Name, number and dates.
    notes : tuple of str
        What a user should know about how the file was read.
    """

    rate: float
    lead_names: tuple
    signal: np.ndarray
    report: str | None = None
    facts: dict = {}
    identity: dict = {}
    notes: tuple = ()


class Piece(NamedTuple):
    """One lead from `start` on, in s."""

    lead: str
    start: float
    samples: np.ndarray


def assemble(pieces, rate):
    """Put leads that were recorded at different times on one time axis, NaN where there is none.

    Parameters
    ----------
    pieces : list of Piece
    rate : float

    Returns
    -------
    lead_names : tuple of str
    signal : ndarray of shape (n_leads, n_times), float64
    """
    check_rate(rate)
    if not pieces:
        raise ValueError("it holds no lead of an ECG")
    names = tuple(dict.fromkeys(canonical_lead_name(piece.lead) for piece in pieces))
    first = min(piece.start for piece in pieces)
    starts = [round((piece.start - first) * rate) for piece in pieces]
    ends = [start + len(piece.samples) for start, piece in zip(starts, pieces, strict=True)]
    total = sum(len(piece.samples) for piece in pieces)
    if max(ends) * len(names) > _SPARSE * total:
        raise ValueError("its leads were recorded too far apart in time")
    signal = np.full((len(names), max(ends)), np.nan)
    taken = {name: [] for name in names}
    for piece, start, end in zip(pieces, starts, ends, strict=True):
        name = canonical_lead_name(piece.lead)
        if any(start < other_end and other < end for other, other_end in taken[name]):
            raise ValueError(f"it holds lead {name} more than once for the same time")
        taken[name].append((start, end))
        signal[names.index(name), start:end] = piece.samples
    return names, signal


def with_limb_leads(recording):
    """Add limb leads that follow from I and II, where a file stores these only."""
    names, signal = recording.lead_names, recording.signal
    absent = [name for name in LIMB_LEADS if name not in names]
    if not absent or "I" not in names or "II" not in names:
        return recording
    pair = signal[[names.index("I"), names.index("II")]]
    derived = np.array([LIMB_LEADS[name] for name in absent]) @ pair
    return recording._replace(
        lead_names=(*names, *absent), signal=np.concatenate([signal, derived])
    )


def check_rate(rate):
    """Refuse a sampling rate that cannot be."""
    if not 1 <= rate <= _MAX_RATE:
        raise ValueError(f"its sampling rate is {rate:g} Hz")
    return rate


def number(text, what):
    """Return the finite number that a text holds, with a decimal point or comma."""
    try:
        value = float(str(text).strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not abs(value) < 1e12:
        raise ValueError(f"it has {_short(text)} where {what} must be")
    return value


def number_or_none(text):
    """Return the number that a text holds, None if there is none."""
    try:
        return number(text, "a number")
    except ValueError:
        return None


def _short(text):
    if text is None or not str(text).strip():
        return "nothing"
    text = str(text).strip()
    return repr(text if len(text) <= 30 else f"{text[:30]}...")


def unit_in_millivolts(text):
    """Return the size of a unit of voltage in mV, also of names such as MICROVOLTS."""
    name = (text or "").strip().upper().removesuffix("S")
    spoken = {"MICROVOLT": "uV", "MILLIVOLT": "mV", "NANOVOLT": "nV", "VOLT": "V"}
    try:
        return millivolts_per_unit(spoken.get(name, text or ""))
    except ValueError:
        raise ValueError(f"it has {_short(text)} where a unit of voltage must be") from None


def decode_base64(text, what):
    """Decode base64 that may be broken over lines."""
    try:
        return base64.b64decode("".join((text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{what} is not valid base64") from None


def integers(data, what, dtype="<i2"):
    """Return the integers in bytes."""
    if not data or len(data) % np.dtype(dtype).itemsize:
        raise ValueError(f"{what} has {len(data)} bytes, no whole number of samples")
    return np.frombuffer(data, dtype=dtype)


def to_millivolts(samples, scale, baseline=0.0):
    """Convert integers to mV, with NaN for the value that marks a sample as invalid in 16 bits."""
    signal = samples * scale + baseline
    if samples.dtype == np.int16 and len(samples) and samples.min() == -32768:
        signal[samples == -32768] = np.nan
    return signal


def join_statements(lines):
    """Make one text of the lines of a report, None if they are empty."""
    lines = [" ".join(line.split()) for line in lines if line]
    lines = [line.removesuffix(".") for line in lines if line.strip("-*. ")]
    return ". ".join(lines) + "." if lines else None


def without_empty(values):
    """Drop what a file leaves open."""
    return {key: value for key, value in values.items() if value is not None and value != ""}


def person(identifier=None, name=None, **others):
    """Make the identity of a patient; placeholders such as "0000" identify nobody."""
    identifier, name = (" ".join((text or "").split()) for text in (identifier, name))
    if identifier.casefold() in _PLACEHOLDERS or not identifier.strip("0-Xx*. "):
        identifier = ""
    return without_empty({"patient_id": identifier, "patient_name": name, **others})
