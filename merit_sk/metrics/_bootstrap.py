"""Confidence intervals and paired comparisons by resampling patients."""

import warnings
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from sklearn.utils import check_consistent_length, check_random_state

from ._ranking import check_labels, check_scores, evaluable, macro_auc, macro_average_precision
from ._retrieval import macro_retrieval

_CHUNK = 50  # resamples weighed at once: bounds memory


@dataclass(frozen=True)
class Interval:
    """An estimate with its bootstrap confidence interval.

    Attributes
    ----------
    estimate : float
        The metric on the records as they are.
    low, high : float
        Percentiles of the metric over the resamples.
    confidence_level : float
    resamples : ndarray of shape (n_resamples,)
        The metric of every resample in which it was defined.
    """

    estimate: float
    low: float
    high: float
    confidence_level: float
    resamples: np.ndarray = field(repr=False)

    def __str__(self):
        return f"{self.estimate:.4f} [{self.low:.4f}, {self.high:.4f}]"


@dataclass(frozen=True)
class Comparison(Interval):
    """Difference of a metric between two models on the same records, with its interval.

    Attributes
    ----------
    estimate : float
        Metric of the first model minus metric of the second.
    low, high, confidence_level, resamples
        As in :class:`Interval`, for the difference.
    p_value : float
        Twice the smaller of the fractions of resamples in which the difference is at most, or at
        least, zero (the records as they are count as one more resample on either side).
    """

    p_value: float

    def __str__(self):
        return f"{self.estimate:+.4f} [{self.low:+.4f}, {self.high:+.4f}], p = {self.p_value:.3f}"


def _cumulative(weights):
    """Return running sums over rows, starting from a row of zeros."""
    return np.concatenate([np.zeros((1, weights.shape[1])), np.cumsum(weights, axis=0)])


def _ranked(key, y, weights):
    """Return the weight of each positive, and of the positives and records up to it.

    Records are ranked by ascending key. Returns the weights ``w`` of the positives in that order
    and a function of the side: "left" sums over the records with a smaller key, "right" over those
    with a smaller or equal one; each gives (positives, records).
    """
    order = np.argsort(key, kind="stable")
    positives = order[y[order] == 1]
    w = weights[positives]
    records, hits = _cumulative(weights[order]), _cumulative(w)

    def up_to(side):
        among_records = np.searchsorted(key[order], key[positives], side)
        return hits[np.searchsorted(key[positives], key[positives], side)], records[among_records]

    return w, records[-1], up_to


def _weighted_auc(y, score, weights):
    """Compute the AUC of one class for each column of record weights, NaN if undefined."""
    w, everything, up_to = _ranked(score, y, weights)
    total = w.sum(axis=0) * (everything - w.sum(axis=0))
    area = sum(np.einsum("ij,ij->j", w, n - hits) / 2 for hits, n in map(up_to, ("left", "right")))
    return np.divide(area, total, out=np.full_like(total, np.nan), where=total > 0)


def _weighted_average_precision(y, score, weights):
    """Compute average precision of one class for each column of record weights, or NaN."""
    w, everything, up_to = _ranked(-score, y, weights)
    hits, n = up_to("right")
    area = np.einsum("ij,ij->j", w, hits / np.maximum(n, 1))
    total = w.sum(axis=0)
    defined = (total > 0) & (total < everything)
    return np.divide(area, total, out=np.full_like(total, np.nan), where=defined)


def _weighted_retrieval(y, found, weights):
    """Compute the mean found for one class for each column of record weights, or NaN."""
    w, total = y @ weights, weights.sum(axis=0)
    hits = (y * found) @ weights
    return np.divide(hits, w, out=np.full_like(total, np.nan), where=(w > 0) & (w < total))


_WEIGHTED = {
    macro_auc: _weighted_auc,
    macro_average_precision: _weighted_average_precision,
    macro_retrieval: _weighted_retrieval,
}


def _resample_weights(n_samples, groups, n_resamples, random_state):
    """Yield how often each record occurs in resamples of whole groups, in chunks of columns."""
    rng = check_random_state(random_state)
    if groups is None:
        member, n_groups = np.arange(n_samples), n_samples
    else:
        names, member = np.unique(np.asarray(groups), return_inverse=True)
        n_groups = len(names)
        if len(member) != n_samples:
            raise ValueError(f"groups has {len(member)} entries for {n_samples} records.")
    for start in range(0, n_resamples, _CHUNK):
        n = min(_CHUNK, n_resamples - start)
        counts = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=n)
        yield counts.T.astype(float)[member]


def _macro_over_classes(weighted, y, score, weights):
    """Average over classes; a class that a resample has lost keeps its value on all records."""
    total = np.zeros(weights.shape[1])
    for k in range(y.shape[1]):
        values = weighted(y[:, k], score[:, k], weights)
        if np.isnan(values).any():
            everything = weighted(y[:, k], score[:, k], np.ones((len(y), 1)))
            values = np.where(np.isnan(values), everything, values)
        total += values
    return total / y.shape[1]


def _any_metric(metric, y, scores, weights):
    """Compute any metric on each resample; NaN where it raises ValueError."""
    values = np.full(weights.shape[1], np.nan)
    for i, counts in enumerate(weights.T.astype(int)):
        index = np.repeat(np.arange(len(y)), counts)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            try:
                values[i] = metric(y[index], *[s[index] for s in scores])
            except ValueError:
                continue
    return values


