"""Linear heads on frozen features, with regularization chosen on validation records."""

import warnings
from abc import ABCMeta, abstractmethod

import numpy as np
from scipy.linalg import eigh, svd
from scipy.special import expit
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler, label_binarize
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, has_fit_parameter, validate_data

from ..metrics._ranking import evaluable

RIDGE_PENALTIES = np.logspace(0, 6, 25)
LOGISTIC_C = np.logspace(-4, 0, 9)
DEFAULT_C = 0.01
MERL_BATCH, MERL_LEARNING_RATE, MERL_WEIGHT_DECAY = 16, 1e-3, 1e-4
_FLOATS = (np.float64, np.float32)


def class_aucs(y, scores):
    """Compute the AUC of every class, NaN where it is undefined.

    Equal to scikit-learn's, but computed by ranks for all classes at once, as a regularization path
    needs thousands of AUCs.
    """
    keep, aucs = evaluable(y), np.full(y.shape[1], np.nan)
    positive, ranks = y[:, keep] == 1, rankdata(scores[:, keep], axis=0)
    n_positive = positive.sum(axis=0)
    wins = (ranks * positive).sum(axis=0) - n_positive * (n_positive + 1) / 2
    aucs[keep] = wins / (n_positive * (len(y) - n_positive))
    return aucs


def _mean_auc(y, scores):
    """Compute the macro AUC over the classes where it is defined; 0.5 if there is none."""
    aucs = class_aucs(y, scores)
    return 0.5 if np.isnan(aucs).all() else float(np.nanmean(aucs))


