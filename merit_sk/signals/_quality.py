"""Checks of signals: invalid samples, units, flat leads."""

import warnings

import numpy as np


def check_finite(x, *, on_invalid="raise", names=None):
    """Apply the rule for NaN and infinite samples.

    Parameters
    ----------
    x : ndarray of shape (n_samples, n_leads, n_times), float
        Signals.
    on_invalid : {"raise", "repair"}, default="raise"
        Whether invalid samples are an error or are interpolated in time between their valid
        neighbours (the nearest valid value at the ends; zero in a lead without any), with a
        warning that counts them.
    names : sequence of str of length n_samples or None, default=None
        What to call the records in messages; their positions by default.

    Returns
    -------
    ndarray of shape (n_samples, n_leads, n_times)
        `x` itself if all of it is finite, otherwise a repaired copy.

    Raises
    ------
    ValueError
        If samples are invalid and `on_invalid="raise"`; the message names the records.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.signals import check_finite
    >>> check_finite(np.array([[[0.0, np.nan, 2.0]]]), names=["A0001"])
    Traceback (most recent call last):
        ...
    ValueError: 1 NaN or infinite samples in record A0001...
    """
    if on_invalid not in ("raise", "repair"):
        raise ValueError(f"on_invalid must be 'raise' or 'repair', got {on_invalid!r}")
    if np.isfinite(x.sum()):
        return x
    valid = np.isfinite(x)
    bad = np.flatnonzero(~valid.all(axis=(1, 2)))
    if not bad.size:
        return x
    shown = ", ".join(str(i if names is None else names[i]) for i in bad[:5])
    shown += f" and {bad.size - 5} more" if bad.size > 5 else ""
    found = f"{x.size - np.count_nonzero(valid)} NaN or infinite samples in record"
    found += f"{'s' if bad.size > 1 else ''} {shown}"
    if on_invalid == "raise":
        raise ValueError(f"{found}; leave them out or pass on_invalid='repair' to interpolate")
    warnings.warn(f"{found} were interpolated", UserWarning, stacklevel=2)
    x = x.copy()
    time = np.arange(x.shape[-1])
    for lead, ok in zip(x.reshape(-1, x.shape[-1]), valid.reshape(-1, x.shape[-1]), strict=True):
        if not ok.all():
            lead[~ok] = np.interp(time[~ok], time[ok], lead[ok]) if ok.any() else 0
    return x


IMPLAUSIBLE_MILLIVOLT = 20.0
LONG_SECONDS = 30.0


def warn_about_amplitude(source, rows):
    """Warn once where filtered signals in mV look like µV, or hold flat leads.

    Parameters
    ----------
    source : WindowSource
    rows : ndarray of int
        Recordings to look at. Leads that all recordings lack are not counted again.
    """
    signals = [x[source.leads.present] for x in source.signals(rows)]
    spread = np.array([x.std(axis=-1) for x in signals])
    warn_about_unit(spread)
    flat = (spread < 1e-6) & (signals[0].shape[-1] > 1)
    if flat.any():
        warnings.warn(
            f"{flat.sum()} flat leads in {flat.any(axis=1).sum()} of {len(signals)} recordings "
            "are taken as missing",
            UserWarning, stacklevel=3,
        )  # fmt: skip


def warn_about_unit(deviation):
    """Warn where standard deviations of leads, said to be in mV, look like µV."""
    spread = np.median(deviation[deviation > 0]) if (deviation > 0).any() else 0
    if spread > IMPLAUSIBLE_MILLIVOLT:
        warnings.warn(
            f"signals spread over {spread:.0f} mV, a thousand times what an ECG has: "
            "they look like µV. Divide by 1000; ECGRecords convert by the unit in the file.",
            UserWarning, stacklevel=5,
        )  # fmt: skip


def warn_about_duration(n_times, sampling_rate):
    """Warn where an array looks sampled at another rate than the model's."""
    if n_times / sampling_rate > LONG_SECONDS:
        warnings.warn(
            f"recordings of {n_times} samples last {n_times / sampling_rate:g} s at "
            f"{sampling_rate:g} Hz. If they were sampled at another rate, wrap them: "
            "ECGRecords.from_array(X, sampling_rate=...).",
            UserWarning, stacklevel=3,
        )  # fmt: skip
