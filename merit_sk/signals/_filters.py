"""Resampling, filtering and normalization."""

from fractions import Fraction
from functools import lru_cache

import numpy as np

_MOST_FOLD = 200
FLAT_POWER = 1e-12  # of a lead's: what is left below it is rounding


def rate_ratio(rate_in, rate_out):
    """Return the ratio of two sampling rates in Hz as a fraction of small integers."""
    if not (rate_in > 0 and rate_out > 0):
        raise ValueError(f"sampling rates must be positive, got {rate_in} and {rate_out} Hz")
    ratio = Fraction(float(rate_out)) / Fraction(float(rate_in))
    if not 1 / _MOST_FOLD <= ratio <= _MOST_FOLD:
        raise ValueError(
            f"a signal at {rate_in:g} Hz cannot be resampled to {rate_out:g} Hz: the rates differ "
            f"more than {_MOST_FOLD}-fold"
        )
    if ratio > 1:
        return 1 / (1 / ratio).limit_denominator(10_000)
    return ratio.limit_denominator(10_000)


def resampled_length(n_times, rate_in, rate_out):
    """Return the number of samples `resample` makes of `n_times` (an int or an array)."""
    ratio = rate_ratio(rate_in, rate_out)
    return -(-n_times * ratio.numerator // ratio.denominator)


def resample(x, rate_in, rate_out):
    """Change the sampling rate with a polyphase anti-aliasing filter.

    Parameters
    ----------
    x : array-like of shape (..., n_times)
        Signal.
    rate_in, rate_out : float
        Sampling rates before and after, in Hz.

    Returns
    -------
    ndarray of shape (..., ceil(n_times * rate_out / rate_in)), float32
        The signal at `rate_out`; `x` itself, as float32, when the rates are equal.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.signals import resample
    >>> resample(np.zeros((2, 12, 5000)), 500, 100).shape
    (2, 12, 1000)
    """
    x = np.asarray(x, dtype=np.float32)
    ratio = rate_ratio(rate_in, rate_out)
    if ratio == 1 or x.shape[-1] == 0:
        return x
    from scipy.signal import resample_poly

    padtype = "line" if x.shape[-1] > 1 else "mean"  # a line through one sample is NaN
    y = resample_poly(x, ratio.numerator, ratio.denominator, axis=-1, padtype=padtype)
    return np.ascontiguousarray(y, dtype=np.float32)


@lru_cache(maxsize=64)
def _gain(n_times, rate, low, high, order=3):
    frequency = np.arange(n_times) * (rate / (2.0 * n_times))
    gain = np.ones(n_times)
    if low:
        with np.errstate(divide="ignore"):
            gain /= 1 + (low / frequency) ** (2 * order)
    if high and high < rate / 2:
        gain /= 1 + (frequency / high) ** (2 * order)
    return gain.astype(np.float32)


def bandpass(x, rate, low, high):
    """Filter without phase shift.

    The amplitude response is that of a third-order Butterworth filter run forwards and
    backwards. It is applied to the cosine transform, which continues the signal at both ends by
    its mirror image; the straight line through each lead is taken out first when low frequencies
    are to go, so that a drifting baseline leaves no kink at the ends. A lead that is nothing but
    a straight line becomes zeros.

    Parameters
    ----------
    x : array-like of shape (..., n_times)
        Signal, of any length from one sample.
    rate : float
        Sampling rate in Hz.
    low, high : float or None
        Edges of the band in Hz (half amplitude). None, or an upper edge at or above half the
        sampling rate, leaves that side open.

    Returns
    -------
    ndarray of shape (..., n_times), float32
        The filtered signal.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.signals import bandpass
    >>> t = np.arange(1000) / 100
    >>> y = bandpass(np.sin(2 * np.pi * 10 * t) + 3 + t, rate=100, low=0.5, high=40)
    >>> bool(np.abs(y - np.sin(2 * np.pi * 10 * t))[100:-100].max() < 0.02)
    True
    """
    return filtered(x, rate, low, high)[0]


def filtered(x, rate, low, high, *, standardize=False):
    """As `bandpass`, and the deviations of the filtered leads, of shape (..., n_leads).

    To standardize them as `zscore` does costs nothing here.
    """
    from scipy.fft import dct, idct

    x = np.asarray(x, dtype=np.float32)
    if low and high and not 0 < low < high:
        raise ValueError(f"the band must have 0 < low < high, got {low} and {high} Hz")
    if x.size == 0:
        return x, np.zeros(x.shape[:-1], dtype=np.float32)
    spectrum = dct(x, axis=-1, norm="ortho")
    before = _power(spectrum)
    spectrum, unfiltered = spectrum * _gain(x.shape[-1], float(rate), low, high), spectrum
    if low:
        line, filtered_line = _line(x.shape[-1], float(rate), low, high)
        spectrum -= (unfiltered @ line)[..., None] * filtered_line
    if standardize:
        spectrum[..., 0] = 0
    power = _power(spectrum)
    flat = power <= FLAT_POWER * before
    deviation = np.sqrt(np.where(flat, 0, power / x.shape[-1]))
    if standardize:
        spectrum /= np.where(flat, 1, deviation)[..., None]
    spectrum[flat] = 0
    return idct(spectrum, axis=-1, norm="ortho", overwrite_x=True), deviation


def _power(x):
    return np.einsum("...t,...t->...", x, x)


@lru_cache(maxsize=64)
def _line(n_times, rate, low, high):
    """Cosine transform of a rising line of unit length, and the same filtered."""
    from scipy.fft import dct

    time = np.linspace(-1, 1, n_times)
    line = dct(time / max(np.linalg.norm(time), 1.0), norm="ortho")
    return line.astype(np.float32), (line * _gain(n_times, rate, low, high)).astype(np.float32)


def zscore(x):
    """Standardize every lead to mean 0 and standard deviation 1.

    Parameters
    ----------
    x : array-like of shape (..., n_times)
        Signal.

    Returns
    -------
    ndarray of shape (..., n_times), float32
        The standardized signal; a flat lead becomes zeros.

    Examples
    --------
    >>> from merit_sk.signals import zscore
    >>> zscore([[1.0, -1.0], [0.3, 0.3]])
    array([[ 1., -1.],
           [ 0.,  0.]], dtype=float32)
    """
    return standardized(x)[0]


def standardized(x):
    """As `zscore`, and the standard deviations that the leads had, of shape (..., n_leads)."""
    x = np.asarray(x, dtype=np.float32)
    if x.shape[-1] == 0:
        return x, np.zeros(x.shape[:-1], dtype=np.float32)
    mean = x.mean(axis=-1, keepdims=True)
    x = x - mean
    deviation = np.sqrt(_power(x) / x.shape[-1])[..., None]
    flat = (deviation <= 1e-6 * np.abs(mean)) | (deviation == 0)
    x /= np.where(flat, 1, deviation)
    np.copyto(x, 0, where=flat)
    return x, np.where(flat, 0, deviation)[..., 0]
