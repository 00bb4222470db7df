"""Linear probing: how well frozen features predict labels, with all labels and with few."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np
from joblib import Parallel, delayed
from sklearn.utils import check_random_state

from ..metrics._bootstrap import Interval, bootstrap_interval
from ..metrics._ranking import included_classes, macro_auc
from ._cross_validated import CrossValidated
from ._heads import class_aucs, fit_head
from ._subsets import LABEL_COUNTS, cv_splits, draw_records, features_of, fold_split, shares


@dataclass(frozen=True)
class ProbeRepeat:
    """Probe fitted to one random subset of the training labels.

    Attributes
    ----------
    labels : float
        What was asked for: a fraction of the training labels up to 1, or above 1 their number.
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

    labels: float
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
        """Return the probes fitted with one fraction, or number, of labels (ProbeRepeat list)."""
        found = [
            d for d in self.repeats if fraction == d.labels or np.isclose(fraction, d.fraction)
        ]
        if not found:
            there = list(dict.fromkeys(d.labels for d in self.repeats))
            raise ValueError(f"No probe at {fraction}; there are {there}.")
        return found

    @property
    def best(self):
        """Probe with the most labels, ``repeats[-1]``."""
        return self.repeats[-1]

    @property
    def auc(self):
        """Macro AUC of `best`, an Interval."""
        return self.best.auc

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
                    "labels": d.labels,
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
        """Return mean and standard deviation of the macro AUC over repeats, for each label count.

        Returns
        -------
        pandas.DataFrame
            ``labels`` (as asked for), ``fraction``, ``n_train`` (records, mean over repeats),
            ``mean``, ``std``, ``min``, ``max`` and ``count``.
        """
        return self._summarize(self.to_frame())

    @staticmethod
    def _summarize(frame):
        parts = frame.groupby("labels")
        sizes = parts[["fraction", "n_train"]].mean()
        scores = parts["macro_auc"].agg(["mean", "std", "min", "max", "count"])
        return sizes.join(scores).sort_values("fraction").reset_index()


