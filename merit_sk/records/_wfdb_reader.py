"""Read one record: a direct path for the common WFDB case, wfdb or EDF for everything else.

The direct path reads records of one segment whose signals lie, sample by sample, as 16-bit
integers in one file: the form of PTB-XL, of MIMIC-IV-ECG and, behind a 24-byte MATLAB header, of
the PhysioNet challenge sets.
"""

import hashlib
import os
import re
import threading
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..signals._leads import canonical_lead_name, lead_indices, millivolts_per_unit

_NAN_SAMPLE = -32768
_MAX_SAMPLES = 1 << 31
_SAMPLES_PER_BYTE = 64  # of what a compressed file can hold
_SMALL = 1 << 22
_MAX_HEADER = 1 << 16
_REUSED_BYTES = 1 << 20
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class Scale(NamedTuple):
    """Conversion of one lead's integers to mV: ``(sample - baseline) / gain * unit``."""

    gain: float
    baseline: int
    unit: float


class Header(NamedTuple):
    """Content of a header; `file` is None unless the direct path can read the record."""

    path: str
    rate: float
    n_times: int
    lead_names: tuple
    comments: tuple
    file: str | None = None
    offset: int = 0
    scales: tuple = ()
    checksums: tuple = ()
    first_values: tuple = ()
    format: str = "WFDB"
    report: str | None = None
    facts: dict = {}
    identity: dict = {}
    notes: tuple = ()


def read_header(path, format="WFDB"):
    """Read the header of the record at `path`: WFDB without extension, or an EDF or ISHNE file.

    Raises
    ------
    FileNotFoundError
        If there is no header file.
    ValueError
        If it cannot be parsed, or names a file outside its folder.
    """
    path = os.fspath(path)
    if format == "EDF" or path.lower().endswith(".edf"):
        return _edf_header(path)
    if format == "ISHNE":
        return _ishne_header(path)
    text = _read_file(path, path + ".hea", "header").decode("utf-8", errors="replace")
    return _direct_header(path, text) or _wfdb_header(path, text)


def _read_file(path, file, kind, offset=0, size=_MAX_HEADER):
    """Read `size` bytes of a file, or fewer where it ends, with as few system calls as can be."""
    try:
        handle = os.open(file, _OPEN_FLAGS)
        try:
            size = min(size, max(0, os.fstat(handle).st_size - offset))
            if offset:
                os.lseek(handle, offset, os.SEEK_SET)
            data = os.read(handle, size)
            while len(data) < size and (more := os.read(handle, size - len(data))):
                data += more
        finally:
            os.close(handle)
        return data
    except FileNotFoundError:
        raise FileNotFoundError(f"record {path}: there is no {kind} file {file}") from None
    except (OSError, ValueError, OverflowError) as error:
        raise ValueError(f"record {path}: cannot read the {kind} file {file}: {error}") from None


