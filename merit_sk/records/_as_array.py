"""All recordings as one array."""

import warnings

import numpy as np

from ..signals._quality import check_finite

LARGE = 1 << 24


def read_all(records):
    """Return all recordings as one array."""
    n, n_leads, n_times = records.shape
    source = records._source
    if n_times is None:
        return read_padded(records)
    if 4 * n_leads * n_times > LARGE:  # before room is made for what a header announces
        records._read_one(0)
    X = np.empty((n, n_leads, n_times), dtype=np.float32)
    as_recorded = (source.rates == records.sampling_rate) & (source.n_times == n_times)
    if as_recorded.all():
        suspects = [i for i, out in enumerate(X) if not source.read(i, records.lead_names, out)[1]]
        if suspects:
            part = slice(None) if len(suspects) == len(X) else suspects
            names = records.record_names[part]
            X[part] = check_finite(X[part], on_invalid=records.on_invalid, names=names)
        return X
    for i in range(len(X)):
        X[i] = records._read_one(i)
    return X


def read_padded(records):
    """Return recordings of several lengths as one array, if they are cut and padded to one."""
    lengths = records.lengths
    if records.duration is None:
        shortest, longest = np.array([lengths.min(), lengths.max()]) / records.sampling_rate
        raise ValueError(
            f"records last from {shortest:g} to {longest:g} s and make no array: give the "
            "records themselves to an estimator of merit_sk, or use "
            "records.with_duration(seconds), whose array is cut or padded with zeros"
        )
    warnings.warn(
        f"{(lengths < records._most_times).sum()} of {len(records)} records are shorter than "
        f"{records.duration:g} s and were padded with zeros, which an array cannot tell from "
        "signal: give the records themselves to an estimator of merit_sk",
        UserWarning,
        stacklevel=4,
    )
    X = np.zeros((len(records), len(records.lead_names), records._most_times), dtype=np.float32)
    for i, n_times in enumerate(lengths):
        X[i, :, :n_times] = records._read_one(i)
    return X