def _repeat_row(d):
    return {
        "labels": d.labels,
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
    """Return labels, share, repeat and seed of every probe; one only with all labels."""
    return [
        (labels, share, repeat, rng.randint(2**31 - 1))
        for share, labels in shares(fractions, n_train).items()
        for repeat in range(n_repeats if share < 1 else 1)
    ]


def _one_repeat(
    labels, fraction, number, seed, *, head, train, valid, test, groups, names, included, interval
):
    """Fit and score a probe on one random subset of the training labels."""
    rng = check_random_state(seed)
    Z, y = train
    chosen = slice(None) if fraction == 1 else draw_records(y, groups, fraction, rng)
    score, regularization = fit_head(head, (Z[chosen], y[chosen]), valid, rng)
    scores = score(test[0])
    return ProbeRepeat(
        labels=labels,
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
    fractions=LABEL_COUNTS,
    n_repeats=5,
    head="ridge",
    cv=None,
    train_folds=(1, 2, 3, 4, 5, 6, 7, 8),
    valid_folds=9,
    test_folds=10,
    labeled_only=True,
    min_positives=1,
    n_resamples=1000,
    random_state=0,
    n_jobs=None,
):
    """Evaluate frozen features by linear probes with all training labels and with few.

    Features are computed once. For each random subset of the training labels they are standardized
    and a linear head is fitted, whose regularization is chosen by macro AUC on the validation
    records. Test records are only scored. The three parts are folds of the data, or with `cv`
    those of every split of a cross-validation.

    Parameters
    ----------
    embedder : estimator or array-like of shape (n_samples, n_features)
        Fitted embedder with ``transform``, or features of all records of ``data``.
    data : Bunch
        ``data``, ``target``, ``target_names``, where known ``groups`` (patients), and without `cv`
        ``folds``.
    fractions : sequence of float, default=(20, 50, 100, 171, 500, 1.0)
        Values above 1 are numbers of training records, whose labels are used; values up to 1
        fractions of the training patients, 1 all of them. 171 is 1 % of the training records of
        PTB-XL's superclasses. Whole patients are drawn, so that a subset may be a few records
        larger or smaller. Numbers above what is there are left out with a warning.
    n_repeats : int, default=5
        Random subsets (repeats) of each size, stratified by label; one of all. They are the same
        in all calls with the same ``random_state``, so that models can be compared.
    head : {"ridge", "logistic", "merl"} or classifier, default="ridge"
        "ridge": ridge regression onto -1 and 1 with 25 penalties from 1 to 1e6
        (:class:`RidgeProbe`). "logistic": one-vs-rest logistic regression with 9 values of C from
        1e-4 to 1 (:class:`LogisticProbe`). "merl": the linear layer of the ECG-text literature
        (AdamW at 1e-3, 100 epochs, batches of 16) with the weights of the best validation epoch
        (:class:`MerlProbe`). Or any multi-label classifier with ``decision_function``; one whose
        ``fit`` has no ``X_valid`` does not see the validation records.
    cv : int, splitter or iterable of (train, test), default=None
        Take these splits of all records instead of the folds: a number of folds of whole patients,
        any splitter of scikit-learn, or positions. Of each training part a tenth of the patients
        is set aside for choosing regularization.
    train_folds, valid_folds, test_folds : int or sequence of int, default=1 to 8, 9 and 10
        Values of ``data.folds``. Without validation folds (``()``) the ridge penalty is chosen by
        leave-one-out error on the training records. Of no effect with `cv`.
    labeled_only : bool, default=True
        Use only records with a label of the task, as the literature does.
    min_positives : int, default=1
        Positive test records that a class needs to enter the macro AUC.
    n_resamples : int, default=1000
        Bootstrap resamples of the test patients for each interval.
    random_state : int, RandomState instance or None, default=0
        Seed for subsets, validation patients of `cv`, batches and bootstrap resamples.
    n_jobs : int, default=None
        Number of probes fitted in parallel.

    Returns
    -------
    ProbeResult or CrossValidated
        ``repeats`` with scores, macro AUC and interval; ``to_frame()``, ``summary()``,
        ``at(fraction)``. With `cv`, one such result for each split, their mean and spread.

    Raises
    ------
    ValueError
        If a part has no record, or `cv` puts a patient into training and test.

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
    >>> print(evaluate_probe(features, ecg, fractions=[1.0], cv=5))
    0.9... ± 0.0... over 5 splits
    """
    rng = check_random_state(random_state)
    if cv is None:
        splits = [fold_split(data, train_folds, valid_folds, test_folds, labeled_only)]
    else:
        splits = cv_splits(data, cv, rng, labeled_only)
    used = np.unique(np.concatenate([np.concatenate([s.train, s.valid, s.test]) for s in splits]))
    Z = features_of(embedder, data.data, used)
    results = []
    for split in splits:
        found = _probe_split(
            split, data, lambda part: Z[np.searchsorted(used, part)], rng, fractions=fractions,
            n_repeats=n_repeats, head=head, min_positives=min_positives, n_resamples=n_resamples,
            n_jobs=n_jobs,
        )  # fmt: skip
        results.append(found)
    return results[0] if cv is None else CrossValidated(results)


def _probe_split(
    split, data, features, rng, *, fractions, n_repeats, head, min_positives, n_resamples, n_jobs
):
    """Fit and score the probes of one split, and return a ProbeResult."""
    y, names = np.asarray(data.target), [str(name) for name in data.target_names]
    train, valid, test = [(features(i), y[i]) for i in (split.train, split.valid, split.test)]
    train_groups, _, test_groups = split.groups(data)
    included = included_classes(test[1], min_positives, names)
    one_repeat = partial(
        _one_repeat,
        head=head,
        train=train,
        valid=valid,
        test=test,
        groups=train_groups,
        names=names,
        included=included,
        interval=partial(
            bootstrap_interval,
            macro_auc,
            groups=test_groups,
            n_resamples=n_resamples,
            random_state=rng.randint(2**31 - 1),
        ),
    )
    jobs = _jobs(fractions, n_repeats, len(train[1]), rng)
    return ProbeResult(
        repeats=Parallel(n_jobs=n_jobs)(delayed(one_repeat)(*job) for job in jobs),
        target_names=names,
        included=included,
        test_index=split.test,
        y_test=test[1],
        groups_test=test_groups,
        head=head,
    )
