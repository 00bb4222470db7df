"""Amplitudes of QRS complexes."""

import numpy as np

N_QUARTILES = 5  # with the extremes


def peak_voltages(x, rate):
    """Quartiles of the highest and of the lowest sample of every second, lead by lead.

    In a rhythm of one beat a second or faster the highest sample is the R wave's and the lowest
    that of Q or S: what criteria of hypertrophy and of low voltage add up.

    Parameters
    ----------
    x : ndarray of shape (..., n_leads, n_times)
        Filtered signal. What is left of a second at the end is not used, unless it is all.
    rate : float
        Sampling rate in Hz.

    Returns
    -------
    ndarray of shape (..., 10 * n_leads), float32
        Of every lead the least, the quartiles and the greatest of its highest samples, then of its
        lowest.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.signals import peak_voltages
    >>> beats = np.zeros((1, 500))
    >>> beats[0, 50::100] = [1.0, 1.5, 1.25, 1.0, 2.0]
    >>> peak_voltages(beats, rate=100)[:5]
    array([1.  , 1.  , 1.25, 1.5 , 2.  ], dtype=float32)
    """
    second = min(max(round(rate), 1), x.shape[-1])
    n_seconds = x.shape[-1] // second
    seconds = x[..., : n_seconds * second].reshape(*x.shape[:-1], n_seconds, second)
    peaks = np.stack([seconds.max(axis=-1), seconds.min(axis=-1)], axis=-2)
    quartiles = np.quantile(peaks, np.linspace(0, 1, N_QUARTILES), axis=-1)
    return np.moveaxis(quartiles, 0, -1).reshape(*x.shape[:-2], -1).astype(np.float32)


_HALF_QRS, _LEVEL = 0.12, (-0.10, -0.07)  # s around the center of a QRS complex


def qrs_amplitudes(x, beats, rate):
    """Return the amplitudes of R and of Q or S, medians over the beats.

    They are counted from the level just before the QRS complex.

    Parameters
    ----------
    x : ndarray of shape (n_leads, n_times)
    beats : ndarray of shape (n_beats,)
        Centers of the QRS complexes in seconds.
    rate : float
        Sampling rate in Hz.

    Returns
    -------
    r, s : ndarray of shape (n_leads,)
        Of the highest and of the lowest sample, the latter counted downwards. NaN without a beat
        that lies inside the recording.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.signals._amplitudes import qrs_amplitudes
    >>> x = np.zeros((1, 300))
    >>> x[0, 149:152] = 0, 1.5, -0.5
    >>> qrs_amplitudes(x, np.array([1.5]), rate=100)
    (array([1.5]), array([0.5]))
    """
    half = round(_HALF_QRS * rate)
    center = np.rint(beats * rate).astype(int)
    center = center[(center >= half) & (center < x.shape[-1] - half)][:, None]
    if not len(center):
        return np.full(len(x), np.nan), np.full(len(x), np.nan)
    first, last = (round(limit * rate) for limit in _LEVEL)
    level = x[:, center + np.arange(first, max(last, first + 1))].mean(axis=-1)
    qrs = x[:, center + np.arange(-half, half + 1)]
    r, s = qrs.max(axis=-1) - level, level - qrs.min(axis=-1)
    return np.median(r, axis=1), np.median(s, axis=1)
