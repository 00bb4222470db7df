"""Baseline features that need no pretraining: summary statistics, random convolutions."""

import numpy as np
from scipy.signal import find_peaks, welch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..estimators._checks import array_leads, check_signals, model_leads
from ..signals._filters import bandpass
from ..signals._windows import WindowSource, WindowSpec

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
HIGHEST_HZ = 40
MANTIS_WEIGHTS = "paris-noah/Mantis-8M"
RHYTHM = ("heart rate", "RR median", "RR standard deviation", "RR RMSSD", "RR range")


class _SignalFeatures(TransformerMixin, BaseEstimator):
    """Base class for features of recordings at one rate and in one order of leads."""

    def fit(self, X, y=None):
        """Set leads and window from the recordings.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
            Recordings in mV; arrays at `sampling_rate`.
        y : None
            Ignored.

        Returns
        -------
        self : object
        """
        X = check_signals(self, X, reset=True)
        self.window_ = WindowSpec(
            float(self.sampling_rate), model_leads(X, self.leads), float(self.duration)
        )
        if not isinstance(X, np.ndarray):
            self.n_features_in_ = len(self.window_.leads)
        self._learn(WindowSource(X, self.window_))
        return self

    def transform(self, X):
        """Compute the features of recordings.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features), float32
        """
        check_is_fitted(self)
        X = check_signals(self, X, reset=False)
        leads = (
            array_leads(X, self.leads, self.window_.leads) if isinstance(X, np.ndarray) else None
        )
        source = WindowSource(X, self.window_, leads=leads)
        rows = np.arange(len(source))
        chunks = [rows[i : i + source.chunk] for i in range(0, len(rows), source.chunk)]
        return np.concatenate([self._features(source, chunk) for chunk in chunks])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags


class SummaryFeatures(_SignalFeatures):
    """Summary statistics of amplitude, spectrum and rhythm of each recording.

    Of every lead, filtered to 0.5-40 Hz: standard deviation, mean absolute value, mean absolute
    slope, skewness, kurtosis and seven quantiles (in mV), and the logarithm of its power in bins
    of 1 Hz up to 40 Hz. Of every pair of leads, their correlation. Of the recording: heart rate,
    and median, standard deviation, root mean square of successive differences and range of the RR
    intervals (in seconds), from R peaks where the energy between 5 and 15 Hz, summed over leads,
    is highest. A linear model on these features is the first baseline for pretraining.

    Parameters
    ----------
    sampling_rate : float, default=100
        Rate in Hz at which the features are computed. Arrays must have it; ``ECGRecords`` are
        resampled.
    leads : sequence of str or None, default=None
        Leads to use; None takes those of the ``ECGRecords``, and for arrays all.

    Attributes
    ----------
    window_ : WindowSpec
        Rate, leads and pass band.
    n_features_in_ : int

    See Also
    --------
    MiniRocketFeatures : Random convolutions.

    Examples
    --------
    >>> from merit_sk.datasets import make_ecg
    >>> from merit_sk.evaluation import SummaryFeatures
    >>> ecg = make_ecg(8, random_state=0)
    >>> features = SummaryFeatures().fit(ecg.data)
    >>> features.transform(ecg.data).shape
    (8, 695)
    >>> features.get_feature_names_out()[-5:].tolist()
    ['heart rate', 'RR median', 'RR standard deviation', 'RR RMSSD', 'RR range']
    """

    duration = 10

    def __init__(self, sampling_rate=100, leads=None):
        self.sampling_rate = sampling_rate
        self.leads = leads

    def _learn(self, source):
        source.read(np.arange(1))

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of str
        """
        check_is_fitted(self)
        leads = self.window_.leads
        amplitude = ["standard deviation", "mean absolute value", "slope", "skewness", "kurtosis"]
        amplitude += [f"quantile {q:g}" for q in QUANTILES]
        of_a_lead = [*amplitude, *(f"log power {f} Hz" for f in range(HIGHEST_HZ))]
        pairs = [f"{a} x {b}" for i, a in enumerate(leads) for b in leads[:i]]
        names = [f"{lead} {name}" for name in of_a_lead for lead in leads]
        return np.array([*names, *(f"correlation {pair}" for pair in pairs), *RHYTHM], dtype=object)

    def _features(self, source, rows):
        rate = self.window_.sampling_rate
        return np.array([summary(x, rate) for x in source.signals(rows)], dtype=np.float32)


def summary(x, sampling_rate):
    """Compute the `SummaryFeatures` of one filtered recording of shape (n_leads, n_times)."""
    deviation = x.std(axis=1)
    moving = np.where(deviation > 1e-6, deviation, 1.0)
    standard = (x - x.mean(axis=1, keepdims=True)) / moving[:, None]
    slope = np.abs(np.diff(x, axis=1, append=x[:, -1:])).mean(axis=1) * sampling_rate
    amplitude = [deviation, np.abs(x).mean(axis=1), slope,
                 (standard**3).mean(axis=1), (standard**4).mean(axis=1)]  # fmt: skip
    amplitude += list(np.quantile(x, QUANTILES, axis=1))
    correlation = (standard @ standard.T / x.shape[1])[np.tril_indices(len(x), -1)]
    return np.concatenate(
        [*amplitude, *log_power(x, sampling_rate), correlation, rhythm(x, sampling_rate)]
    )


def log_power(x, sampling_rate):
    """Compute the log power of every lead in bins of 1 Hz, shape (HIGHEST_HZ, n_leads)."""
    second = min(max(round(2 * sampling_rate), 1), x.shape[1])
    frequency, power = welch(x, sampling_rate, nperseg=second, axis=1)
    bins = np.zeros((HIGHEST_HZ, len(x)))
    inside = frequency < HIGHEST_HZ
    np.add.at(bins, frequency[inside].astype(int), power[:, inside].T)
    return np.log10(bins + 1e-9)


def rhythm(x, sampling_rate):
    """Compute heart rate (per minute) and RR statistics (s); zeros for fewer than three beats."""
    energy = np.square(bandpass(x, sampling_rate, 5, 15)).sum(axis=0)
    width = max(round(0.1 * sampling_rate), 1)
    energy = np.convolve(energy, np.ones(width) / width, mode="same")
    peaks, _ = find_peaks(
        energy, distance=max(0.25 * sampling_rate, 1), height=0.3 * np.quantile(energy, 0.98)
    )
    rr = np.diff(peaks) / sampling_rate
    if len(rr) < 2:
        return np.zeros(len(RHYTHM))
    change = np.sqrt(np.square(np.diff(rr)).mean())
    return np.array([60 / rr.mean(), np.median(rr), rr.std(), change, np.ptp(rr)])


class _WindowFeatures(_SignalFeatures):
    """Base class for features of windows in mV, averaged over those of a recording."""

    @staticmethod
    def _windows(source, rows):
        windows, _, deviation, owner = source.all_windows(rows)
        return windows * deviation[..., None], owner

    def _features(self, source, rows):
        windows, owner = self._windows(source, rows)
        features = np.asarray(self._of_windows(windows), dtype=np.float32)
        total = np.zeros((len(rows), features.shape[1]), dtype=np.float32)
        np.add.at(total, owner, features)
        return total / np.bincount(owner)[:, None].astype(np.float32)


class MiniRocketFeatures(_WindowFeatures):
    """MiniRocket's random convolutions of recordings [1]_.

    Needs aeon, which is in the extra ``merit_sk[benchmark]``. Recordings are filtered as for
    :class:`~merit_sk.MeritEmbedder`, but stay in mV, so that kernels see amplitudes. Features of
    recordings longer than a window are averaged over windows. A ridge classifier usually follows.

    Parameters
    ----------
    n_kernels : int, default=10000
        Rounded down to a multiple of 84, the number of features.
    sampling_rate : float, default=100
        Rate in Hz. Arrays must have it; ``ECGRecords`` are resampled.
    leads : sequence of str or None, default=None
        Leads to use; None takes those of the ``ECGRecords``, and for arrays all.
    duration : float, default=10
        Window in seconds.
    n_jobs : int, default=1
        Threads.
    random_state : int, RandomState instance or None, default=None
        Seed for leads and biases of the kernels.

    Attributes
    ----------
    minirocket_ : aeon.transformations.collection.convolution_based.MiniRocket
    window_ : WindowSpec
        Rate, leads, duration and pass band.
    n_features_in_ : int

    Notes
    -----
    aeon 1.6.0 needs numba below 0.64, which needs numpy below 2.4. ``make benchmark-env`` makes an
    environment in ``.venv-benchmark`` where both are met.

    References
    ----------
    .. [1] A. Dempster, D. F. Schmidt, G. I. Webb, "MiniRocket: A very fast (almost) deterministic
       transform for time series classification", KDD 2021.

    Examples
    --------
    >>> from merit_sk.evaluation import MiniRocketFeatures
    >>> MiniRocketFeatures(n_kernels=840, random_state=0)
    MiniRocketFeatures(n_kernels=840, random_state=0)
    """

    def __init__(
        self, n_kernels=10_000, *, sampling_rate=100, leads=None, duration=10, n_jobs=1,
        random_state=None,
    ):  # fmt: skip
        self.n_kernels = n_kernels
        self.sampling_rate = sampling_rate
        self.leads = leads
        self.duration = duration
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _learn(self, source):
        from ..nn.device import torch_threads

        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        minirocket = import_minirocket()(self.n_kernels, n_jobs=self.n_jobs, random_state=seed)
        rows = np.arange(min(len(source), source.chunk))
        with torch_threads(self.n_jobs):  # numba would leave others, in torch, too
            self.minirocket_ = minirocket.fit(self._windows(source, rows)[0])

    def _of_windows(self, windows):
        from ..nn.device import torch_threads

        with torch_threads(self.n_jobs):
            return self.minirocket_.transform(windows)


def import_minirocket():
    """Import aeon's MiniRocket; the error of a missing one says how to install it."""
    try:
        from aeon.transformations.collection.convolution_based import MiniRocket
    except ImportError as error:
        raise ImportError(
            "MiniRocketFeatures needs aeon: pip install 'merit_sk[benchmark]', which takes an "
            "older numpy (see its documentation)"
        ) from error
    return MiniRocket