class _Reused(threading.local):
    """Memory of one thread for the files it reads, and for their samples as floats."""

    def __init__(self):
        self.bytes = memoryview(bytearray(_REUSED_BYTES))
        self.floats = np.empty(_REUSED_BYTES // 2, dtype=np.float32)


_reused = _Reused()


def _read_into(memory, path, file, offset, size):
    """Read `size` bytes, or fewer where the file ends, into the memory that is reused."""
    try:
        with open(file, "rb", buffering=0) as handle:
            handle.seek(offset)
            done = 0
            while done < size and (more := handle.readinto(memory.bytes[done:size])):
                done += more
    except FileNotFoundError:
        raise FileNotFoundError(f"record {path}: there is no signal file {file}") from None
    except (OSError, ValueError, OverflowError) as error:
        raise ValueError(f"record {path}: cannot read the signal file {file}: {error}") from None
    return memory.bytes[:done]


def _direct_header(path, text):
    """Parse a header of the direct form; None for anything else.

    Its first line is ``name n_leads rate n_times [time and date]``. One line of nine words for
    each lead follows: file, format[+offset], gain[(baseline)][/unit], resolution, zero, first
    value, checksum, block size, name. Comments come last.
    """
    text, hash_sign, comments = text.partition("#")
    first, _, rest = text.strip().partition("\n")
    record, words = first.split(), rest.split()
    n_leads = len(words) // 9
    if not (0 < n_leads == rest.count("\n") + 1 and len(words) == 9 * n_leads and len(record) > 3):
        return None
    signed = "".join(words[4::9] + words[5::9] + words[6::9]).replace("-", "")
    if not ("".join(words[3::9] + words[7::9] + record[1:4:2]) + signed).isdecimal():
        return None
    offset = _offset(words[1])
    scales = _scales(tuple(words[2::9]), tuple(words[4::9]))
    rate, n_times = _rate(record[2]), int(record[3])
    same_file = words[0::9].count(words[0]) == words[1::9].count(words[1]) == n_leads
    if not (same_file and int(record[1]) == n_leads and "/" not in record[0]):
        return None
    if offset is None or not scales or not rate or not n_times:
        return None
    _refuse_outside(path, words[0])
    if n_leads * n_times > _MAX_SAMPLES:
        raise ValueError(f"record {path}: {path}.hea announces more samples than can be")
    return Header(
        path,
        rate,
        n_times,
        _canonical_names(tuple(words[8::9])),
        _comments(hash_sign + comments) if hash_sign else (),
        words[0],
        offset,
        scales,
        tuple(words[6::9]),
        tuple(words[5::9]),
    )


def _comments(text):
    lines = [line.strip() for line in text.splitlines()]
    return tuple([line[1:].strip() for line in lines if line.startswith("#")])


@lru_cache(maxsize=64)
def _offset(field):
    match = re.fullmatch(r"16(?:x1)?(?:\+(\d{1,9}))?", field)
    return None if match is None else int(match[1] or 0)


@lru_cache(maxsize=64)
def _rate(field):
    return float(field) if re.fullmatch(r"\d{1,9}\.?\d{0,9}", field) else None


@lru_cache(maxsize=4096)
def _canonical_names(names):
    return tuple([canonical_lead_name(name) for name in names])


@lru_cache(maxsize=4096)
def _scales(gains, zeros):
    """Parse the gain fields of all leads; empty if one of them is not of the direct form."""
    scales = []
    for field, zero in zip(gains, zeros, strict=True):
        match = re.fullmatch(r"(-?\d+\.?\d*(?:e[+-]?\d+)?)(?:\((-?\d+)\))?(?:/(\S+))?", field)
        if match is None:
            return ()
        gain, baseline = float(match[1]) or 200.0, int(match[2] or zero)
        if not 1e-6 < abs(gain) < 1e9 or abs(baseline) >= 2**23:
            return ()
        try:
            scales.append(Scale(gain, baseline, millivolts_per_unit(match[3] or "mV")))
        except ValueError:
            return ()
    return tuple(scales)


def _refuse_outside(path, file_name):
    if "/" in file_name or "\\" in file_name or ":" in file_name or file_name in (".", ".."):
        raise ValueError(
            f"record {path}: its header names the file {file_name!r}, which is outside its folder"
        )


def read_digital(header, reuse=False):
    """Read the integer samples of a record of the direct form.

    Parameters
    ----------
    header : Header
    reuse : bool, default=False
        Whether the result lives in memory that the next such call of this thread writes over.
        Fresh pages cost more than reading into them.

    Returns
    -------
    ndarray of shape (n_times, n_leads), int16
        As they lie in the file.
    """
    n_leads = len(header.lead_names)
    size = 2 * n_leads * header.n_times
    file = _signal_file(header)
    if reuse and size <= _REUSED_BYTES:
        data = _read_into(_reused, header.path, file, header.offset, size)
    else:
        data = _read_file(header.path, file, "signal", header.offset, size)
    if len(data) < size:
        raise ValueError(
            f"record {header.path}: {file} is truncated, it has {header.offset + len(data)} bytes "
            f"instead of {header.offset + size}"
        )
    return np.frombuffer(data, dtype="<i2").reshape(header.n_times, n_leads)


def _signal_file(header):
    return header.path[: len(header.path) - len(os.path.basename(header.path))] + header.file


def to_millivolts(samples, scales, out):
    """Convert integers to float32 mV, rounded as wfdb's float64 values would be.

    Parameters
    ----------
    samples : ndarray of shape (n_leads, n_times), int16
    scales : sequence of Scale, one per lead
    out : ndarray of shape (n_leads, n_times), float32
        Filled with the result.
    """
    by_time = samples.flags.f_contiguous and samples.size <= _reused.floats.size
    if by_time:  # compute as they lie in the file and transpose last: contiguous work is fast
        values = _reused.floats[: samples.size].reshape(samples.shape[::-1]).T
    else:
        values = out
    values[...] = samples
    same = scales.count(scales[0]) == len(scales)
    for lead, scale in [(values, scales[0])] if same else zip(values, scales, strict=True):
        gain, baseline, unit = scale
        if unit == 1 and float(np.float32(gain)) == gain:
            if baseline:
                lead -= np.float32(baseline)
            lead /= np.float32(gain)
        else:
            lead[...] = (lead.astype(np.float64) - baseline) / gain * unit
    if by_time:
        out[...] = values


def read_record(path, lead_names=None, out=None, format="WFDB"):
    """Read one record.

    Parameters
    ----------
    path : str or path-like
        Record, without extension.
    lead_names : tuple of str or None, default=None
        Leads to return, in this order; those of the file by default.
    out : ndarray of shape (n_leads, n_times), float32, or None, default=None
        Array to fill.
    format : {"WFDB", "EDF", "ISHNE"}, default="WFDB"
        Files that end in ``.edf`` are EDF in any case.

    Returns
    -------
    header : Header
    signal : ndarray of shape (n_leads, n_times), float32
        In mV, with NaN where the file marks a sample as invalid.
    finite : bool
        Whether the signal is known to be free of NaN.
    """
    header = read_header(path, format)
    leads = find_leads(header, lead_names)
    n_leads = len(header.lead_names if leads is None else leads)
    if out is not None and out.shape != (n_leads, header.n_times):
        raise ValueError(f"record {path} has {header.n_times} samples, expected {out.shape[-1]}")
    raw = _read_otherwise(header) if header.file is None else read_digital(header, reuse=True)
    if out is None:
        out = np.empty((n_leads, header.n_times), dtype=np.float32)
    if header.file is None:
        out[...] = raw if leads is None else raw[leads]
        return header, out, False
    finite = raw.min() != _NAN_SAMPLE  # now, while the samples are in the processor's cache
    samples, scales = raw.T, header.scales
    if leads is not None:
        samples, scales = samples[leads], tuple([scales[i] for i in leads])
    to_millivolts(samples, scales, out)
    if not finite:
        out[samples == _NAN_SAMPLE] = np.nan
    return header, out, finite


def wrong_checksum(path):
    """Return the first lead whose samples do not add up to its checksum, or None.

    A header whose checksums are all zero has none; formats of the other path are not checked.
    """
    header = read_header(path)
    if header.file is None or set(header.checksums) == {"0"}:
        return None
    sums = read_digital(header).sum(axis=0, dtype=np.int64)
    for name, total, checksum in zip(header.lead_names, sums, header.checksums, strict=True):
        if (int(total) - int(checksum)) % 65536:
            return name
    return None


def content_digest(path, format="WFDB"):
    """Return a digest of what a record holds, wherever it lies.

    Where the header of the direct form has checksums it says enough, together with the size of
    the signal file. Otherwise the samples are read.

    Parameters
    ----------
    path : str
        Record.
    format : {"WFDB", "EDF", "ISHNE"}, default="WFDB"

    Returns
    -------
    bytes
    """
    header = read_header(path, format)
    rate, n_times, lead_names = header.rate, header.n_times, header.lead_names
    digest = hashlib.sha256(_plain(rate, n_times, lead_names, header.offset, header.scales))
    if header.file is None or set(header.checksums) == {"0"}:
        _, signal, _ = read_record(path, format=format)
        digest.update(signal)
        return digest.digest()
    file = _signal_file(header)
    try:
        size = os.path.getsize(file)
    except FileNotFoundError:
        raise FileNotFoundError(f"record {path}: there is no signal file {file}") from None
    digest.update(" ".join((*header.checksums, *header.first_values, str(size))).encode())
    return digest.digest()


@lru_cache(maxsize=64)
def _plain(*values):
    return repr(values).encode()


def find_leads(header, lead_names):
    """Return the positions of leads in a record; None if it has exactly these, in order."""
    if lead_names is None or lead_names == header.lead_names:
        return None
    try:
        return lead_indices(header.lead_names, lead_names)
    except ValueError as error:
        raise ValueError(f"record {header.path}: {error}") from None


def _edf_header(path):
    from ._edf_reader import read_edf_header

    try:
        rate, n_times, names, _ = read_edf_header(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"record {path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"record {path} cannot be read: {error}") from None
    return Header(path, rate, n_times, _canonical_names(tuple(names)), (), format="EDF")


def _ishne_header(path):
    from ._ishne_reader import read_header

    try:
        return read_header(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"record {path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"record {path} (ISHNE) cannot be read: {error}") from None


def _wfdb_header(path, text):
    import wfdb

    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and line[0] != "#"]
    if not lines:
        raise ValueError(f"record {path}: the header {path}.hea is empty")
    for line in lines[1:]:
        _refuse_outside(path, line.split()[0])
    if "µ" in text or "μ" in text:
        raise ValueError(f"record {path}: a unit in {path}.hea is not written in ASCII")
    try:
        record = wfdb.rdheader(path, rd_segments=True)
        _refuse_absurd(path, record)
        names = record.get_sig_name() if hasattr(record, "seg_name") else record.sig_name
        if len(names or ()) != record.n_sig:
            raise ValueError(f"it announces {record.n_sig} signals and names {len(names or ())}")
        n_times = record.sig_len or wfdb.rdrecord(path).sig_len
        rate, n_times = float(record.fs), int(n_times)
    except Exception as error:
        raise ValueError(f"record {path}: cannot parse {path}.hea: {error}") from None
    if not names or n_times < 1 or not rate > 0:
        raise ValueError(f"record {path}: the header {path}.hea describes no signal")
    return Header(path, rate, n_times, _canonical_names(tuple(map(str, names))), _comments(text))


def _refuse_absurd(path, record):
    """Stop wfdb from allocating whatever a damaged header asks for."""
    folder = os.path.dirname(path)
    segments = [part for part in getattr(record, "segments", [record]) if part is not None]
    longest, size = record.sig_len or 0, 0
    for segment in [part for part in segments if part.n_sig]:
        if segment.n_sig != len(segment.file_name or ()):
            raise ValueError(f"it announces {segment.n_sig} signals and describes another number")
        for file_name in segment.file_name:
            _refuse_outside(path, file_name)
        size += sum([_size(os.path.join(folder, name)) for name in set(segment.file_name)])
        skew = max([skew or 0 for skew in segment.skew])
        longest = max(longest, (segment.sig_len or 0) + skew)
    frames = [sum(part.samps_per_frame) for part in segments if part.n_sig]
    if longest * max(frames, default=0) > _SAMPLES_PER_BYTE * size + _SMALL:
        raise ValueError("it announces more samples than its files can hold")
    if sum(getattr(record, "seg_len", None) or [record.sig_len or 0]) != (record.sig_len or 0):
        raise ValueError("its segments are not as long as it says")


def _size(file):
    return os.path.getsize(file) if os.path.isfile(file) else 0


def _read_otherwise(header):
    from ._edf_reader import read_edf, read_edf_header

    try:
        if header.format == "EDF":
            signal, units = read_edf(header.path), read_edf_header(header.path)[-1].units
        else:
            import wfdb

            record = wfdb.rdrecord(header.path)
            signal, units = record.p_signal.T, record.units
        units = [millivolts_per_unit(unit or "mV") for unit in units]
    except Exception as error:
        raise ValueError(f"record {header.path} cannot be read: {error}") from None
    if signal.shape != (len(header.lead_names), header.n_times):
        raise ValueError(f"record {header.path} holds {signal.shape} samples, not as announced")
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(signal * np.array(units)[:, None], dtype=np.float32)
