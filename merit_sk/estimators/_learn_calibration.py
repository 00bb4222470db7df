"""Learning from labeled recordings how probable statements are."""

import numpy as np
from scipy.special import expit, logit
from sklearn.utils.validation import check_consistent_length

from ..statements import PTBXL_STATEMENTS, task_members
from ._calibration import LANGUAGES, NORMAL, ZeroShotCalibration, union_key, union_log_odds
from ._checks import check_signals
from ._concepts import statement_vectors

FREQUENT = 10  # positives from which a statement has a say in what is common to all
SLOPE_PRECISION = 0.1  # of the Gaussian around the common slopes


def calibrate_zero_shot(embedder, X, y, target_names, *, unseen=None):
    """Learn how probable statements are, given how recordings agree with their phrases.

    For every statement and language a logistic curve is fitted whose inputs are the recording's
    cosines with the statement's phrases and with those of a normal ECG. Slopes of rare statements
    are drawn to those of frequent ones by a Gaussian prior. Intercepts make mean probability and
    prevalence equal, so probabilities are those of a population like `X`. The operating point is
    the probability at which F1 is highest. The fewer positives there are, the more it is the F1
    expected under the probabilities instead of that of the labels, and the nearer the point is
    drawn to the common one, so that what is very rare is not found at one percent.

    Recordings that pretraining saw agree better with their statements than new ones. Where
    `unseen` marks some that it did not see, curves learned on the others are applied to them, and
    one factor for all slopes makes up for the difference.

    Parameters
    ----------
    embedder : MeritEmbedder
        Fitted, pretrained with reports.
    X : ECGRecords or array-like of shape (n_samples, n_leads, n_times)
        Recordings.
    y : array-like of shape (n_samples, n_statements)
        1 where a statement holds.
    target_names : sequence of str
        Statements of PTB-XL that the columns are; ``"NORM"`` need not be among them.
    unseen : array-like of bool of shape (n_samples,), default=None
        Which recordings pretraining did not see.

    Returns
    -------
    calibration : dict
        Of plain types. As ``embedder.zero_shot_`` it is used by
        :class:`~merit_sk.MeritZeroShotClassifier` and saved with the weights.

    Examples
    --------
    >>> from merit_sk import MeritEmbedder
    >>> from merit_sk.datasets import make_ecg
    >>> from merit_sk.estimators import calibrate_zero_shot
    >>> ecg = make_ecg(60, task="rhythm", random_state=0)
    >>> embedder = MeritEmbedder()
    >>> found = calibrate_zero_shot(embedder, ecg.data, ecg.target, ecg.target_names)
    >>> sorted(found), len(found["statements"]["AFIB"]["de"])
    (['learned_on', 'phrase', 'statements', 'unions'], 4)
    """
    names = [str(name) for name in target_names]
    unknown = [name for name in names if name not in PTBXL_STATEMENTS]
    if unknown:
        raise ValueError(f"no statements of PTB-XL: {', '.join(unknown)}")
    y = np.asarray(y)
    check_consistent_length(X, y)
    if y.ndim != 2 or y.shape[1] != len(names):
        raise ValueError(f"y must have one column for each of {len(names)} statements")
    y = y.astype(float)
    new = np.zeros(len(y), bool) if unseen is None else np.asarray(unseen, bool)
    embedder = embedder._ready()
    Z = embedder._embed(check_signals(embedder, X, reset=False), "projected").astype(float)
    cosines = {x: Z @ statement_vectors(embedder, names, x).T for x in LANGUAGES}
    phrase = _phrase_curve(cosines, y)
    common = phrase[-1]
    statements, factors, log_odds = {name: {} for name in names}, {}, {}
    for language in LANGUAGES:
        normal = Z @ statement_vectors(embedder, [NORMAL], language)[0]
        inputs = [np.column_stack([c, normal]) for c in cosines[language].T]
        slopes = _slopes(inputs, y)
        factors[language] = _factor(inputs, y, new)
        log_odds[language] = np.empty_like(cosines[language])
        for k, name in enumerate(names):
            line = inputs[k] @ (factors[language] * slopes[k])
            intercept = _intercept(line, y[:, k])
            log_odds[language][:, k] = line + intercept
            point = _shrunk_point(log_odds[language][:, k], y[:, k], common)
            statements[name][language] = (*(factors[language] * slopes[k]), intercept, point)
    counts = {
        "recordings": len(y), "unseen in pretraining": int(new.sum()), "slope factor": factors,
    }  # fmt: skip
    return ZeroShotCalibration(
        phrase, statements, _union_points(log_odds, y, names, common), counts
    ).to_dict()