def _resampled(metric, y, scores, weights):
    """Compute the metric on the resamples described by one chunk of weights."""
    base = metric.func if isinstance(metric, partial) else metric
    options = metric.keywords if isinstance(metric, partial) else {}
    if base in _WEIGHTED and len(scores) == 1:
        keep = evaluable(y, options.get("min_positives", 1))
        return _macro_over_classes(_WEIGHTED[base], y[:, keep], scores[0][:, keep], weights)
    return _any_metric(metric, y, scores, weights)


def _defined(values):
    """Return the finite values; raise an error if most resamples leave the metric undefined."""
    finite = values[np.isfinite(values)]
    if len(finite) < len(values) / 2:
        raise ValueError(
            f"The metric is undefined in {len(values) - len(finite)} of {len(values)} resamples: "
            "too few positive records for a confidence interval."
        )
    return finite


def _bounds(values, confidence_level):
    tail = (1 - confidence_level) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def comparison(estimate, values, confidence_level=0.95):
    """Return a Comparison from a difference and its values on the resamples."""
    tails = min((values <= 0).sum(), (values >= 0).sum())
    p_value = float(min(1.0, 2 * (tails + 1) / (len(values) + 1)))
    bounds = _bounds(values, confidence_level)
    return Comparison(estimate, *bounds, confidence_level, values, p_value=p_value)


def _checked(y_true, scores, n_resamples, confidence_level):
    if not 0 < confidence_level < 1 or n_resamples < 1:
        raise ValueError(
            f"confidence_level must lie between 0 and 1 and n_resamples be positive; got "
            f"{confidence_level} and {n_resamples}."
        )
    y = check_labels(y_true)
    check_consistent_length(y, *scores)
    return y, [check_scores(y, s) for s in scores]


def bootstrap_interval(
    metric,
    y_true,
    *scores,
    groups=None,
    n_resamples=1000,
    confidence_level=0.95,
    random_state=None,
):
    """Compute the percentile bootstrap interval of a metric, resampling whole patients.

    :func:`macro_auc`, :func:`macro_average_precision` and :func:`macro_retrieval` are computed for
    all resamples at once. A class that a resample has lost (no positive or no negative record
    left) enters its mean with the value it has on all records: leaving it out would average other
    classes than the estimate does, and drawing until no class is lost may never end. Any other
    metric is called on each resample; where it raises ``ValueError`` the resample is dropped.

    Parameters
    ----------
    metric : callable
        ``metric(y_true, *scores) -> float``. Give options through ``functools.partial``.
    y_true : array-like of shape (n_samples, n_classes) or (n_samples,)
        Multi-label indicators.
    *scores : array-like of the same shape
        What the metric takes after the labels; usually one array of scores.
    groups : array-like of shape (n_samples,), default=None
        Patient of each record. Whole patients are drawn with replacement; records by default.
    n_resamples : int, default=1000
    confidence_level : float, default=0.95
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    Interval
        ``estimate``, ``low``, ``high``, ``confidence_level`` and ``resamples``.

    Raises
    ------
    ValueError
        If the metric is undefined on the records, or on more than half of the resamples.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.metrics import bootstrap_interval, macro_auc
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, size=(300, 3))
    >>> auc = bootstrap_interval(macro_auc, y, y + rng.normal(size=y.shape), random_state=0)
    >>> auc.low < auc.estimate < auc.high
    True
    """
    y, scores = _checked(y_true, scores, n_resamples, confidence_level)
    estimate = float(metric(y, *scores))
    chunks = _resample_weights(len(y), groups, n_resamples, random_state)
    values = _defined(np.concatenate([_resampled(metric, y, scores, w) for w in chunks]))
    return Interval(estimate, *_bounds(values, confidence_level), confidence_level, values)


def compare(
    metric,
    y_true,
    score_a,
    score_b,
    *,
    groups=None,
    n_resamples=1000,
    confidence_level=0.95,
    random_state=None,
):
    """Compare two models on the same records by a paired bootstrap of a metric.

    Both models are evaluated on the same resamples, so that variation common to both cancels out:
    the interval of the difference is narrower than two separate intervals suggest.

    Parameters
    ----------
    metric : callable
        ``metric(y_true, score) -> float``.
    y_true : array-like of shape (n_samples, n_classes) or (n_samples,)
        Multi-label indicators.
    score_a, score_b : array-like of the same shape
        Scores of the two models.
    groups : array-like of shape (n_samples,), default=None
        Patient of each record. Whole patients are drawn with replacement; records by default.
    n_resamples : int, default=1000
    confidence_level : float, default=0.95
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    Comparison
        ``estimate`` (first minus second), ``low``, ``high``, ``p_value``, ``confidence_level`` and
        ``resamples``.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.metrics import compare, macro_auc
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, size=(300, 3))
    >>> good, poor = (y + s * rng.normal(size=y.shape) for s in (1, 3))
    >>> difference = compare(macro_auc, y, good, poor, random_state=0)
    >>> difference.low > 0, difference.p_value < 0.05
    (True, True)
    """
    y, (a, b) = _checked(y_true, (score_a, score_b), n_resamples, confidence_level)
    estimate = float(metric(y, a)) - float(metric(y, b))
    values = _defined(
        np.concatenate(
            [
                _resampled(metric, y, [a], w) - _resampled(metric, y, [b], w)
                for w in _resample_weights(len(y), groups, n_resamples, random_state)
            ]
        )
    )
    return comparison(estimate, values, confidence_level)
