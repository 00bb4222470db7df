"""Reading one WFDB record: a direct path for the common case, wfdb for everything else.

The direct path reads records of one segment whose signals lie, sample by sample, as 16-bit
integers in one file: the form of PTB-XL, of MIMIC-IV-ECG and, behind a 24-byte MATLAB header, of
the PhysioNet challenge sets.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .signals import canonical_lead_name, lead_indices, millivolts_per_unit

_NAN_SAMPLE = -32768
_MAX_SAMPLES = 1 << 28


class Scale(NamedTuple):
    """How integers of one lead become mV: ``(sample - baseline) / gain * unit``."""

    gain: float
    baseline: int
    unit: float


class Header(NamedTuple):
    """What a header says of a record.

    `file` is None for records that only wfdb can read; `scales` and `offset` are then unset.
    """

    path: str
    rate: float
    n_times: int
    lead_names: tuple
    comments: tuple
    file: str | None = None
    offset: int = 0
    scales: tuple = ()
    checksums: tuple = ()


class Digital(NamedTuple):
    """Integer samples of a record, of shape (n_leads, n_times), and their scale per lead."""

    samples: np.ndarray
    scales: tuple


def read_header(path):
    """Read the header of the record at `path`, given without extension."""
    path = os.fspath(path)
    try:
        text = Path(path + ".hea").read_bytes().decode("utf-8", errors="replace")
    except FileNotFoundError:
        raise FileNotFoundError(f"record {path}: there is no header file {path}.hea") from None
    lines, comments = [], []
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("#"):
            comments.append(line[1:].strip())
        elif line:
            lines.append(line)
    if not lines:
        raise ValueError(f"record {path}: the header {path}.hea is empty")
    header = _parse_direct(path, lines, tuple(comments))
    return _header_through_wfdb(path, lines, tuple(comments)) if header is None else header


def _parse_direct(path, lines, comments):
    """Parse the common form of a header; None for anything else."""
    record = lines[0].split()
    try:
        n_leads, rate, n_times = int(record[1]), float(record[2]), int(record[3])
    except (IndexError, ValueError):
        return None
    if "/" in record[0] or len(lines) != n_leads + 1 or n_leads < 1 or n_times < 1:
        return None
    if not 0 < rate < float("inf"):
        return None
    signals = [line.split(None, 8) for line in lines[1:]]
    first = signals[0]
    scales = []
    for signal in signals:
        if len(signal) < 9 or signal[0] != first[0] or signal[1] != first[1]:
            return None
        scale = _parse_gain(signal[2], signal[4])
        if scale is None:
            return None
        scales.append(scale)
    offset = _parse_format(first[1])
    if offset is None:
        return None
    names = tuple([canonical_lead_name(signal[8]) for signal in signals])
    checksums = tuple([signal[6] for signal in signals])
    _refuse_outside(path, first[0])
    return Header(path, rate, n_times, names, comments, first[0], offset, tuple(scales), checksums)


@lru_cache(maxsize=4096)
def _parse_gain(field, adc_zero):
    gain, _, unit = field.partition("/")
    gain, _, baseline = gain.partition("(")
    try:
        scale = Scale(
            float(gain) or 200.0,
            int(baseline.rstrip(")") or adc_zero),
            millivolts_per_unit(unit or "mV"),
        )
    except ValueError:
        return None
    return scale if np.isfinite(scale.gain) and abs(scale.baseline) < 2**24 else None


@lru_cache(maxsize=64)
def _parse_format(field):
    code, _, offset = field.partition("+")
    if code != "16" or not (offset.isdigit() or offset == ""):
        return None
    return int(offset or 0)


def _refuse_outside(path, file_name):
    if file_name != os.path.basename(file_name.replace("\\", "/")) or file_name in (".", ".."):
        raise ValueError(
            f"record {path}: the header names the file {file_name!r}, which is outside its folder"
        )


def _header_through_wfdb(path, lines, comments):
    import wfdb

    for line in lines[1:]:
        _refuse_outside(path, line.split()[0])
    try:
        record = wfdb.rdheader(path)
        rate, n_times, names = float(record.fs), int(record.sig_len or 0), record.sig_name
    except Exception as error:
        raise ValueError(
            f"record {path}: the header {path}.hea cannot be parsed: {error}"
        ) from None
    if not names or n_times < 1 or not rate > 0:
        raise ValueError(f"record {path}: the header {path}.hea describes no signal")
    names = tuple(canonical_lead_name(name or "") for name in names)
    return Header(path, rate, n_times, names, comments)


def read_digital(header):
    """Read the integer samples of a record of the direct form.

    Returns
    -------
    Digital
        A view of shape (n_leads, n_times) on the samples as they lie in the file.
    """
    n_leads, n_times = len(header.lead_names), header.n_times
    file = os.path.join(os.path.dirname(header.path), header.file)
    count = n_leads * n_times
    try:
        size = os.path.getsize(file)
        if size < header.offset + 2 * count:
            raise ValueError(
                f"record {header.path}: {file} is truncated, it has {size} bytes instead of "
                f"{header.offset + 2 * count}"
            )
        samples = np.fromfile(file, dtype="<i2", count=count, offset=header.offset)
    except FileNotFoundError:
        raise FileNotFoundError(f"record {header.path}: there is no signal file {file}") from None
    return Digital(samples.reshape(n_times, n_leads).T, header.scales)


def to_millivolts(digital, out=None):
    """Convert integer samples to float32 mV; invalid ones become NaN."""
    samples, scales = digital
    if out is None:
        out = np.empty(samples.shape, dtype=np.float32)
    out[...] = samples
    first = scales[0]
    same = all(scale == first for scale in scales)
    groups = [(out, first)] if same else zip(out, scales, strict=True)
    invalid = samples.min() == _NAN_SAMPLE and samples == _NAN_SAMPLE
    for leads, scale in groups:
        if scale.baseline:
            leads -= np.float32(scale.baseline)
        if np.float32(scale.gain) == scale.gain:
            leads /= np.float32(scale.gain)
        else:
            leads[...] = leads.astype(np.float64) / scale.gain
        if scale.unit != 1:
            leads *= np.float32(scale.unit)
    if invalid is not False:
        out[invalid] = np.nan
    return out


def read_record(path, lead_names=None, out=None):
    """Read one record.

    Parameters
    ----------
    path : str or path-like
        Record, without extension.
    lead_names : sequence of str or None, default=None
        Leads to return, in this order; those of the file by default.
    out : ndarray of shape (n_leads, n_times), float32, or None, default=None
        Array to fill.

    Returns
    -------
    header : Header
    signal : ndarray of shape (n_leads, n_times), float32
        In mV, with NaN where the file marks a sample as invalid.
    """
    header = read_header(path)
    try:
        leads = None if lead_names is None else lead_indices(header.lead_names, lead_names)
    except ValueError as error:
        raise ValueError(f"record {header.path}: {error}") from None
    if leads == list(range(len(header.lead_names))):
        leads = None
    if header.file is None:
        signal = _signal_through_wfdb(header)
    else:
        digital = read_digital(header)
        if leads is not None:
            digital = Digital(digital.samples[leads], tuple(digital.scales[i] for i in leads))
        if out is not None and out.shape != digital.samples.shape:
            raise _other_length(header, out)
        return header, to_millivolts(digital, out)
    if leads is not None:
        signal = signal[leads]
    if out is None:
        return header, signal
    if out.shape != signal.shape:
        raise _other_length(header, out)
    out[...] = signal
    return header, out


def _other_length(header, out):
    return ValueError(
        f"record {header.path}: {header.n_times} samples, expected {out.shape[-1]} like the others"
    )


def _signal_through_wfdb(header):
    import wfdb

    try:
        record = wfdb.rdrecord(header.path, physical=True)
        signal = record.p_signal.T
        units = [millivolts_per_unit(unit or "mV") for unit in record.units]
    except Exception as error:
        raise ValueError(f"record {header.path} cannot be read: {error}") from None
    return np.ascontiguousarray(signal * np.array(units)[:, None], dtype=np.float32)