class _LinearProbe(ClassifierMixin, BaseEstimator, metaclass=ABCMeta):
    """Base class for linear classifiers of standardized features, one column for each class."""

    def fit(self, X, y, X_valid=None, y_valid=None):
        """Fit the head to features and labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features. They are standardized.
        y : array-like of shape (n_samples, n_classes) or (n_samples,)
            Multi-label indicators, or one label for each record.
        X_valid, y_valid : array-like, default=None
            Features and labels of validation records, on which regularization is chosen.

        Returns
        -------
        self : object
        """
        X, y = validate_data(self, X, y, dtype=_FLOATS, multi_output=True)
        check_classification_targets(y)
        kind = type_of_target(y)
        if kind == "multiclass-multioutput":
            raise ValueError("Several labels for a record must be an indicator array of 0 and 1.")
        multilabel = kind == "multilabel-indicator"
        y = y if multilabel else column_or_1d(y, warn=True)
        classes = np.arange(y.shape[1]) if multilabel else np.unique(y)

        def columns(labels):
            return np.asarray(labels) if multilabel else label_binarize(labels, classes=classes)

        Y = columns(y)
        varies = Y.min(axis=0) < Y.max(axis=0)
        scaler = StandardScaler().fit(X.astype(np.float64, copy=False))
        held_out = ()
        if X_valid is not None:
            X_valid = validate_data(self, X_valid, reset=False, dtype=_FLOATS)
            held_out = scaler.transform(X_valid), columns(y_valid)[:, varies]
        coef, regularization = np.zeros((Y.shape[1], X.shape[1])), float("nan")
        intercept = np.log((Y.sum(axis=0) + 0.5) / ((1 - Y).sum(axis=0) + 0.5))
        if varies.any():
            learned, bias, regularization = self._solve(
                scaler.transform(X), Y[:, varies], *held_out
            )
            coef, intercept = coef.astype(learned.dtype), intercept.astype(bias.dtype)
            coef[varies], intercept[varies] = learned.T, bias
        self.classes_, self._multilabel, self.scaler_ = classes, multilabel, scaler
        self.coef_, self.intercept_, self.regularization_ = coef, intercept, regularization
        return self

    @abstractmethod
    def _solve(self, X, y, X_valid=None, y_valid=None):
        """Return coefficients (n_features, n_classes), intercepts and regularization."""

    def decision_function(self, X):
        """Compute the decision values of records.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes), or (n_samples,) for two exclusive classes
            Positive where a class is found. Where all training labels were equal, the same for
            every record.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=_FLOATS)
        scores = self.scaler_.transform(X) @ self.coef_.T + self.intercept_
        return scores if self._multilabel or len(self.classes_) > 2 else scores[:, 0]

    def predict(self, X):
        """Predict the labels of records.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples, n_classes) or (n_samples,)
            Every class with a positive decision value; of exclusive classes the one with the
            largest.
        """
        scores = self.decision_function(X)
        found = (scores > 0).astype(int)
        if self._multilabel:
            return found
        return self.classes_[found if found.ndim == 1 else scores.argmax(axis=1)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class _ProbabilityMixin:
    """Probabilities from decision values that are log-odds."""

    def predict_proba(self, X):
        """Compute the probability of every class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        probability : ndarray of shape (n_samples, n_classes)
            Of each class by itself for multi-label targets, else with a sum of one.
        """
        probability = expit(self.decision_function(X))
        if self._multilabel:
            return probability
        if probability.ndim == 1:
            both = np.column_stack([1 - probability, probability])
            return both if len(self.classes_) == 2 else np.ones((len(both), 1))
        return probability / probability.sum(axis=1, keepdims=True)


class RidgeProbe(_LinearProbe):
    """Ridge regression onto -1 and 1, one penalty for all classes.

    The path over all penalties costs one eigendecomposition of the smaller Gram matrix. Least
    squares give no probabilities: see :class:`LogisticProbe`, or
    :class:`sklearn.calibration.CalibratedClassifierCV`.

    Parameters
    ----------
    alpha : float or "auto", default="auto"
        Penalty. "auto" tries 25 from 1 to 1e6 and keeps the one of the largest macro AUC on the
        validation records given to ``fit``; without these the one of the smallest leave-one-out
        error, as scikit-learn's ``RidgeClassifierCV`` finds it more slowly.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels; column numbers for multi-label targets.
    coef_ : ndarray of shape (n_columns, n_features)
        Of the standardized features; one column for two exclusive classes.
    intercept_ : ndarray of shape (n_columns,)
    regularization_ : float
        The penalty; NaN if all training labels were equal.
    scaler_ : StandardScaler
    n_features_in_ : int

    See Also
    --------
    evaluate_probe : Scores of a probe with many and with few labels.

    Examples
    --------
    A search over penalties, behind an embedder, scored by macro AUC:

    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import Pipeline
    >>> from merit_sk import MeritEmbedder
    >>> from merit_sk.datasets import make_ecg
    >>> from merit_sk.evaluation import RidgeProbe
    >>> from merit_sk.metrics import macro_auc_scorer
    >>> ecg = make_ecg(60, task="superclass", random_state=0)
    >>> embedder = FrozenEstimator(MeritEmbedder().fit(ecg.data))
    >>> model = Pipeline([("embedder", embedder), ("probe", RidgeProbe())])
    >>> search = GridSearchCV(model, {"probe__alpha": [10, 1000]}, scoring=macro_auc_scorer, cv=2)
    >>> search.fit(ecg.data, ecg.target).predict(ecg.data[:3]).shape
    (3, 5)
    """

    def __init__(self, alpha="auto"):
        self.alpha = alpha

    def _solve(self, X, y, X_valid=None, y_valid=None):
        penalties = _candidates(self.alpha, "alpha", RIDGE_PENALTIES)
        mean, offset = X.mean(axis=0), 2.0 * y.mean(axis=0) - 1
        X, Y = X - mean, (2.0 * y - 1) - offset
        wide = X.shape[1] > len(X)
        values, vectors = eigh(X @ X.T if wide else X.T @ X)
        values = np.clip(values, 0, None)
        right = vectors.T @ (Y if wide else X.T @ Y)
        shrunk = [right / (values + penalty)[:, None] for penalty in penalties]
        basis = X.T @ vectors if wide else vectors
        if len(penalties) == 1:
            quality = [0.0]
        elif X_valid is None:
            fitted = vectors * values if wide else X @ vectors
            leverage = fitted * (vectors if wide else fitted)
            quality = [
                -np.square(
                    (Y - fitted @ part) / (1 - 1 / len(X) - leverage @ weight)[:, None]
                ).mean()
                for part, weight in zip(shrunk, 1 / (values + penalties[:, None]), strict=True)
            ]
        else:
            seen = (X_valid - mean) @ basis
            quality = [_mean_auc(y_valid, seen @ part) for part in shrunk]
        best = int(np.argmax(quality))
        coef = basis @ shrunk[best]
        return coef, offset - mean @ coef, float(penalties[best])


class LogisticProbe(_ProbabilityMixin, _LinearProbe):
    """One-vs-rest logistic regression, one C for all classes.

    With fewer records than features the problem is solved in the span of the records, which is
    exact, since the penalty has no direction.

    Parameters
    ----------
    C : float or "auto", default="auto"
        Inverse of the penalty. "auto" tries 9 values from 1e-4 to 1 and keeps the one of the
        largest macro AUC on the validation records given to ``fit``; 0.01 without these.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels; column numbers for multi-label targets.
    coef_ : ndarray of shape (n_columns, n_features)
        Of the standardized features; one column for two exclusive classes.
    intercept_ : ndarray of shape (n_columns,)
    regularization_ : float
        The C; NaN if all training labels were equal.
    scaler_ : StandardScaler
    n_features_in_ : int

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.evaluation import LogisticProbe
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, size=(200, 3))
    >>> Z = y @ rng.normal(size=(3, 20)) + rng.normal(size=(200, 20))
    >>> probe = LogisticProbe().fit(Z[:100], y[:100], X_valid=Z[100:150], y_valid=y[100:150])
    >>> probe.predict_proba(Z[150:]).shape, probe.score(Z[150:], y[150:]) > 0.5
    ((50, 3), True)
    """

    def __init__(self, C="auto"):
        self.C = C

    def _solve(self, X, y, X_valid=None, y_valid=None):
        automatic = LOGISTIC_C if X_valid is not None else [DEFAULT_C]
        grid = _candidates(self.C, "C", automatic)
        span = svd(X, full_matrices=False)[2].T if X.shape[1] > len(X) else np.eye(X.shape[1])
        inner = X @ span
        paths = [_logistic_path(inner, labels, grid) for labels in y.T]
        models = [
            (span @ np.column_stack([c for c, _ in at_C]), np.array([bias for _, bias in at_C]))
            for at_C in zip(*paths, strict=True)
        ]
        best = 0
        if len(grid) > 1:
            best = int(np.argmax([_mean_auc(y_valid, X_valid @ w + b) for w, b in models]))
        return *models[best], float(grid[best])


def _logistic_path(X, y, grid):
    """Return (coefficients, intercept) of one class for each C."""
    model, path = LogisticRegression(warm_start=True, max_iter=300), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for C in grid:
            model.set_params(C=C).fit(X, y)
            path.append((model.coef_[0].copy(), float(model.intercept_[0])))
    return path


class MerlProbe(_ProbabilityMixin, _LinearProbe):
    """Linear layer trained on frozen features as in the ECG-text literature [1]_.

    AdamW at 1e-3 with batches of 16. Keeps the weights of the epoch with the best macro AUC on the
    validation records given to ``fit``, not the best test one; without these those of the last
    epoch.

    Parameters
    ----------
    max_epochs : int, default=100
    random_state : int, RandomState instance or None, default=None
        Order of the batches.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels; column numbers for multi-label targets.
    coef_ : ndarray of shape (n_columns, n_features)
        Of the standardized features; one column for two exclusive classes.
    intercept_ : ndarray of shape (n_columns,)
    regularization_ : float
        The epoch; NaN if all training labels were equal.
    scaler_ : StandardScaler
    n_features_in_ : int

    References
    ----------
    .. [1] C. Liu et al., "Zero-Shot ECG Classification with Multimodal Learning and Test-time
           Clinical Knowledge Enhancement", ICML 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.evaluation import MerlProbe
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["AFIB", "NORM"], 50)
    >>> Z = 2 * (y == "NORM")[:, None] + rng.normal(size=(100, 5))
    >>> MerlProbe(max_epochs=30, random_state=0).fit(Z, y).predict(Z[:2])
    array(['AFIB', 'AFIB'], dtype='<U4')
    """

    def __init__(self, max_epochs=100, random_state=None):
        self.max_epochs = max_epochs
        self.random_state = random_state

    def _solve(self, X, y, X_valid=None, y_valid=None):
        import torch

        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        generator = torch.Generator().manual_seed(seed)
        X, y = torch.as_tensor(X, dtype=torch.float32), torch.as_tensor(y, dtype=torch.float32)
        weight = torch.zeros(X.shape[1], y.shape[1], requires_grad=True)
        bias = torch.zeros(y.shape[1], requires_grad=True)
        optimizer = torch.optim.AdamW(
            [weight, bias], lr=MERL_LEARNING_RATE, weight_decay=MERL_WEIGHT_DECAY, fused=True
        )
        highest, best = -1.0, None
        for epoch in range(1, self.max_epochs + 1):
            for rows in torch.randperm(len(X), generator=generator).split(MERL_BATCH):
                optimizer.zero_grad()
                logits = torch.addmm(bias, X[rows], weight)
                torch.nn.functional.binary_cross_entropy_with_logits(logits, y[rows]).backward()
                optimizer.step()
            coef, intercept = weight.detach().numpy(), bias.detach().numpy()
            auc = epoch if X_valid is None else _mean_auc(y_valid, X_valid @ coef + intercept)
            if auc > highest:
                highest, best = auc, (coef.copy(), intercept.copy(), float(epoch))
        return best


def _candidates(value, name, automatic):
    """Return the values to try for a parameter: a number, or "auto"."""
    if isinstance(value, str):
        if value != "auto":
            raise ValueError(f'{name} must be a positive number or "auto"; got {value!r}.')
        return automatic
    if not value > 0:
        raise ValueError(f'{name} must be a positive number or "auto"; got {value!r}.')
    return np.array([value], dtype=float)


def make_head(head, random_state=None):
    """Return an unfitted head: a named one, or a copy of an estimator.

    Parameters
    ----------
    head : {"ridge", "logistic", "merl"} or classifier
    random_state : int, RandomState instance or None, default=None
        Order of the batches of "merl".
    """
    if hasattr(head, "fit") and hasattr(head, "decision_function"):
        return clone(head)
    named = {"ridge": RidgeProbe(), "logistic": LogisticProbe(),
             "merl": MerlProbe(random_state=random_state)}  # fmt: skip
    if not isinstance(head, str) or head not in named:
        raise ValueError(
            f'head must be "ridge", "logistic" or "merl", or a classifier with decision_function; '
            f"got {head!r}."
        )
    return named[head]


def fit_head(head, train, valid, random_state=None):
    """Fit a head to features and labels, its regularization chosen on validation records.

    Parameters
    ----------
    head : {"ridge", "logistic", "merl"} or classifier
        A classifier whose ``fit`` has no ``X_valid`` sees the training records only.
    train, valid : tuple (Z, y)
        Features and labels; ``valid`` may hold no record.
    random_state : int, RandomState instance or None, default=None
        Order of the batches of "merl".

    Returns
    -------
    score : callable
        Maps features to decision values of shape (n_samples, n_classes).
    regularization : float
        Penalty, C or epoch that was chosen; NaN if no class could be learned, or for a head that
        does not say.
    """
    head, (Z, y) = make_head(head, random_state), train
    one = y.shape[1] == 1
    held_out = {}
    if len(valid[0]) and has_fit_parameter(head, "X_valid"):
        held_out = {"X_valid": valid[0], "y_valid": valid[1].ravel() if one else valid[1]}
    head.fit(Z, y.ravel() if one else y, **held_out)

    def score(Z):
        return head.decision_function(Z).reshape(len(Z), -1)

    return score, getattr(head, "regularization_", float("nan"))
