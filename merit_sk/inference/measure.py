"""Measurements that the signal gives directly: rate and voltages, no network asked."""

import numpy as np

from ..signals import STANDARD_LEADS, find_beats
from ..signals._amplitudes import qrs_amplitudes

BATCH = 64  # windows that are read at once
DIRECT = ("ventricular_rate", "sokolow_lyon", "cornell")


def measure_directly(source):
    """Measure the ventricular rate and the voltages that tell of hypertrophy.

    Memory is bounded by the windows of a batch, or of ten minutes of one recording.

    Parameters
    ----------
    source : WindowSource

    Returns
    -------
    measured : ndarray of shape (n_samples, 3)
        Beats per minute, and in mV Sokolow-Lyon and Cornell voltage, as ``DIRECT`` names them: the
        rate over all intervals between beats, voltages as the mean of the windows'. NaN where
        there are less than two beats, or the leads are not there.
    frontal : ndarray of bool of shape (n_samples,)
        Whether there are two limb leads, which an axis needs.
    """
    n = len(source)
    intervals, volts, seen = np.zeros((n, 2)), np.zeros((n, 2)), np.zeros((n, 2))
    rows, frontal = np.arange(n), np.zeros(n, bool)
    limb = np.isin(source.spec.leads, STANDARD_LEADS[:6])
    for positions, part in source.batches(rows, BATCH):
        signal, n_valid, deviation, owner = source.all_windows(rows[positions], part)
        for x, length, size, row in zip(signal, n_valid, deviation, positions[owner], strict=True):
            beats = find_beats(x[:, :length], source.spec.sampling_rate)
            intervals[row] += max(len(beats) - 1, 0), np.diff(beats).sum()
            found = _voltages(x[:, :length], size, beats, source.spec)
            volts[row] += np.nan_to_num(found)
            seen[row] += np.isfinite(found)
            frontal[row] |= (size[limb] > 0).sum() > 1
    with np.errstate(divide="ignore", invalid="ignore"):
        rate, volts = 60 * intervals[:, 0] / intervals[:, 1], volts / seen
    return np.column_stack([rate, volts]), frontal


def _voltages(x, deviation, beats, spec):
    """Sokolow-Lyon and Cornell voltage of a standardized window."""
    r, s = (np.where(deviation > 0, a * deviation, np.nan) for a in
            qrs_amplitudes(x, beats, spec.sampling_rate))  # fmt: skip
    r, s = (dict(zip(spec.leads, a, strict=True)) for a in (r, s))
    missing = np.nan
    sokolow = s.get("V1", missing) + np.fmax(r.get("V5", missing), r.get("V6", missing))
    return np.array([sokolow, r.get("aVL", missing) + s.get("V3", missing)])
