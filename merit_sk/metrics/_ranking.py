"""Multi-label ranking metrics with explicit rules for classes and thresholds."""

import warnings

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    precision_recall_curve,
    roc_auc_score,
)
from sklearn.utils import Bunch, check_consistent_length

FMAX_THRESHOLDS = np.arange(101) / 100


def check_labels(y_true):
    """Return labels as a 0/1 integer array of shape (n_samples, n_classes)."""
    y = np.asarray(y_true)
    y = y[:, None] if y.ndim == 1 else y
    if y.ndim != 2 or not len(y) or not np.isin(y, (0, 1)).all():
        raise ValueError(
            "y_true must be a non-empty indicator array of zeros and ones with shape (n_samples, "
            f"n_classes); got shape {np.shape(y_true)}. For single-label classes pass "
            "sklearn.preprocessing.label_binarize(y, classes=...)."
        )
    return y.astype(np.int8)


def check_scores(y, y_score, name="y_score"):
    """Return scores as a finite float array of the shape of the labels ``y``."""
    score = np.asarray(y_score)
    score = score[:, None] if score.ndim == 1 else score
    check_consistent_length(y, score)
    if score.shape != y.shape:
        raise ValueError(f"{name} has shape {score.shape}, the labels have shape {y.shape}.")
    score = score.astype(np.result_type(score.dtype, np.float32), copy=False)
    bad = np.flatnonzero(~np.isfinite(score).all(axis=0))
    if len(bad):
        raise ValueError(f"{name} holds NaN or infinity in the columns {bad.tolist()}.")
    return score


def evaluable(y, min_positives=1):
    """Return which columns of ``y`` have enough positives and at least one negative."""
    n_positives = y.sum(axis=0, dtype=int)
    return (n_positives >= max(min_positives, 1)) & (n_positives < len(y))


def _names(mask, target_names):
    """Return the names (or column numbers) of the classes in a mask, for a message."""
    names = np.arange(len(mask)) if target_names is None else np.asarray(target_names, dtype=object)
    return ", ".join(map(str, names[mask]))


def included_classes(y, min_positives=1, target_names=None, stacklevel=3):
    """Return a mask of the columns that enter a macro average; warn about the others."""
    keep = evaluable(y, min_positives)
    if not keep.any():
        raise ValueError(
            f"No class has at least {min_positives} positive and one negative record among "
            f"{len(y)}: the metric is undefined."
        )
    if not keep.all():
        warnings.warn(
            f"Left out of the macro average (fewer than {min_positives} positive or no negative "
            f"record): {_names(~keep, target_names)}.",
            UserWarning,
            stacklevel=stacklevel,
        )
    return keep


def class_table(y_true, y_score, *, target_names=None, min_positives=1):
    """Compute ranking metrics of every class, with numbers of positives and negatives.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_classes)
        Multi-label indicators.
    y_score : array-like of shape (n_samples, n_classes)
        Scores; larger means more likely. Any monotone scale.
    target_names : sequence of str, default=None
        Names of the classes; column numbers by default.
    min_positives : int, default=1
        Positives that a class needs to enter a macro average.

    Returns
    -------
    Bunch
        Equally long columns ``target`` (names), ``n_positives``, ``n_negatives``, ``included``
        (whether the class enters a macro average), ``auc`` and ``average_precision``; the last two
        are NaN where a class has no positive or no negative record. ``pandas.DataFrame(table)``
        is a data frame.

    Examples
    --------
    >>> from merit_sk.metrics import class_table
    >>> table = class_table([[1, 0], [0, 0], [1, 0]], [[3, 1], [1, 2], [2, 0]],
    ...                     target_names=["AFIB", "WPW"])
    >>> table.auc.tolist(), table.included.tolist()
    ([1.0, nan], [True, False])
    """
    y = check_labels(y_true)
    score = check_scores(y, y_score)
    defined = evaluable(y)
    auc, precision = np.full((2, y.shape[1]), np.nan)
    for k in np.flatnonzero(defined):
        auc[k] = roc_auc_score(y[:, k], score[:, k])
        precision[k] = average_precision_score(y[:, k], score[:, k])
    n_positives = y.sum(axis=0, dtype=int)
    names = np.arange(y.shape[1]).astype(str) if target_names is None else target_names
    return Bunch(
        target=np.asarray(names, dtype=object),
        n_positives=n_positives,
        n_negatives=len(y) - n_positives,
        included=evaluable(y, min_positives),
        auc=auc,
        average_precision=precision,
    )