def _shrunk_point(log_odds, y, common):
    """Probability from which a class counts as found; near what is common if it is rare."""
    weight = y.sum() / (y.sum() + FREQUENT)
    p = expit(log_odds)
    order = np.argsort(-p, kind="stable")
    p = p[order]
    truth = weight * y[order] + (1 - weight) * p
    f1 = 2 * np.cumsum(truth) / (np.arange(1, len(p) + 1) + truth.sum())
    best = p[f1.argmax() :][:2].mean()
    return float(expit(weight * logit(best) + (1 - weight) * logit(common)))


def _frequent(y):
    """Columns from which what is common to all is learned."""
    positives = y.sum(axis=0)
    frequent = np.flatnonzero((positives >= FREQUENT) & (positives <= len(y) - FREQUENT))
    if len(frequent) == 0:
        raise ValueError(
            f"no statement has {FREQUENT} recordings with it and {FREQUENT} without: more labeled "
            "recordings are needed"
        )
    return frequent


def _slopes(inputs, y):
    """Slopes of every statement; those of rare ones are near what is common."""
    frequent = _frequent(y)
    common = np.median(
        [_logistic(inputs[k], y[:, k], np.zeros(2), SLOPE_PRECISION / 10) for k in frequent], axis=0
    )
    return [
        _logistic(x, labels, common, SLOPE_PRECISION) if 0 < labels.sum() < len(y) else common
        for x, labels in zip(inputs, y.T, strict=True)
    ]


def _logistic(x, y, mean, precision):
    """Slopes of a logistic regression with a Gaussian prior on them and none on the intercept."""
    design = np.column_stack([x, np.ones(len(x))])
    prior, penalty = np.append(mean, 0.0), np.append(np.full(len(mean), precision), 1e-9)
    w = np.append(mean, _intercept(x @ mean, y))
    for _ in range(100):
        p = expit(design @ w)
        gradient = design.T @ (p - y) + penalty * (w - prior)
        hessian = (design * (p * (1 - p))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        w = w - step / max(1.0, np.abs(step).max() / 2)
        if np.abs(step).max() < 1e-8:
            break
    return w[:-1]


def _intercept(line, y):
    """Intercept at which mean probability is the prevalence, of half a positive at least."""
    wanted = np.clip(y.sum(), 0.5, len(y) - 0.5)
    low, high = -40.0 - line.max(), 40.0 - line.min()
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(line + middle).sum() < wanted else (low, middle)
    return float(low)


def _factor(inputs, y, new):
    """How much flatter curves of recordings seen in pretraining are on those that were not."""
    if new.all() or not new.any():
        return 1.0
    slopes = _slopes([x[~new] for x in inputs], y[~new])
    lines = []
    for x, labels, w in zip(inputs, y.T, slopes, strict=True):
        lines.append(x[new] @ w + _intercept(x[~new] @ w, labels[~new]))
    line = np.concatenate(lines)[:, None]
    return float(_logistic(line, y[new].T.ravel(), np.ones(1), 1e-6)[0])


def _phrase_curve(cosines, y):
    """One curve and operating point for all phrases, over frequent statements and languages."""
    frequent = _frequent(y)
    x = np.concatenate([c[:, frequent].T.ravel() for c in cosines.values()])
    labels = np.tile(y[:, frequent].T.ravel(), len(cosines))
    slope = _logistic(x[:, None], labels, np.zeros(1), 1e-6)[0]
    intercept = _intercept(slope * x, labels)
    points = np.linspace(0.05, 0.6, 56)
    chance = expit(slope * x + intercept).reshape(-1, len(y))
    truth = labels.reshape(-1, len(y))
    found = chance[:, :, None] > points
    hits = (found & (truth > 0)[:, :, None]).sum(axis=1)
    f1 = 2 * hits / (found.sum(axis=1) + truth.sum(axis=1)[:, None])
    return slope, intercept, float(points[f1.mean(axis=0).argmax()])


def _union_points(log_odds, y, names, common):
    """Operating points of the superclasses and subclasses, as far as they unite statements."""
    points = {}
    for members in [*task_members("superclass").values(), *task_members("subclass").values()]:
        columns = [names.index(code) for code in members if code in names]
        if len(members) == len(columns) > 1:
            points[union_key(members)] = {
                language: _shrunk_point(
                    union_log_odds(values[:, columns]), y[:, columns].max(axis=1), common
                )
                for language, values in log_odds.items()
            }
    return points
