"""Tables of recordings: one row a recording, or one row a sample."""

import numpy as np

from ..signals._beats import find_beats
from ..signals._disturbances import NOISE, WANDER, disturbances

WINDOW = 10.0  # s
AT_ONCE = 60  # windows that are read together
LEAST_RATE = 50.0  # Hz, to see beats
_PART = 256


def summary(records, n_jobs=None):
    """Describe each recording; see `ECGRecords.summary`."""
    import pandas as pd
    from joblib import Parallel, delayed

    parts = [records[start : start + _PART] for start in range(0, len(records), _PART)]
    rows = Parallel(n_jobs=n_jobs)(delayed(_rows)(part) for part in parts)
    return pd.DataFrame([row for part in rows for row in part], columns=list(_blank("", 0, 0)))


def _rows(records):
    return [_row(records[i : i + 1]) for i in range(len(records))]


def _blank(name, duration, rate):
    leads = dict.fromkeys(("flat_leads", "clipped_leads", "noisy_leads", "wandering_leads"), "")
    return {
        "record": name, "duration": duration, "sampling_rate": rate, "n_leads": 0, **leads,
        "invalid": np.nan, "amplitude": np.nan, "heart_rate": np.nan, "fault": "",
    }  # fmt: skip


def _row(record):
    rate = float(record._source.rates[0])
    duration = float(record.lengths[0] / record.sampling_rate)
    record = record.resampled(rate)  # resampling rounds off what is clipped or flat
    row = _blank(record.record_names[0], duration, rate)
    try:
        found = [_window(x, rate) for x in _windows(record, rate)]
    except (OSError, ValueError) as error:
        return row | {"fault": str(error)}
    return row | (_described(found, record.lead_names) if found else {})


def _windows(record, rate):
    """Windows of ten seconds; the last one goes on to the end of the recording."""
    n_times, size = int(record.lengths[0]), max(round(WINDOW * rate), 1)
    starts = [size * k for k in range(max(n_times // size, 1))] if n_times else []
    for first in range(0, len(starts), AT_ONCE):
        these = starts[first : first + AT_ONCE]
        is_last = first + AT_ONCE >= len(starts)
        stop = n_times if is_last else these[-1] + size
        x = record.read_range(0, these[0], stop, on_invalid="keep")
        cuts = [start - these[0] for start in these[1:]]
        yield from np.split(x, cuts, axis=1)


def _window(x, rate):
    found, filled = disturbances(x, rate)
    beats = find_beats(filled, rate) if rate >= LEAST_RATE else []
    return x.shape[1], found, np.diff(beats)


def _described(windows, lead_names):
    sizes, found, gaps = zip(*windows, strict=True)
    sizes, gaps = np.array(sizes), np.concatenate(gaps)
    silent, invalid, clipped, noise, wander, amplitude = map(np.array, zip(*found, strict=True))
    flat = np.average(silent, axis=0, weights=sizes) >= 0.5
    heard = np.where(silent < 0.5, 1.0, np.nan)[:, ~flat]

    def often(is_so):
        return _each(flat, np.nanmean(is_so[:, ~flat] * heard, axis=0) > 0.5)

    def names(chosen):
        return ", ".join(np.array(lead_names)[chosen])

    return {
        "n_leads": int((~flat).sum()), "flat_leads": names(flat),
        "clipped_leads": names(clipped.any(axis=0) & ~flat),
        "noisy_leads": names(often(noise > NOISE)),
        "wandering_leads": names(often(wander > WANDER)),
        "invalid": float(np.average(invalid.mean(axis=1), weights=sizes)),
        "amplitude": float(np.median(np.nanmedian(amplitude[:, ~flat] * heard, axis=0)))
        if not flat.all() else np.nan,
        "heart_rate": float(60 / np.median(gaps)) if len(gaps) else np.nan,
    }  # fmt: skip


def _each(flat, chosen):
    out = np.zeros(len(flat), dtype=bool)
    out[~flat] = chosen
    return out


def to_pandas(records):
    """Return all samples as a table; see `ECGRecords.to_pandas`."""
    import pandas as pd

    lengths = records.lengths
    signals = np.empty((int(lengths.sum()), len(records.lead_names)), dtype=np.float32)
    ends = np.cumsum(lengths)
    for i, (n_times, end) in enumerate(zip(lengths, ends, strict=True)):
        signals[end - n_times : end] = records[i].T
    time = np.arange(len(signals)) - np.repeat(ends - lengths, lengths)
    index = pd.MultiIndex.from_arrays(
        [np.repeat(records.record_names, lengths), time / records.sampling_rate],
        names=["record", "time"],
    )
    return pd.DataFrame(signals, index=index, columns=pd.Index(records.lead_names, name="lead"))
