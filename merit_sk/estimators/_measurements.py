"""MeritMeasurements: rate, intervals, axis and voltages."""

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ..inference.measure import DIRECT, measure_directly
from ..records import ECGRecords
from ..signals import check_finite
from ._checks import check_signals
from ._fit import all_or_nothing
from ._given_embedder import (
    EmbedderStorageMixin,
    GivenEmbedder,
    names_weights,
    resolve_embedder,
)
from ._lines import ANGLE, Lines

QT, QTC = "qt_interval", "qtc_interval"


class MeritMeasurements(EmbedderStorageMixin, MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Measure rate, intervals, axis and voltages, or learn to measure what you have measured.

    With weights that hold measurements, as those that come with the package do, ``predict`` and
    ``measure`` work before ``fit``. They give

    ==================== ======= ===============================================================
    ``ventricular_rate`` 1/min   60 over the mean interval between QRS complexes
    ``pr_interval``      ms      from P to QRS; NaN where no P wave is conducted
    ``qrs_duration``     ms
    ``qt_interval``      ms      to where the tangent of the falling T wave meets the base line
    ``qtc_interval``     ms      QT / sqrt(60 / rate), after Bazett
    ``qrs_axis``         degrees frontal, 0 to the left, 90 to the feet; needs two limb leads
    ``sokolow_lyon``     mV      S in V1 + the greater R of V5 and V6
    ``cornell``          mV      R in aVL + S in V3
    ==================== ======= ===============================================================

    Rate and voltages are measured on the signal, see :func:`~merit_sk.signals.find_beats`; those
    for which leads or beats are missing are NaN. Intervals and axis are ridge regressions on the
    embedding, learned from simulated recordings of which they are known
    (:func:`~merit_sk.datasets.make_ecg`), with all leads and with fewer. They are of the beats that
    are most frequent, native, paced or escape; premature ones do not count. What is regressed of QT
    and QTc is QTc, and QT follows from it and the rate.

    Parameters
    ----------
    embedder : str, path-like, MeritEmbedder or FrozenEstimator, default="merit-tiny"
        A name, a folder or a hub id of weights, or an embedder. A fitted one is frozen on entry, so
        that `clone` keeps it. Regressions are on what its `readout` says. For arrays of another
        rate than 100 Hz: ``MeritEmbedder(sampling_rate=500)``.

    Attributes
    ----------
    measurements_ : list of str
        Names of the columns of ``predict``.
    learned_ : dict
        The regressions, in plain types. Set as ``measurements_`` of a fitted
        :class:`~merit_sk.MeritEmbedder`, they are saved with its weights.
    embedder_ : MeritEmbedder
    n_features_in_ : int

    Notes
    -----
    These are estimates to search and to sort with, with errors that the documentation lists; no
    measurement to treat a patient by. Voltages are of the signal below 40 Hz at 100 Hz, which makes
    R and S smaller than on paper, see the bias of ``sokolow_lyon`` and ``cornell`` in the table of
    measurements there. Whether a PR interval is given is a regression onto its being there, which
    errs more often where only lead I is seen.

    Examples
    --------
    >>> from merit_sk import MeritMeasurements
    >>> from merit_sk.datasets import make_ecg
    >>> ecg = make_ecg(2, statements=["1AVB", "AFIB"], random_state=1)
    >>> table = MeritMeasurements().measure(ecg.data)
    >>> table.pr_interval.isna().tolist()
    [False, True]

    Learned from measurements of your own:

    >>> ecg = make_ecg(200, random_state=0)
    >>> own = MeritMeasurements().fit(ecg.data, ecg.frame[["age", "qrs_duration"]])
    >>> own.measurements_, own.predict(ecg.data).shape
    (['age', 'qrs_duration'], (200, 2))
    """

    embedder = GivenEmbedder()

    def __init__(self, embedder="merit-tiny"):
        self.embedder = embedder

    @all_or_nothing
    def fit(self, X, y=None):
        """Load the regressions that come with the weights, or learn others.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
            Recordings in mV.
        y : DataFrame, array-like of shape (n_samples, n_measurements) or (n_samples,), default=None
            What was measured. NaN where there is nothing to measure, such as PR in atrial
            fibrillation; ``predict`` then learns where. A column ``"qrs_axis"`` is an angle in
            degrees. None takes what comes with the weights.

        Returns
        -------
        self : MeritMeasurements

        Raises
        ------
        ValueError
            If `y` is None and the weights hold no measurements, or a column of `y` has no value.
        """
        X = check_signals(self, X, reset=True)
        names, single = None, False
        if y is not None:
            names = _names(y)
            y = check_array(
                y, dtype=np.float64, ensure_2d=False, ensure_all_finite="allow-nan", input_name="y"
            )
            single, y = y.ndim == 1, y.reshape(len(y), -1)
            check_consistent_length(X, y)
        embedder = resolve_embedder(self.embedder, X)
        embedder._source(X)
        if y is None:
            if isinstance(X, np.ndarray):
                check_finite(X, on_invalid=embedder.on_invalid)
            self._take(embedder)
        else:
            Z = embedder._embed(X, embedder.readout)
            names = names or [f"y{k}" for k in range(y.shape[1])]
            self.learned_ = Lines.learn(Z, y, names, embedder.readout).to_dict()
            self.measurements_, self._own, self._single = names, True, single
            self.embedder_ = embedder
        if not self._fitted_in_two_dimensions:
            self.n_features_in_ = len(embedder.window_.leads)
        return self

    def _take(self, embedder):
        """Take the regressions that come with the weights, and measure directly as well."""
        if embedder.measurements_ is None:
            raise ValueError(
                "these weights hold no measurements: pass y=... to learn them, or take weights "
                'that do, such as "merit-tiny"'
            )
        self.embedder_, self.learned_ = embedder, embedder.measurements_
        self._own = self._single = False
        rate, *volts = DIRECT
        names = list(self.learned_["names"])
        if QTC in names:
            names.insert(names.index(QTC), QT)
        self.measurements_ = [rate, *names, *volts]

    def _ready(self):
        """Return this estimator, or if it is not fitted one with the weights it names."""
        check_is_fitted(self)
        if hasattr(self, "learned_"):
            return self
        ready = type(self)(self.embedder)
        ready._take(resolve_embedder(self.embedder))
        return ready

    def __sklearn_is_fitted__(self):
        return names_weights(self.embedder) or hasattr(self, "learned_")

    def predict(self, X):
        """Measure recordings.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
            Recordings in mV, of any length; of longer ones than the window it is the mean.

        Returns
        -------
        y : ndarray of shape (n_samples, n_measurements) or (n_samples,)
            NaN where there is nothing to measure; the latter shape after a `y` of one dimension.
        """
        return self._ready()._measured(X)

    def _measured(self, X):
        X = check_signals(self, X, reset=False)
        lines = Lines.from_dict(self.learned_)
        learned = lines(self.embedder_._embed(X, lines.readout))
        if self._own:
            return learned[:, 0] if self._single else learned
        direct, n_beats, n_limb_leads = measure_directly(self.embedder_._source(X))
        learned[n_beats == 0] = np.nan
        found = dict(zip(lines.names, learned.T, strict=True))
        found |= zip(DIRECT, direct.T, strict=True)
        if ANGLE in found:
            found[ANGLE][n_limb_leads < 2] = np.nan
        if QTC in found:
            found[QT] = found[QTC] / np.sqrt(found[DIRECT[0]] / 60)
        return np.column_stack([found[name] for name in self.measurements_])

    def measure(self, X):
        """Measure recordings, and return a table.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
            As in ``predict``.

        Returns
        -------
        table : DataFrame of shape (n_samples, n_measurements)
            With a column for each measurement; the index are the names of ``ECGRecords``.
        """
        import pandas as pd

        ready = self._ready()
        values = ready._measured(X)
        index = X.record_names if isinstance(X, ECGRecords) else None
        return pd.DataFrame(
            values.reshape(len(values), -1), columns=ready.measurements_, index=index
        )

    def score(self, X, y, sample_weight=None):
        """Return the coefficient of determination, the mean over measurements.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
            As in ``predict``.
        y : array-like of shape (n_samples, n_measurements) or (n_samples,)
            Without NaN, which is an error, as where ``predict`` finds nothing to measure.
        sample_weight : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        score : float
            1 at best.
        """
        return super().score(X, y, sample_weight)

    _kind = "regressions", "measurements"
    _fitted_attribute = "learned_"

    def _description(self):
        return {
            "parameters": {}, "regressions": self.learned_, "names": self.measurements_,
            "own": self._own, "single": self._single, "n_features_in": self.n_features_in_,
        }  # fmt: skip

    def _restore(self, config, weights, parts, folder):
        self._restore_embedder(parts, folder)
        self.learned_, self.measurements_ = config["regressions"], config["names"]
        self._own, self._single = config["own"], config["single"]
        self.n_features_in_ = config["n_features_in"]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.target_tags.required = False
        tags.requires_fit = not names_weights(self.embedder)
        tags.regressor_tags.poor_score = True
        return tags


def _names(y):
    """Return the names that a table gives its columns, or None."""
    columns = getattr(y, "columns", None)
    if columns is None:
        name = getattr(y, "name", None)
        return None if name is None else [str(name)]
    return [str(column) for column in columns]
