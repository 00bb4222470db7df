"""What disturbs the leads of a recording: silence, clipping, noise, a wandering baseline."""

from typing import NamedTuple

import numpy as np

from ._filters import bandpass

STILL = 1.0  # s without change that are no signal
PLATEAU = 0.02  # s at an extreme that no wave has
AWAY = 0.2  # mV from the median at least, or it is the baseline
NOISE_BAND, WANDER_BAND = (20.0, 100.0), (None, 0.5)  # Hz
SIGNAL_BAND = (0.5, 40.0)
NOISE, WANDER = 0.0125, 1.0  # mV
QUIET, SHORT = 0.3, 0.1  # of the stretches of 100 ms: those between the waves


class Disturbances(NamedTuple):
    """One value for each lead of a stretch of signal."""

    silent: np.ndarray  # fraction of samples that are invalid or part of a second without change
    invalid: np.ndarray  # fraction of samples that are NaN
    clipped: np.ndarray  # whether an extreme is a plateau
    noise: np.ndarray  # root mean square above 20 Hz in the quiet part, in mV
    wander: np.ndarray  # range below 0.5 Hz, in mV
    amplitude: np.ndarray  # range from 0.5 to 40 Hz, in mV


def disturbances(x, rate):
    """Measure what disturbs each lead of a stretch of about ten seconds.

    Parameters
    ----------
    x : ndarray of shape (n_leads, n_times)
        In mV, with NaN where there is no signal.
    rate : float
        In Hz.

    Returns
    -------
    Disturbances
    filled : ndarray of shape (n_leads, n_times)
        The signal with NaN interpolated.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.signals._disturbances import disturbances
    >>> x = np.sin(np.arange(1000) / 5)[None]
    >>> found, _ = disturbances(np.concatenate([x, x.clip(max=0.8), 0 * x]), rate=100)
    >>> found.clipped.tolist(), found.silent.tolist()
    ([False, True, False], [0.0, 0.0, 1.0])
    """
    valid = np.isfinite(x)
    filled = np.array([_filled(*lead) for lead in zip(x, valid, strict=True)])
    runs = [_run_lengths(lead) for lead in filled]
    silent = np.array(
        [(~ok | (run >= STILL * rate)).mean() for ok, run in zip(valid, runs, strict=True)]
    )
    clipped = np.array([_is_clipped(*lead, rate) for lead in zip(filled, runs, strict=True)])
    return Disturbances(
        silent=silent, invalid=1 - valid.mean(axis=1), clipped=clipped,
        noise=_noise(filled, rate), wander=np.ptp(bandpass(filled, rate, *WANDER_BAND), axis=1),
        amplitude=np.ptp(bandpass(filled, rate, *SIGNAL_BAND), axis=1),
    ), filled  # fmt: skip


def _filled(lead, valid):
    if valid.all():
        return lead
    time = np.arange(len(lead))
    return np.interp(time, time[valid], lead[valid]) if valid.any() else np.zeros(len(lead))


def _run_lengths(lead):
    """How many equal samples in a row each sample is one of."""
    starts = np.flatnonzero(np.diff(lead, prepend=np.nan) != 0)
    lengths = np.diff(starts, append=len(lead))
    return np.repeat(lengths, lengths)


def _is_clipped(lead, run, rate):
    plateau = (run >= max(PLATEAU * rate, 3)) & (run < STILL * rate)
    extremes = [e for e in (lead.max(), lead.min()) if abs(e - np.median(lead)) >= AWAY]
    return any((plateau & (lead == extreme)).any() for extreme in extremes)


def _noise(x, rate):
    if rate <= 2 * NOISE_BAND[0]:
        return np.zeros(len(x))
    x = bandpass(x, rate, NOISE_BAND[0], NOISE_BAND[1])
    step = min(max(round(SHORT * rate), 1), x.shape[1])
    n = x.shape[1] // step
    power = np.square(x[:, : n * step]).reshape(len(x), n, step).mean(axis=2)
    return np.sqrt(np.quantile(power, QUIET, axis=1))