def macro_auc(y_true, y_score, *, min_positives=1, target_names=None):
    """Compute the unweighted mean over classes of the area under the ROC curve.

    Classes with fewer than ``min_positives`` positive records, or without a negative one, are left
    out of the mean and named in a ``UserWarning``.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_classes) or (n_samples,)
        Multi-label indicators; one dimension is one class.
    y_score : array-like of the same shape
        Scores; larger means more likely. Any monotone scale.
    min_positives : int, default=1
        Positives that a class needs to enter the mean.
    target_names : sequence of str, default=None
        Names of the classes for the warning; column numbers by default.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If no class can be evaluated, shapes differ, or a score is not finite.

    Examples
    --------
    >>> from merit_sk.metrics import macro_auc
    >>> macro_auc([[1, 0], [0, 1], [1, 1]], [[0.9, 0.1], [0.2, 0.7], [0.1, 0.8]])
    0.75
    """
    y = check_labels(y_true)
    score = check_scores(y, y_score)
    keep = included_classes(y, min_positives, target_names)
    return float(roc_auc_score(y[:, keep], score[:, keep], average="macro"))


def macro_average_precision(y_true, y_score, *, min_positives=1, target_names=None):
    """Compute the unweighted mean over classes of the average precision.

    Parameters, left-out classes and errors are those of :func:`macro_auc`.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_classes) or (n_samples,)
        Multi-label indicators; one dimension is one class.
    y_score : array-like of the same shape
        Scores; larger means more likely. Any monotone scale.
    min_positives : int, default=1
        Positives that a class needs to enter the mean.
    target_names : sequence of str, default=None
        Names of the classes for the warning; column numbers by default.

    Returns
    -------
    float

    Examples
    --------
    >>> from merit_sk.metrics import macro_average_precision
    >>> macro_average_precision([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1])
    0.833...
    """
    y = check_labels(y_true)
    score = check_scores(y, y_score)
    keep = included_classes(y, min_positives, target_names)
    return float(average_precision_score(y[:, keep], score[:, keep], average="macro"))


def _f1_curve(y, score):
    """Return F1 of one class at each of its distinct scores, and those scores (ascending)."""
    precision, recall, thresholds = precision_recall_curve(y, score)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    return f1[:-1], thresholds


def f1_thresholds(y_val, score_val):
    """Return the threshold of each class that maximizes its F1 on validation data.

    Candidates are the scores seen in the validation data; of equally good ones the lowest is
    taken. A class without a positive validation record gets infinity: it is never predicted.

    Parameters
    ----------
    y_val : array-like of shape (n_samples, n_classes)
        Multi-label indicators of the validation records.
    score_val : array-like of shape (n_samples, n_classes)
        Their scores.

    Returns
    -------
    ndarray of shape (n_classes,)
        To be applied as ``score >= threshold``.

    Examples
    --------
    >>> from merit_sk.metrics import f1_thresholds
    >>> f1_thresholds([[0, 0], [1, 0], [1, 0]], [[0.1, 0.3], [0.4, 0.2], [0.7, 0.1]])
    array([0.4, inf])
    """
    y = check_labels(y_val)
    score = check_scores(y, score_val, "score_val")
    best = np.full(y.shape[1], np.inf)
    for k in np.flatnonzero(y.any(axis=0)):
        f1, thresholds = _f1_curve(y[:, k], score[:, k])
        best[k] = thresholds[np.argmax(f1)]
    return best


def _thresholds(threshold, n_classes, y_val, score_val):
    """Return one threshold per class from the argument ``threshold`` of `macro_f1`."""
    if isinstance(threshold, str) and threshold == "validation":
        if y_val is None or score_val is None:
            raise ValueError(
                'threshold="validation" needs y_val and score_val. Without validation data give a '
                'number, or threshold="oracle" to choose on the test data as some papers do.'
            )
        limits = f1_thresholds(y_val, score_val)
        if np.isinf(limits).any():
            warnings.warn(
                "No positive validation record, hence never predicted and F1 zero: columns "
                f"{np.flatnonzero(np.isinf(limits)).tolist()}.",
                UserWarning,
                stacklevel=3,
            )
    elif isinstance(threshold, str):
        raise ValueError(
            f'threshold must be "validation", "oracle", a number or one per class; got '
            f"{threshold!r}."
        )
    else:
        limits = np.asarray(threshold, dtype=float)
    if limits.ndim > 1 or (limits.ndim == 1 and len(limits) != n_classes):
        raise ValueError(f"Got thresholds of shape {limits.shape} for {n_classes} classes.")
    return limits


