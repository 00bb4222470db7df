"""Linear probing: how well frozen features predict labels, with all labels and with few."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np
from joblib import Parallel, delayed
from sklearn.utils import check_random_state

from ..metrics._bootstrap import Interval, bootstrap_interval
from ..metrics._ranking import included_classes, macro_auc
from ._heads import class_aucs, fit_head
from ._subsets import draw_records, features_of, labeled_records, share_of


@dataclass(frozen=True)
class ProbeRepeat:
    """Probe fitted to one random subset of the training labels.

    Attributes
    ----------
    fraction : float
        Fraction of the training patients whose labels were used.
    repeat : int
        Index of the repeat, from 0.
    n_train : int
        Training records used.
    auc : Interval
        Macro AUC on the test records with its interval.
    class_auc : ndarray of shape (n_classes,)
        AUC of each class; NaN where the test records do not define it.
    regularization : float
        Regularization chosen on the validation records: penalty (ridge), C (logistic) or number of
        epochs (merl).
    absent : tuple of str
        Classes without a positive training record in this subset. Their score is constant.
    scores : ndarray of shape (n_test, n_classes)
        Decision values of the test records.
    """

    fraction: float
    repeat: int
    n_train: int
    auc: Interval
    class_auc: np.ndarray = field(repr=False)
    regularization: float
    absent: tuple
    scores: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class ProbeResult:
    """Result of :func:`evaluate_probe`.

    Attributes
    ----------
    repeats : list of ProbeRepeat
        All fitted probes, sorted by fraction, then repeat.
    target_names : list of str
        Classes.
    included : ndarray of bool
        Which classes enter the macro AUC.
    test_index : ndarray of int
        Positions of the test records in the data.
    y_test : ndarray of shape (n_test, n_classes)
        Their labels.
    groups_test : ndarray or None
        Their patients.
    head : str or classifier
        The head that was fitted.
    """

    repeats: list
    target_names: list
    included: np.ndarray
    test_index: np.ndarray = field(repr=False)
    y_test: np.ndarray = field(repr=False)
    groups_test: np.ndarray | None = field(repr=False)
    head: str = "ridge"

    def at(self, fraction):
        """Return the probes fitted with one fraction of the labels (a list of ProbeRepeat)."""
        found = [d for d in self.repeats if np.isclose(d.fraction, fraction)]
        if not found:
            there = sorted({d.fraction for d in self.repeats})
            raise ValueError(f"No probe at fraction {fraction}; there are {there}.")
        return found

    @property
    def best(self):
        """Probe with the most labels, ``repeats[-1]``."""
        return self.repeats[-1]

    def to_frame(self, per_class=False):
        """Return one row for each probe as a :class:`pandas.DataFrame`.

        Parameters
        ----------
        per_class : bool, default=False
            Return one row for each probe and class instead.

        Returns
        -------
        pandas.DataFrame
        """
        import pandas as pd

        if not per_class:
            return pd.DataFrame([_repeat_row(d) for d in self.repeats])
        n_positives = self.y_test.sum(axis=0, dtype=int)
        return pd.DataFrame(
            [
                {
                    "fraction": d.fraction,
                    "repeat": d.repeat,
                    "target": name,
                    "n_positives": n_positives[k],
                    "included": bool(self.included[k]),
                    "auc": d.class_auc[k],
                }
                for d in self.repeats
                for k, name in enumerate(self.target_names)
            ]
        )

    def summary(self):
        """Return mean and standard deviation of the macro AUC over repeats, for each fraction."""
        frame = self.to_frame().groupby("fraction")["macro_auc"]
        return frame.agg(["mean", "std", "min", "max", "count"]).reset_index()


def _repeat_row(d):
    return {
        "fraction": d.fraction,
        "repeat": d.repeat,
        "n_train": d.n_train,
        "macro_auc": d.auc.estimate,
        "low": d.auc.low,
        "high": d.auc.high,
        "regularization": d.regularization,
        "absent": ", ".join(d.absent),
    }


def _jobs(fractions, n_repeats, n_train, rng):
    """Return (fraction, repeat, seed) of every probe; all labels are used in one repeat only."""
    shares = sorted({share_of(fraction, n_train) for fraction in fractions})
    return [
        (share, repeat, rng.randint(2**31 - 1))
        for share in shares
        for repeat in range(n_repeats if share < 1 else 1)
    ]


def _one_repeat(
    fraction, number, seed, *, head, train, valid, test, groups, names, included, interval
):
    """Fit and score a probe on one random subset of the training labels."""
    rng = check_random_state(seed)
    Z, y = train
    chosen = slice(None) if fraction == 1 else draw_records(y, groups, fraction, rng)
    score, regularization = fit_head(head, (Z[chosen], y[chosen]), valid, rng)
    scores = score(test[0])
    return ProbeRepeat(
        fraction=fraction,
        repeat=number,
        n_train=len(y[chosen]),
        auc=interval(test[1][:, included], scores[:, included]),
        class_auc=class_aucs(test[1], scores),
        regularization=regularization,
        absent=tuple(names[k] for k in np.flatnonzero(~y[chosen].any(axis=0))),
        scores=scores,
    )


def evaluate_probe(
    embedder,
    data,
    *,
    fractions=(0.01, 0.1, 1.0),
    n_repeats=5,
    head="ridge",
    train_folds=(1, 2, 3, 4, 5, 6, 7, 8),
    valid_folds=9,
    test_folds=10,
    labeled_only=True,
    min_positives=1,
    n_resamples=1000,
    random_state=0,
    n_jobs=None,
):
    """Evaluate frozen features by linear probes with all or a fraction of the training labels.

    Features are computed once. For each random subset of the training labels they are standardized
    and a linear head is fitted, whose regularization is chosen by macro AUC on the validation
    records. Test records are only scored.

    Parameters
    ----------
    embedder : estimator or array-like of shape (n_samples, n_features)
        Fitted embedder with ``transform``, or features of all records of ``data``.
    data : Bunch
        ``data``, ``target``, ``target_names``, ``folds`` and, where known, ``groups`` (patients).
    fractions : sequence of float, default=(0.01, 0.1, 1.0)
        Fractions of the training patients; values above 1 are numbers of training records.
    n_repeats : int, default=5
        Random subsets (repeats) for each fraction below 1, stratified by label. They are the same
        in all calls with the same ``random_state``, so that models can be compared.
    head : {"ridge", "logistic", "merl"} or classifier, default="ridge"
        "ridge": ridge regression onto -1 and 1 with 25 penalties from 1 to 1e6
        (:class:`RidgeProbe`). "logistic": one-vs-rest logistic regression with 9 values of C from
        1e-4 to 1 (:class:`LogisticProbe`). "merl": the linear layer of the ECG-text literature
        (AdamW at 1e-3, 100 epochs, batches of 16) with the weights of the best validation epoch
        (:class:`MerlProbe`). Or any multi-label classifier with ``decision_function``; one whose
        ``fit`` has no ``X_valid`` does not see the validation records.
    train_folds, valid_folds, test_folds : int or sequence of int, default=1 to 8, 9 and 10
        Values of ``data.folds``. Without validation folds (``()``) the ridge penalty is chosen by
        leave-one-out error on the training records.
    labeled_only : bool, default=True
        Use only records with a label of the task, as the literature does.
    min_positives : int, default=1
        Positive test records that a class needs to enter the macro AUC.
    n_resamples : int, default=1000
        Bootstrap resamples of the test patients for each interval.
    random_state : int, RandomState instance or None, default=0
        Seed for subsets, batches and bootstrap resamples.
    n_jobs : int, default=None
        Number of probes fitted in parallel.

    Returns
    -------
    ProbeResult
        ``repeats`` with scores, macro AUC and interval; ``to_frame()``, ``summary()``,
        ``at(fraction)``.

    Notes
    -----
    The bootstrap interval describes the choice of test patients. The standard deviation over
    the repeats of a fraction describes the choice of labels. Neither includes the variation between
    seeds of pretraining.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.utils import Bunch
    >>> from merit_sk.evaluation import evaluate_probe
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, size=(500, 2))
    >>> ecg = Bunch(data=np.zeros((500, 12, 100)), target=y, target_names=["AFIB", "NORM"],
    ...             folds=np.arange(500) % 10 + 1)
    >>> features = y @ rng.normal(size=(2, 20)) + rng.normal(size=(500, 20))
    >>> result = evaluate_probe(features, ecg, fractions=(0.1, 1.0), n_repeats=2)
    >>> [probe.n_train for probe in result.repeats], result.best.auc.estimate > 0.8
    ([31, 32, 313], True)
    """
    y, names = np.asarray(data.target), [str(name) for name in data.target_names]
    folds = {"training": train_folds, "validation": valid_folds, "test": test_folds}
    index = {part: labeled_records(data, f, labeled_only) for part, f in folds.items()}
    for part in ("training", "test"):
        if not len(index[part]):
            raise ValueError(f"There is no {part} record in the folds {folds[part]}.")
    known = data.get("groups") is not None
    groups = {part: np.asarray(data.groups)[i] if known else None for part, i in index.items()}
    Z = features_of(embedder, data.data, np.concatenate(list(index.values())))
    Z = np.split(Z, np.cumsum([len(i) for i in index.values()])[:-1])
    train, valid, test = [(z, y[i]) for z, i in zip(Z, index.values(), strict=True)]

    included = included_classes(test[1], min_positives, names)
    rng = check_random_state(random_state)
    one_repeat = partial(
        _one_repeat,
        head=head,
        train=train,
        valid=valid,
        test=test,
        groups=groups["training"],
        names=names,
        included=included,
        interval=partial(
            bootstrap_interval,
            macro_auc,
            groups=groups["test"],
            n_resamples=n_resamples,
            random_state=rng.randint(2**31 - 1),
        ),
    )
    jobs = _jobs(fractions, n_repeats, len(train[1]), rng)
    return ProbeResult(
        repeats=Parallel(n_jobs=n_jobs)(delayed(one_repeat)(*job) for job in jobs),
        target_names=names,
        included=included,
        test_index=index["test"],
        y_test=test[1],
        groups_test=groups["test"],
        head=head,
    )
