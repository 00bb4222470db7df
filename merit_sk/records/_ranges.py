"""Reading a stretch of one long record instead of all of it."""

import numpy as np

from ..signals._filters import rate_ratio, resample, resampled_length
from ..signals._leads import lead_indices, millivolts_per_unit
from ..signals._ranges import needed_range
from . import _cache, _files, _wfdb_reader
from ._sources import ArraySource, FileSource


def read_range(records, i, start, stop):
    """Read samples `start` to `stop` of record `i`, with NaN where the record has them.

    Parameters
    ----------
    records : ECGRecords
    i, start, stop : int

    Returns
    -------
    ndarray of shape (n_leads, stop - start), float32
        As ``records[i][:, start:stop]`` has them, to rounding where they are resampled.
    """
    source, names = records._source, records.lead_names
    rates = float(source.rates[i]), float(records.sampling_rate)
    n_times = int(source.n_times[i])
    end = min(stop, int(resampled_length(n_times, *rates)))
    if end <= start:
        return np.zeros((len(names), stop - start), dtype=np.float32)
    if rate_ratio(*rates) == 1:
        signal = _read(source, i, names, start, end)
    else:
        first, last, skip = needed_range(start, end, n_times, rates)
        signal = resample(_read(source, i, names, first, last), *rates)[:, skip:]
    signal = signal[:, : end - start]
    return np.pad(signal, [(0, 0), (0, stop - end)]) if stop > end else signal


def _read(source, i, names, start, stop):
    """Samples of a record at its own rate."""
    if isinstance(source, ArraySource):
        signal = source.X[source.index[i], :, start:stop]
        if names != source.lead_names:
            signal = signal[lead_indices(source.lead_names, names)]
        return np.array(signal, dtype=np.float32)
    if isinstance(source, _cache.CacheSource):
        return _from_cache(source, i, names, start, stop)
    if type(source) is FileSource:
        return _from_file(source, i, names, start, stop)
    return source.read(i, names)[0][:, start:stop]


def _from_file(source, i, names, start, stop):
    path, format = source.describe(i), source.format(i)
    if format not in _files.BY_PART:
        return source.read(i, names)[0][:, start:stop]
    header = _wfdb_reader.read_header(path, format)
    if header.rate != source.rates[i] or header.n_times != source.n_times[i]:
        raise ValueError(
            f"record {path}: {header.n_times} samples at {header.rate:g} Hz, expected "
            f"{source.n_times[i]} at {source.rates[i]:g} Hz"
        )
    leads = _wfdb_reader.find_leads(header, names)
    leads = list(range(len(header.lead_names))) if leads is None else leads
    if header.file is None:
        return _otherwise(path, header.format, leads, start, stop)
    offset = header.offset + 2 * len(header.lead_names) * start
    part = header._replace(offset=offset, n_times=stop - start)
    samples = _wfdb_reader.read_digital(part).T[leads]
    return _millivolts(samples, [header.scales[lead] for lead in leads])


def _otherwise(path, format, leads, start, stop):
    """Part of an EDF file, or of a WFDB record that only wfdb reads."""
    try:
        if format == "EDF":
            signal, units = _from_edf(path, leads, start, stop)
        else:
            import wfdb

            record = wfdb.rdrecord(path, sampfrom=start, sampto=stop)
            signal, units = record.p_signal.T[leads], [record.units[lead] for lead in leads]
        scale = np.array([millivolts_per_unit(unit or "mV") for unit in units])
    except Exception as error:
        raise ValueError(f"record {path} cannot be read: {error}") from None
    if signal.shape != (len(leads), stop - start):
        raise ValueError(f"record {path} holds {signal.shape} samples, not as announced")
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(signal * scale[:, None], dtype=np.float32)


def _from_edf(path, leads, start, stop):
    from ._edf_reader import read_edf_header

    *_, layout = read_edf_header(path)
    counts = np.array(layout.samples_per_block)
    size, per_block = int(counts.sum()), int(counts[layout.signals[0]])
    first, last = start // per_block, -(-stop // per_block)
    blocks = np.fromfile(
        path, dtype="<i2", count=(last - first) * size, offset=layout.start + 2 * first * size
    ).reshape(last - first, size)
    starts, signal = np.cumsum(counts) - counts, []
    for lead in leads:
        (low, high), (bottom, top) = layout.digital[lead], layout.physical[lead]
        at = starts[layout.signals[lead]]
        digital = blocks[:, at : at + per_block].ravel()[start - first * per_block :]
        digital = digital[: stop - start].astype(float)
        signal.append((digital - low) * ((top - bottom) / (high - low)) + bottom)
    return np.array(signal), [layout.units[lead] for lead in leads]


def _from_cache(source, i, names, start, stop):
    offset, n_times, reduced = source.index[i].item()
    n_leads, file = len(source.lead_names), source._file(i)
    stored = n_leads - len(_cache._DERIVED) if reduced else n_leads

    def read(at, size):
        with open(file, "rb") as stream:
            stream.seek(offset + at)
            data = stream.read(size)
        if len(data) < size:
            raise ValueError(f"the cache {source.folder} is damaged: {file} is truncated")
        return data

    head = 24 * n_leads
    scales = _cache._scales(read(0, head))
    lead_bytes = [
        read(head + 2 * (lead * n_times + start), 2 * (stop - start)) for lead in range(stored)
    ]
    samples = np.frombuffer(b"".join(lead_bytes), dtype="<i2").reshape(stored, -1)
    if reduced:
        samples = _cache.expand_leads(samples, source.lead_names)
    leads = lead_indices(source.lead_names, names)
    return _millivolts(samples[leads], [scales[lead] for lead in leads], marked=False)


def _millivolts(samples, scales, marked=True):
    out = np.empty(samples.shape, dtype=np.float32)
    _wfdb_reader.to_millivolts(samples, tuple(scales), out)
    if marked:
        out[samples == _wfdb_reader._NAN_SAMPLE] = np.nan
    return out
