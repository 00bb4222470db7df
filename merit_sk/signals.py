"""Leads by name, resampling, filtering and normalisation of ECG arrays.

Every function works along the last axis of an array of any number of dimensions, so that one
record ``(n_leads, n_times)`` and a batch ``(n_samples, n_leads, n_times)`` are treated alike.
"""

import re
import warnings
from fractions import Fraction
from functools import lru_cache

import numpy as np

__all__ = [
    "STANDARD_LEADS",
    "bandpass",
    "canonical_lead_name",
    "check_finite",
    "lead_indices",
    "millivolts_per_unit",
    "peak_voltages",
    "resample",
    "zscore",
]

N_QUARTILES = 5  # with the extremes
STANDARD_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

_BY_UPPER_CASE = {name.upper(): name for name in STANDARD_LEADS}
_SPOKEN = {"D1": "I", "D2": "II", "D3": "III", "1": "I", "2": "II", "3": "III"}
_SPOKEN |= {"DI": "I", "DII": "II", "DIII": "III", "L1": "I", "L2": "II", "L3": "III"}
_SPOKEN |= {f"C{i}": f"V{i}" for i in range(1, 7)}
_PREFIX = re.compile(r"^(?:(?:MDC|ECG|LEAD|ABLEITUNG)[_ :]*)*")
_MILLIVOLTS = {"MV": 1.0, "UV": 1e-3, "\u039cV": 1e-3, "NV": 1e-6, "V": 1e3}


@lru_cache(maxsize=4096)
def canonical_lead_name(name):
    """Give a lead the name used throughout the library.

    Parameters
    ----------
    name : str
        Name as found in a file: any case, with or without ``"Lead"``, IEEE 11073 codes such as
        ``"MDC_ECG_LEAD_aVR"``, or the ``DI`` / ``D1`` and ``C1`` notations.

    Returns
    -------
    str
        One of `STANDARD_LEADS` if the name means one of them, otherwise `name` without
        surrounding blanks.

    Examples
    --------
    >>> from merit_sk.signals import canonical_lead_name
    >>> [canonical_lead_name(n) for n in ("AVR", "lead II", "MDC_ECG_LEAD_V3", "DI", "Resp")]
    ['aVR', 'II', 'V3', 'I', 'Resp']
    """
    stripped = str(name).strip()
    upper = stripped.upper()
    for key in (upper, _PREFIX.sub("", upper).strip()):
        key = _SPOKEN.get(key, key)
        if key in _BY_UPPER_CASE:
            return _BY_UPPER_CASE[key]
    return stripped


def lead_indices(have, want):
    """Find leads by name.

    Parameters
    ----------
    have : sequence of str
        Names of the leads present, in their order.
    want : sequence of str
        Names of the leads wanted, in the order wanted.

    Returns
    -------
    list of int
        Positions in `have` of each lead of `want`.

    Raises
    ------
    ValueError
        If a lead is missing or occurs twice; the message names the leads expected and given.

    Examples
    --------
    >>> from merit_sk.signals import lead_indices
    >>> lead_indices(["I", "II", "AVF", "AVL"], ["aVL", "I"])
    [3, 0]
    """
    names = [canonical_lead_name(name) for name in have]
    wanted = [canonical_lead_name(name) for name in want]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise ValueError(
            f"leads {', '.join(missing)} are missing: expected {', '.join(wanted)}, "
            f"given {', '.join(names) or 'none'}"
        )
    twice = sorted({name for name in wanted if names.count(name) > 1})
    if twice:
        raise ValueError(f"leads {', '.join(twice)} occur more than once in {', '.join(names)}")
    return [names.index(name) for name in wanted]


def millivolts_per_unit(unit):
    """Give the size of a unit of voltage in mV.

    Parameters
    ----------
    unit : str
        ``"mV"``, ``"uV"``, ``"µV"``, ``"nV"`` or ``"V"``, in any case.

    Returns
    -------
    float
        Factor that converts a value in `unit` to mV.

    Raises
    ------
    ValueError
        If the unit is not one of voltage.

    Examples
    --------
    >>> from merit_sk.signals import millivolts_per_unit
    >>> millivolts_per_unit("uV")
    0.001
    """
    try:
        return _MILLIVOLTS[unit.strip().upper()]
    except KeyError:
        raise ValueError(f"{unit!r} is not a unit of voltage: expected V, mV, uV or nV") from None


def rate_ratio(rate_in, rate_out):
    """Return the ratio of two sampling rates in Hz as a fraction of small integers."""
    if not (rate_in > 0 and rate_out > 0):
        raise ValueError(f"sampling rates must be positive, got {rate_in} and {rate_out} Hz")
    ratio = Fraction(float(rate_out)) / Fraction(float(rate_in))
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

    y = resample_poly(x, ratio.numerator, ratio.denominator, axis=-1, padtype="line")
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


def filtered(x, rate, low, high, *, standardise=False):
    """As `bandpass`, and the deviations of the filtered leads, of shape (..., n_leads).

    To standardise them as `zscore` does costs nothing here.
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
    if standardise:
        spectrum[..., 0] = 0
    power = _power(spectrum)
    flat = power <= 1e-12 * before
    deviation = np.sqrt(np.where(flat, 0, power / x.shape[-1]))
    if standardise:
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
    """Standardise every lead to mean 0 and standard deviation 1.

    Parameters
    ----------
    x : array-like of shape (..., n_times)
        Signal.

    Returns
    -------
    ndarray of shape (..., n_times), float32
        The standardised signal; a flat lead becomes zeros.

    Examples
    --------
    >>> from merit_sk.signals import zscore
    >>> zscore([[1.0, -1.0], [0.3, 0.3]])
    array([[ 1., -1.],
           [ 0.,  0.]], dtype=float32)
    """
    return standardised(x)[0]


def standardised(x):
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
