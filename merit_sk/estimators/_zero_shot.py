"""MeritZeroShotClassifier: classes described in words."""

import warnings
from itertools import count

import numpy as np
from scipy.special import expit, logit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import (
    assert_all_finite,
    check_consistent_length,
    check_is_fitted,
)

from ..signals import check_finite
from ._calibration import LANGUAGES, NORMAL, ZeroShotCalibration, union_log_odds
from ._checks import check_signals
from ._concepts import concept_vectors, statement_vectors
from ._described import describe
from ._fit import all_or_nothing
from ._given_embedder import EmbedderStorageMixin, GivenEmbedder, resolve_embedder


class MeritZeroShotClassifier(EmbedderStorageMixin, ClassifierMixin, BaseEstimator):
    """Find what is described in words; no label is used.

    A recording is compared with phrases by the cosine of their embeddings, after CLIP [1]_. The
    weights that come with the package know how a cosine translates into a probability, for every
    statement of PTB-XL, and from which probability a statement should count as found.

    Parameters
    ----------
    embedder : str, path-like, MeritEmbedder or FrozenEstimator, default="merit-tiny"
        Pretrained with reports: a name, a folder or a hub id of weights, or an embedder. A fitted
        one is frozen on entry, so that `clone` keeps it; of one that is to be trained, ``fit``
        trains a copy on its recordings and reports.
    classes : str, sequence of str, dict or None, default=None
        What to look for.

        - A task of PTB-XL, such as ``"all"`` (the 71 statements), ``"superclass"`` or
          ``"subclass"``; or ``"cpsc2018"``, ``"csn"`` or ``"georgia"`` for their classes.
        - A list of names: of statements, superclasses and subclasses of PTB-XL, as in
          ``["MI", "LAFB/LPFB", "AFIB"]``. Other names stand for themselves as phrases.
        - A dict from class to phrases or names. **Phrases** are wordings of one concept, and their
          embeddings are averaged: ``{"AF": ["atrial fibrillation", "absolute arrhythmia"]}``.
          **Names** are statements any of which makes the class, and their probabilities are
          united: ``{"BBB": ["CLBBB", "CRBBB"]}``. Both in one class are an error.

        None takes the labels in `y`; without `y` the 71 statements, or the five superclasses if
        `multi_label` is False.
    language : {"auto", "en", "de"}, default="auto"
        Language of our own phrases. ``"auto"`` averages the log-odds of both where both are
        calibrated; otherwise it is the language of the reports of pretraining.
    multi_label : bool or None, default=None
        Whether several classes may hold at once, or exactly one does. None is False where `y` has
        one label for each recording, otherwise True.
    threshold : "auto", float, dict or array-like of shape (n_classes,), default="auto"
        Probability above which ``predict`` finds a class, if several may hold at once. ``"auto"``
        are the operating points saved with the weights, where F1 was highest; in a dict, it is
        what classes have that are not in it. For phrases of the user's own it is one value for
        all, and for weights without calibration 0.5.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        In the order of the columns of ``predict_proba``.
    prompts_ : dict
        The phrases of each class.
    statements_ : dict
        The statements each class unites, a tuple; empty for phrases of the user's own.
    thresholds_ : ndarray of shape (n_classes,)
        Probability above which each class is found, if several may hold at once.
    calibration_ : dict
        Curves and operating points, as saved with the weights.
    multi_label_ : bool
        Whether several classes may hold at once.
    embedder_ : MeritEmbedder
    n_features_in_ : int

    See Also
    --------
    calibrate_zero_shot : Learn the curves of other weights from labeled recordings.

    Notes
    -----
    A probability is that of the statement in a population like the recordings of PTB-XL that the
    curves were learned on. Where a finding is more frequent, probabilities are too low: fit a
    logistic regression to the log-odds of a finding, or, of classes that exclude each other, a
    :class:`sklearn.calibration.CalibratedClassifierCV`, and choose thresholds by
    :class:`sklearn.model_selection.TunedThresholdClassifierCV`. Phrases of the user's own have one
    curve in common, so their probabilities are rougher. A union is ``1 - prod(1 - p)`` over its
    statements, as if they were independent. If exactly one class holds, its odds are proportional
    to ``p / (1 - p)``.

    References
    ----------
    .. [1] A. Radford et al., "Learning transferable visual models from natural language
       supervision", ICML 2021.

    Examples
    --------
    >>> from merit_sk import MeritZeroShotClassifier
    >>> from merit_sk.datasets import make_ecg
    >>> ecg = make_ecg(2, statements=[("AFIB", "CRBBB"), ("NORM", "SR")], random_state=0)
    >>> zero = MeritZeroShotClassifier(classes=["AFIB", "CD", "NORM"]).fit(ecg.data)
    >>> zero.predict(ecg.data)
    array([[1, 1, 0],
           [0, 0, 1]])
    """

    __metadata_request__fit = {"reports": True}

    embedder = GivenEmbedder()

    def __init__(
        self,
        embedder="merit-tiny",
        *,
        classes=None,
        language="auto",
        multi_label=None,
        threshold="auto",
    ):
        self.embedder = embedder
        self.classes = classes
        self.language = language
        self.multi_label = multi_label
        self.threshold = threshold

    @all_or_nothing
    def fit(self, X, y=None, *, reports=None):
        """Load the embedder and embed the phrases; pretrain the embedder if it is not fitted.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
            Recordings in mV. They are checked; nothing is learned from them, unless the embedder
            is not fitted.
        y : array-like of shape (n_samples,) or (n_samples, n_classes) or None, default=None
            Only its distinct labels are used, and only if `classes` is None.
        reports : array-like of str of shape (n_samples,) or None, default=None
            For an embedder that is not fitted.

        Returns
        -------
        self : MeritZeroShotClassifier
        """
        X = check_signals(self, X, reset=True)
        y = self._check_y(X, y)
        multi_label = self.multi_label
        if multi_label is None:
            multi_label = y is None or y.ndim == 2
        classes = self._asked_for(y, multi_label)
        embedder = self._fitted_embedder(X, reports)
        embedder._source(X)
        if isinstance(X, np.ndarray):
            check_finite(X, on_invalid=embedder.on_invalid)
        if not self._fitted_in_two_dimensions:
            self.n_features_in_ = len(embedder.window_.leads)
        calibration = self._calibration(embedder, multi_label)
        described = describe(classes, self._languages(embedder, calibration))
        lines = self._lines(embedder, calibration, described)
        thresholds = self._thresholds(embedder, calibration, described, multi_label)
        self.embedder_, self.multi_label_ = embedder, multi_label
        self.calibration_ = calibration.to_dict()
        self.classes_ = y if y is not None and self.classes is None else _labels(described)
        self.prompts_ = {label: found.phrases for label, found in described.items()}
        self.statements_ = {label: found.statements for label, found in described.items()}
        self.thresholds_ = thresholds
        self._columns, self._directions, self._intercepts = lines
        return self

    def _check_y(self, X, y):
        """Distinct labels, or the indicator matrix; None if there is none."""
        if y is None:
            return None
        check_consistent_length(X, y)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        if type_of_target(y).startswith("multilabel"):
            if self.multi_label is False:
                raise ValueError("y has several labels for a recording, but multi_label=False")
            return np.asarray(y)
        return unique_labels(column_or_1d(y, warn=True))

    def _asked_for(self, y, multi_label):
        if self.classes is not None:
            return self.classes
        if y is None:
            return "all" if multi_label else "superclass"
        if y.ndim == 2:
            raise ValueError("y is an indicator matrix: name its columns in classes=")
        return y.tolist()

    def _fitted_embedder(self, X, reports):
        embedder = resolve_embedder(self.embedder, X, reports=reports)
        if embedder.model_.text_tower is None:
            raise ValueError(
                "the embedder was pretrained without reports and cannot embed text: "
                "fit it with reports="
            )
        return embedder

    def _calibration(self, embedder, multi_label):
        saved = embedder.zero_shot_
        if saved is not None:
            return ZeroShotCalibration.from_dict(saved)
        model = embedder.model_
        scale = model.statement_scale if multi_label else model.scale
        return ZeroShotCalibration((scale.item(), model.statement_bias.item(), 0.5))

    def _languages(self, embedder, calibration):
        if self.language not in ("auto", *LANGUAGES):
            raise ValueError(f'language must be "auto", "en" or "de"; got {self.language!r}')
        if self.language != "auto":
            return (self.language,)
        return LANGUAGES if calibration.statements else (embedder.language_ or "en",)

    def _lines(self, embedder, calibration, described):
        """Log-odds of every statement and concept, linear in the embedding.

        Returns the columns that each class unites, the directions and the intercepts.
        """
        for label, (_, phrases) in described.items():
            self._warn_about_unknown(embedder, label, phrases)
        languages = self._languages(embedder, calibration)
        codes = list(dict.fromkeys(code for found in described.values() for code in found[0]))
        own = [phrases for members, phrases in described.values() if not members]
        vectors = {x: statement_vectors(embedder, [NORMAL, *codes], x) for x in languages}
        lines = [
            calibration.line(code, {x: (v[k], v[0]) for x, v in vectors.items()})
            for k, code in enumerate(codes, start=1)
        ]
        if own:
            lines += [
                calibration.line(None, {None: (v, 0)}) for v in concept_vectors(embedder, own)
            ]
        column, phrase_column = {code: k for k, code in enumerate(codes)}, count(len(codes))
        columns = [
            [column[code] for code in members] or [next(phrase_column)]
            for members, _ in described.values()
        ]
        directions, intercepts = zip(*lines, strict=True)
        return columns, np.stack(directions), np.array(intercepts)

    def _warn_about_unknown(self, embedder, label, phrases):
        if not any(embedder.text_features_.known(phrase) > 0 for phrase in phrases):
            warnings.warn(
                f"no word of the phrases for class {label!r} occurs in the reports of "
                f"pretraining, its scores mean nothing: {'; '.join(phrases)}",
                UserWarning, stacklevel=5,
            )  # fmt: skip

    def _thresholds(self, embedder, calibration, described, multi_label):
        threshold = self.threshold
        automatic = isinstance(threshold, str) and threshold == "auto"
        if not automatic and not multi_label:
            raise ValueError(
                "threshold has no effect where exactly one class holds: leave it out, or pass "
                "multi_label=True"
            )
        languages = self._languages(embedder, calibration)
        own = [
            calibration.operating_point(codes or [None], languages)
            for codes, _ in described.values()
        ]
        if automatic:
            return np.array(own)
        if isinstance(threshold, dict):
            unknown = [label for label in threshold if label not in described]
            if unknown:
                raise ValueError(f"threshold names what is no class: {unknown!r}")
            threshold = [threshold.get(x, t) for x, t in zip(described, own, strict=True)]
        given = np.array(threshold, dtype=float)
        if given.ndim and given.shape != (len(own),):
            raise ValueError(f"threshold has shape {given.shape}, but there are {len(own)} classes")
        if not ((given > 0) & (given < 1)).all():
            raise ValueError(f"thresholds must lie between 0 and 1, got {self.threshold!r}")
        return np.broadcast_to(given, len(own)).copy()

    def _log_odds(self, X):
        check_is_fitted(self)
        X = check_signals(self, X, reset=False)
        return self._log_odds_of(self.embedder_._embed(X, "projected"))

    def _log_odds_of(self, Z):
        # einsum without BLAS: a row's scores do not depend on how many rows there are
        lines = np.einsum("nd,kd->nk", Z.astype(float), self._directions) + self._intercepts
        return np.stack([union_log_odds(lines[:, columns]) for columns in self._columns], axis=1)

    def decision_function(self, X):
        """Return by how much the log-odds of each class exceed what is needed to find it.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            If several classes may hold at once, log-odds minus those of the operating point:
            positive where ``predict`` finds the class. If exactly one does, log-odds; for two
            classes then the difference in favor of the second.
        """
        scores = self._log_odds(X)
        if self.multi_label_:
            return scores - logit(self.thresholds_)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_proba(self, X):
        """Return the probability of each class.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Rows sum to one only if exactly one class holds.
        """
        scores = self._log_odds(X)
        return expit(scores) if self.multi_label_ else softmax(scores, axis=1)

    def predict_proba_windows(self, X):
        """Return the probability of each class in each window, one recording after the other.

        Memory holds the windows of one recording, also where it lasts a day.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)

        Yields
        ------
        times : ndarray of shape (n_windows,)
            Where each window of the recording begins, in seconds.
        probabilities : ndarray of shape (n_windows, n_classes)

        See Also
        --------
        merit_sk.inspection.TimelineDisplay : Draws them over the course of a recording.
        """
        check_is_fitted(self)
        X = check_signals(self, X, reset=False)
        for times, Z in self.embedder_._embed_windows(X, "projected"):
            scores = self._log_odds_of(Z)
            yield times, expit(scores) if self.multi_label_ else softmax(scores, axis=1)

    def predict(self, X):
        """Return the classes above their operating points, or the one that is most probable.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)

        Returns
        -------
        y : indicator matrix (n_samples, n_classes), or ndarray of shape (n_samples,)
            The latter if exactly one class holds.
        """
        scores = self._log_odds(X)
        if self.multi_label_:
            return (scores > logit(self.thresholds_)).astype(int)
        return self.classes_[scores.argmax(axis=1)]

    _kind = "statements", "zero-shot classifier"
    _fitted_attribute = "classes_"

    @classmethod
    def _saved_parameters(cls, config, name):
        fixed = {"classes": _classes(config), "multi_label": config["multi_label"]}
        return super()._saved_parameters(config, name) | fixed

    def _description(self):
        return {
            "parameters": self._plain_parameters("classes", "threshold")
            | {
                "threshold": "auto"
                if isinstance(self.threshold, str)
                else self.thresholds_.tolist()
            },
            "classes": self.classes if isinstance(self.classes, str) else None,
            "statements": [
                [_plain_label(label), list(self.statements_[label]), list(self.prompts_[label])]
                for label in self.prompts_
            ],
            "multi_label": self.multi_label_,
            "thresholds": self.thresholds_.tolist(),
            "calibration": self.calibration_,
            "columns": [[int(k) for k in columns] for columns in self._columns],
            "directions": self._directions.tolist(),
            "intercepts": self._intercepts.tolist(),
            "n_features_in": self.n_features_in_,
        }

    def _restore(self, config, weights, parts, folder):
        self._restore_embedder(parts, folder)
        described = {label: codes_and_phrases for label, *codes_and_phrases in config["statements"]}
        self.statements_ = {label: tuple(codes) for label, (codes, _) in described.items()}
        self.prompts_ = {label: phrases for label, (_, phrases) in described.items()}
        self.classes_ = _labels(described)
        self.multi_label_, self.calibration_ = config["multi_label"], config["calibration"]
        self.thresholds_ = np.array(config["thresholds"])
        self._columns, self._directions = config["columns"], np.array(config["directions"])
        self._intercepts = np.array(config["intercepts"])
        self.n_features_in_ = config["n_features_in"]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.target_tags.required = False
        tags.classifier_tags.poor_score = True
        tags.classifier_tags.multi_label = bool(self.multi_label)
        return tags


def _labels(described):
    """Classes as an array that keeps what they are: numbers stay numbers."""
    labels = list(described)
    if len({type(label) for label in labels}) == 1 and isinstance(labels[0], (str, int)):
        return np.array(labels)
    array = np.empty(len(labels), dtype=object)
    array[:] = labels
    return array


def _plain_label(label):
    return label.item() if isinstance(label, np.generic) else label


def _classes(config):
    """Return the parameter `classes` of a classifier that was saved."""
    if config["classes"] is not None:
        return config["classes"]
    return {label: codes or phrases for label, codes, phrases in config["statements"]}