def macro_f1(y_true, y_score, threshold="validation", *, y_val=None, score_val=None):
    """Compute the unweighted mean over classes of F1, under a stated threshold rule.

    The rules below give different figures for the same scores: compare figures of one rule only.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_classes)
        Multi-label indicators.
    y_score : array-like of shape (n_samples, n_classes)
        Scores; larger means more likely.
    threshold : {"validation", "oracle"}, float or array-like of shape (n_classes,), \
            default="validation"
        "validation" takes for each class the threshold that maximizes F1 on ``y_val`` and
        ``score_val`` (see :func:`f1_thresholds`). "oracle" takes the best F1 on the test records
        themselves: an upper bound, for comparison with papers only. Numbers are used as given; a
        record is positive where ``score >= threshold``.
    y_val, score_val : array-like of shape (n_validation, n_classes), default=None
        Validation labels and scores, needed by "validation".

    Returns
    -------
    float
        Classes without a positive record in ``y_true`` are left out and named in a warning.

    Examples
    --------
    >>> from merit_sk.metrics import macro_f1
    >>> y, score = [[1], [0], [1], [0]], [[0.9], [0.8], [0.7], [0.1]]
    >>> round(macro_f1(y, score, threshold="oracle"), 3), round(macro_f1(y, score, 0.75), 3)
    (0.8, 0.5)
    """
    y = check_labels(y_true)
    score = check_scores(y, y_score)
    some = y.any(axis=0)
    if not some.any():
        raise ValueError("No class has a positive record: F1 is undefined.")
    if not some.all():
        warnings.warn(
            f"No positive record, left out of the macro F1: columns {np.flatnonzero(~some)}.",
            UserWarning,
            stacklevel=2,
        )
    if isinstance(threshold, str) and threshold == "oracle":
        return float(np.mean([_f1_curve(y[:, k], score[:, k])[0].max() for k in np.where(some)[0]]))
    predicted = score >= _thresholds(threshold, y.shape[1], y_val, score_val)
    return float(f1_score(y[:, some], predicted[:, some], average="macro", zero_division=0.0))


def fmax(y_true, y_score, *, thresholds=None):
    """Compute the largest sample-centric F1 over thresholds common to all classes.

    At each threshold, precision is averaged over the records with a prediction and recall over the
    records with a label; F is the harmonic mean of the two averages [1]_, and the best threshold
    is chosen on the given records themselves, as in [2]_.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_classes)
        Multi-label indicators.
    y_score : array-like of shape (n_samples, n_classes)
        Probabilities, or any scores if ``thresholds`` covers their range.
    thresholds : array-like, default=None
        Thresholds to try (``score >= threshold``); 0, 0.01, ..., 1 by default.

    Returns
    -------
    float

    References
    ----------
    .. [1] P. Radivojac et al., "A large-scale evaluation of computational protein function
           prediction", Nature Methods 10, 2013.
    .. [2] N. Strodthoff et al., "Deep learning for ECG analysis: benchmarks and insights from
           PTB-XL", IEEE Journal of Biomedical and Health Informatics 25(5), 2021.

    Examples
    --------
    >>> from merit_sk.metrics import fmax
    >>> round(fmax([[1, 0, 1], [0, 1, 0]], [[0.9, 0.2, 0.4], [0.1, 0.3, 0.6]]), 3)
    0.857
    """
    y = check_labels(y_true)
    score = check_scores(y, y_score)
    if thresholds is None:
        thresholds = FMAX_THRESHOLDS
        if score.min() < -1e-6 or score.max() > 1 + 1e-6:
            raise ValueError(
                "fmax tries thresholds from 0 to 1, but y_score runs from "
                f"{score.min():.3g} to {score.max():.3g}: pass probabilities, or thresholds=."
            )
    n_labels = y.sum(axis=1, dtype=int)
    labeled = n_labels > 0
    if not labeled.any():
        raise ValueError("No record has a label: fmax is undefined.")
    best = 0.0
    for threshold in np.asarray(thresholds, dtype=float):
        predicted = score >= threshold
        n_predicted = predicted.sum(axis=1)
        hits = (predicted & (y == 1)).sum(axis=1)
        if hits.any():
            precision = np.mean(hits[n_predicted > 0] / n_predicted[n_predicted > 0])
            recall = np.mean(hits[labeled] / n_labels[labeled])
            best = max(best, 2 * precision * recall / (precision + recall))
    return float(best)
