"""Whether beats contradict the sampling rate that is said of them."""

import numpy as np

from ._warn import warn

# Of every second recording of PTB-XL and of simulated ones, at their true rate: median and
# covariance of the logarithms of heart rate per minute, mean frequency of the signal and of its
# slope in Hz between 1 and 30 Hz, and height of a beat over the average, of the power between 5 and
# 20 Hz. benchmarks/plausibility.py tests them on the others.
_TYPICAL = np.log([70.8, 11.35, 18.51, 6.78])
_DEVIATION = np.array([0.243, 0.202, 0.125, 0.263])
_CORRELATION = np.array(
    [[1, 0.05, 0.04, -0.91], [0.05, 1, 0.85, 0.22], [0.04, 0.85, 1, 0.15], [-0.91, 0.22, 0.15, 1]]
)
_COVARIANCE = _CORRELATION * np.outer(_DEVIATION, _DEVIATION)
_FREQUENCIES = [1, 2]  # what is left of the features where there are not three beats

_FACTORS = np.array([0.1, 0.2, 0.25, 0.4, 0.5, 2, 2.5, 4, 5, 10])
_SECONDS, _SAMPLES = 30, 6000
_LIKE, _UNLIKE = 6.0, 60.0  # squared distances of an ordinary ECG, and of what is none
_AS_LIKELY = 4.0  # difference in gain that does not tell two rates apart
_CLEAR = 30.0  # gain at which the other rate need not make it an ordinary ECG
_SMALLEST = np.finfo(np.float32).tiny
MAX_RECORDINGS = 16


def check_sampling_rate(X, sampling_rate):
    """Warn where the beats of recordings say that they have another sampling rate.

    An array at 250 or 500 Hz that is taken for 100 Hz looks like an ECG slowed down: a heart rate
    of 28 or 14 with QRS complexes of a quarter or half a second. Heart rate, frequencies and
    height of the beats are compared with what they would be at other rates.

    At most 16 recordings, spread over `X`, are looked at. The fewer there are, the more each must
    contradict: of a single recording only a glaring mistake is said. How often it warns, with
    reason and without: :ref:`table <how-often-fit-warns>`.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_leads, n_times), or sequence of (n_leads, n_times)
        Recordings in any unit.
    sampling_rate : float
        What their rate is said to be, in Hz.

    Returns
    -------
    float
        The rate that fits: `sampling_rate`, or, with a warning, a multiple of it that fits much
        better: 0.1, 0.2, 0.25, 0.4, 0.5, 2, 2.5, 4, 5 or 10 times as much.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.datasets import make_ecg
    >>> from merit_sk.signals import check_sampling_rate
    >>> X = np.asarray(make_ecg(8, sampling_rate=500, random_state=0).data)
    >>> check_sampling_rate(X, 500)
    500.0
    """
    rows = np.unique(np.linspace(0, len(X) - 1, MAX_RECORDINGS).round().astype(int))
    spectra = [_spectrum(np.asarray(X[i]), sampling_rate) for i in rows]
    spectra = [spectrum for spectrum in spectra if len(spectrum)]
    if not spectra:
        return float(sampling_rate)
    given = np.array([distance(spectrum, sampling_rate) for spectrum in spectra])
    needed = 4 + 24 / len(spectra)
    if np.median(given) <= needed:
        return float(sampling_rate)
    rates = sampling_rate * _FACTORS
    others = np.array([[distance(s, rate, other=True) for rate in rates] for s in spectra])
    gain = np.median(given[:, None] - others, axis=0)
    best = int(gain.argmax())
    ordinary = np.median(others[:, best]) <= _LIKE
    if gain[best] <= (needed if ordinary else _CLEAR):
        return float(sampling_rate)
    likely = rates[gain >= gain[best] - _AS_LIKELY]
    about = f"{likely[0]:g}" + (f" to {likely[-1]:g}" if len(likely) > 1 else "")
    warn(
        f"the beats of the recordings do not look sampled at {sampling_rate:g} Hz but at about "
        f"{about} Hz ({len(spectra)} recordings looked at): if they are, say so, with "
        "sampling_rate= or ECGRecords.from_array(X, sampling_rate=...), and they are resampled"
    )
    return float(rates[best])


def _spectrum(x, sampling_rate):
    """Cosine transform of the leads that are not flat, from the beginning of a recording."""
    from scipy.fft import dct, prev_fast_len

    x = x[:, : min(round(_SECONDS * sampling_rate), _SAMPLES)]
    x = x[:, : prev_fast_len(x.shape[-1], real=True)]
    x = np.nan_to_num(x.astype(np.float32), posinf=0, neginf=0)
    spectrum = dct(x / max(np.abs(x).max(initial=0), _SMALLEST), axis=-1, norm="ortho")
    spectrum[:, 0] = 0
    return spectrum[spectrum.any(axis=1)]


def distance(spectrum, rate, other=False):
    """Squared distance of a recording from a typical one, if it were sampled at a rate.

    Parameters
    ----------
    spectrum : ndarray of shape (n_leads, n_times)
        Cosine transform.
    rate : float
        In Hz.
    other : bool, default=False
        Whether it is another rate than the one given, which needs beats to be believed.
    """
    frequency = np.arange(spectrum.shape[-1]) * (rate / (2 * spectrum.shape[-1]))
    means, beats = _mean_frequencies(spectrum, frequency), _beats(spectrum, frequency, rate)
    if means is None or (beats is None and other):
        return _UNLIKE
    if beats is None:
        values, use = means, _FREQUENCIES
    else:
        values, use = (beats[0], *means, beats[1]), [0, 1, 2, 3]
    off = np.log(values) - _TYPICAL[use]
    return min(off @ np.linalg.solve(_COVARIANCE[np.ix_(use, use)], off), _UNLIKE)


def _mean_frequencies(spectrum, frequency):
    low, high = np.searchsorted(frequency, [1, 30])
    power, square = np.square(spectrum[:, low:high]), np.square(frequency[low:high])
    moments = [(power * weight).sum(axis=1) for weight in (1, square, square**2)]
    heard = moments[1] > 0
    if not heard.any():
        return None
    zero, two, four = (moment[heard] for moment in moments)
    return np.sqrt(np.mean(two / zero)), np.sqrt(np.median(four / two))


def _beats(spectrum, frequency, rate):
    """Heart rate per minute and height of the beats, or None where there are not three."""
    from scipy.fft import idct
    from scipy.ndimage import uniform_filter1d
    from scipy.signal import find_peaks

    band = np.flatnonzero((frequency >= 5) & (frequency <= 20))
    if len(band) < 3:
        return None
    n_times = min(2 * (band[-1] + 1), len(frequency))  # as many samples as the band needs
    part = np.zeros((len(spectrum), n_times), dtype=np.float32)
    part[:, band] = spectrum[:, band]
    size = np.sqrt(np.square(part).sum(axis=1, keepdims=True))
    part = (part / np.where(size > 0, size, 1))[size[:, 0] > 0]
    rate = rate * n_times / len(frequency)
    height = np.square(idct(part, axis=-1, norm="ortho")).sum(axis=0)
    height = uniform_filter1d(height, max(int(0.1 * rate), 1))
    at, _ = find_peaks(height, distance=max(int(0.25 * rate), 1))
    if len(at):
        at = at[height[at] > 0.25 * np.quantile(height[at], 0.9)]
    if len(at) < 3:
        return None
    return 60 * rate / np.median(np.diff(at)), height[at].mean() / height.mean()
