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
