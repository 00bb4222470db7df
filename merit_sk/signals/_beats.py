"""Where the beats of a recording are."""

import numpy as np
from scipy.signal import butter, find_peaks, sosfiltfilt

_BAND = (8.0, 25.0)  # Hz, where QRS complexes have most of their energy
_WIDTH, _APART = 0.12, 0.25  # s
_HEIGHT, _PROMINENCE = 0.3, 0.2  # of the 98th percentile
_SHORTEST = 0.5  # s


def find_beats(x, sampling_rate):
    """Find the QRS complexes of a recording, in all leads together.

    Peaks of the slope energy between 8 and 25 Hz, after Pan and Tompkins [1]_, summed over leads
    and averaged over 120 ms.

    Parameters
    ----------
    x : array-like of shape (n_leads, n_times)
        In any unit.
    sampling_rate : float
        In Hz, at least 50.

    Returns
    -------
    ndarray of shape (n_beats,)
        Centers of the QRS complexes in seconds. None in a recording that is flat or shorter than
        half a second.

    References
    ----------
    .. [1] J. Pan and W. Tompkins, "A Real-Time QRS Detection Algorithm", IEEE Transactions on
           Biomedical Engineering 32, 1985.

    Examples
    --------
    >>> from merit_sk.datasets import make_ecg
    >>> from merit_sk.signals import find_beats
    >>> ecg = make_ecg(1, statements=["NORM"], sampling_rate=500, random_state=0).data
    >>> beats = find_beats(ecg[0], 500)
    >>> len(beats), (60 / (beats[1:] - beats[:-1]).mean()).round()
    (16, np.float64(96.0))
    """
    x = np.asarray(x, dtype=float)
    if x.ndim != 2:
        raise ValueError(f"x must have the shape (n_leads, n_times), got {x.shape}")
    if sampling_rate < 2 * _BAND[1]:
        raise ValueError(f"beats are not to be seen at {sampling_rate:g} Hz: give at least 50 Hz")
    if x.shape[1] < _SHORTEST * sampling_rate:
        return np.empty(0)
    high = min(_BAND[1], 0.45 * sampling_rate)
    band = butter(2, (_BAND[0], high), "bandpass", fs=sampling_rate, output="sos")
    slope = np.gradient(sosfiltfilt(band, x, axis=1), axis=1)
    kernel = np.hanning(max(int(_WIDTH * sampling_rate), 3))
    energy = np.convolve(np.sqrt(np.square(slope).sum(axis=0)), kernel / kernel.sum(), "same")
    size = np.percentile(energy, 98)
    if size <= 1e-9 * max(np.abs(x).max(), np.finfo(float).tiny):
        return np.empty(0)
    peaks, _ = find_peaks(
        energy, height=_HEIGHT * size, prominence=_PROMINENCE * size,
        distance=max(int(_APART * sampling_rate), 1),
    )  # fmt: skip
    return peaks / sampling_rate


PARTS = ("P", "PR", "QRS", "ST", "T", "TP")


def parts_of_beats(beats, n_times, sampling_rate):
    """Return which part of a beat every sample belongs to.

    Limits are at fixed distances from the center of the QRS complex, those of repolarization in
    proportion to the square root of the RR interval: QRS from -80 to 90 ms, ST to 170 ms and T to
    440 ms at 60 beats a minute; P from -300 to -150 ms, PR from there to the QRS. Where beats
    follow fast upon each other, T ends after 60 % of the interval at the latest, and P begins no
    earlier.

    Parameters
    ----------
    beats : ndarray of shape (n_beats,)
        In seconds.
    n_times : int
    sampling_rate : float

    Returns
    -------
    parts : ndarray of shape (n_times,)
        Indices of ``PARTS``.
    """
    parts = np.full(n_times, PARTS.index("TP"))
    beats = np.asarray(beats)
    gaps = np.diff(beats)
    typical = np.median(gaps) if len(gaps) else 1.0
    after = np.append(gaps, typical)
    before = np.append(typical, gaps)
    t_end = beats + np.minimum(0.44 * np.sqrt(after), 0.6 * after)
    p_start = np.maximum(beats - 0.30, beats - before + np.roll(t_end - beats, 1))
    if len(beats):
        p_start[0] = beats[0] - min(0.30, 0.4 * typical)
    limits = np.stack(
        [
            p_start, np.maximum(beats - 0.15, p_start), beats - 0.08, beats + 0.09,
            np.minimum(beats + 0.09 + 0.08 * np.sqrt(after), t_end), t_end,
        ], axis=1,
    )  # fmt: skip
    limits = np.clip(np.rint(limits * sampling_rate), 0, n_times).astype(int)
    for part in (0, 1, 3, 4, 2):  # a QRS complex is one, however near its neighbors are
        for start, end in limits[:, part : part + 2]:
            parts[start:end] = part
    return parts