class MantisFeatures(_WindowFeatures):
    """Features of Mantis, a transformer pretrained on time series of all kinds [1]_.

    Needs ``pip install mantis-tsfm``, and its weights. Recordings are filtered as for
    :class:`~merit_sk.MeritEmbedder`, but stay in mV, and are interpolated to the 512 samples that
    Mantis takes. It sees every lead by itself: 256 features of each. Those of recordings longer
    than a window are averaged over windows.

    Parameters
    ----------
    weights : str or path-like, default="paris-noah/Mantis-8M"
        Folder, or id on the Hugging Face hub.
    sampling_rate : float, default=100
        Rate in Hz. Arrays must have it; ``ECGRecords`` are resampled.
    leads : sequence of str or None, default=None
        Leads to use; None takes those of the ``ECGRecords``, and for arrays all.
    duration : float, default=10
        Window in seconds.

    Attributes
    ----------
    mantis_ : mantis.trainer.MantisTrainer
    window_ : WindowSpec
        Rate, leads, duration and pass band.
    n_features_in_ : int

    References
    ----------
    .. [1] V. Feofanov et al., "Mantis: Lightweight Calibrated Foundation Model for User-Friendly
       Time Series Classification", 2025, arXiv:2502.15637.

    Examples
    --------
    >>> from merit_sk.evaluation import MantisFeatures
    >>> MantisFeatures(leads=["I", "II"])
    MantisFeatures(leads=['I', 'II'])
    """

    def __init__(
        self, weights=MANTIS_WEIGHTS, *, sampling_rate=100, leads=None, duration=10
    ):  # fmt: skip
        self.weights = weights
        self.sampling_rate = sampling_rate
        self.leads = leads
        self.duration = duration

    def _learn(self, source):
        self.mantis_ = load_mantis(self.weights)

    def _of_windows(self, windows):
        import torch

        x = torch.from_numpy(windows)
        x = torch.nn.functional.interpolate(x, self.mantis_.network.seq_len, mode="linear")
        return self.mantis_.transform(x.numpy())


def load_mantis(weights=MANTIS_WEIGHTS):
    """Load Mantis; the error of missing ones, package or weights, says what to do."""
    try:
        from mantis.architecture import Mantis8M
        from mantis.trainer import MantisTrainer
    except ImportError as error:
        raise ImportError("MantisFeatures needs Mantis: pip install mantis-tsfm") from error
    from ..nn.checkpoint import find_folder
    from ..nn.device import resolve_device

    device = str(resolve_device("auto"))
    network = Mantis8M.from_pretrained(find_folder(weights), device=device)
    return MantisTrainer(device=device, network=network)
