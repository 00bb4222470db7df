"""Records that a protocol uses: folds, cross-validation, random subsets of patients."""

import warnings
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from sklearn.model_selection import GroupKFold, check_cv

from ..training.stratify import stratified_draw

LABEL_COUNTS = (20, 50, 100, 171, 500, 1.0)
VALIDATION_SHARE = 0.1


@dataclass(frozen=True)
class Split:
    """Positions of the records to train on, to choose regularization on and to test on."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray

    def groups(self, data):
        """Return the patients of each part, or None where they are not known."""
        known = data.get("groups") is not None
        parts = (self.train, self.valid, self.test)
        return [np.asarray(data.groups)[part] if known else None for part in parts]


def fold_split(data, train_folds, valid_folds, test_folds, labeled_only=True):
    """Return the split that folds make."""
    folds = {"training": train_folds, "validation": valid_folds, "test": test_folds}
    index = {part: labeled_records(data, f, labeled_only) for part, f in folds.items()}
    for part in ("training", "test"):
        if not len(index[part]):
            raise ValueError(f"There is no {part} record in the folds {folds[part]}.")
    return Split(*index.values())


def cv_splits(data, cv, random_state, labeled_only=True):
    """Return the splits of a cross-validation, a part of each training part set aside.

    Parameters
    ----------
    data : Bunch
    cv : int, splitter or iterable of (train, test)
        A number means folds of whole patients.
    random_state : RandomState instance
        Draws the validation patients, a tenth of those to train on, stratified by label.
    labeled_only : bool, default=True

    Returns
    -------
    list of Split

    Raises
    ------
    ValueError
        If a patient is both in the training and in the test part of a split, or a part is empty.
    """
    y = np.asarray(data.target)
    groups = None if data.get("groups") is None else np.asarray(data.groups)
    usable = y.any(axis=1) if labeled_only else np.ones(len(y), dtype=bool)
    if isinstance(cv, Integral) and groups is not None:
        cv = GroupKFold(cv)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The groups parameter is ignored")
        parts_of = list(check_cv(cv).split(np.zeros(len(y)), y, groups))
    splits = []
    for k, parts in enumerate(parts_of):
        train, test = (np.arange(len(y))[part] for part in parts)
        if groups is not None and len(both := np.intersect1d(groups[train], groups[test])):
            raise ValueError(
                f"{len(both)} patients are in both parts of split {k}, first {both[0]}: split "
                "whole patients, as GroupKFold and GroupShuffleSplit do."
            )
        train, test = train[usable[train]], test[usable[test]]
        members = train if groups is None else groups[train]
        if len(np.unique(members)) < 2 or not len(test):
            raise ValueError(
                f"Split {k} has {len(np.unique(members))} patients to train on and {len(test)} "
                "records to test on (with a label)."
            )
        held_out = draw_records(y[train], members, VALIDATION_SHARE, random_state)
        splits.append(Split(train[~held_out], train[held_out], test))
    return splits


def features_of(embedder, X, index):
    """Return features of the records at ``index``, from an estimator or an array of features."""
    if hasattr(embedder, "transform"):
        Z = np.asarray(embedder.transform(X[index]))
    else:
        Z = np.asarray(embedder)
        if Z.ndim != 2 or len(Z) != len(X):
            raise ValueError(
                "Give a fitted embedder, or an array of features of shape (n_samples, n_features) "
                f"with one row for each of the {len(X)} records; got shape {Z.shape}."
            )
        Z = Z[index]
    if not np.isfinite(Z).all():
        bad = index[~np.isfinite(Z).all(axis=1)]
        raise ValueError(f"The features of {len(bad)} records are not finite, first {bad[:5]}.")
    return Z


def labeled_records(data, folds, labeled_only=True):
    """Return the positions of the records in some folds, by default only labeled ones."""
    if data.get("folds") is None:
        raise ValueError(
            "The data have no folds. Set data.folds to one number per record (patients must not "
            "be split), or use a loader that provides them."
        )
    chosen = np.isin(data.folds, np.atleast_1d(folds))
    if labeled_only:
        chosen &= np.asarray(data.target).any(axis=1)
    return np.flatnonzero(chosen)


def records_to_score(data, folds, labeled_only=True):
    """Return the positions of the test records; all if the data have no folds."""
    if data.get("folds") is not None:
        index = labeled_records(data, folds, labeled_only)
    else:
        y = np.asarray(data.target)
        index = np.flatnonzero(y.any(axis=1)) if labeled_only else np.arange(len(y))
    if not len(index):
        raise ValueError(f"There is no test record in the folds {folds}.")
    return index


def draw_records(y, groups, fraction, random_state):
    """Draw a fraction of the patients, stratified by each patient's rarest label.

    Every patient is drawn with the same probability; the number drawn from each stratum is
    ``fraction`` of it, rounded up or down at random.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_classes)
    groups : ndarray of shape (n_samples,) or None
        Patients; None takes every record for another patient.
    fraction : float
        In (0, 1].
    random_state : RandomState instance

    Returns
    -------
    ndarray of bool of shape (n_samples,)
    """
    groups = np.arange(len(y)) if groups is None else groups
    names, member = np.unique(groups, return_inverse=True)
    has = np.zeros((len(names), y.shape[1]), dtype=bool)
    np.logical_or.at(has, member, y == 1)
    order = random_state.permutation(len(names))
    drawn = stratified_draw(has, fraction, order, offset=random_state.uniform())
    if not drawn.any():
        drawn[random_state.randint(len(names))] = True
    return drawn[member]


def shares(fractions, n_train):
    """Return the share of the training records that each fraction, or number of them, makes.

    Numbers above `n_train` are left out with a warning, unless none is left.

    Returns
    -------
    dict
        From share, ascending, to the fraction or number that was asked for.
    """
    fractions = [float(fraction) for fraction in fractions]
    if not fractions or min(fractions) <= 0 or min(fractions) > n_train:
        raise ValueError(
            f"fractions must lie in (0, 1], or be numbers of records up to {n_train}; got "
            f"{fractions}."
        )
    more = [f"{fraction:g}" for fraction in sorted(fractions) if fraction > n_train]
    if more:
        warnings.warn(
            f"Left out, since there are {n_train} training records: {', '.join(more)} labels.",
            UserWarning,
            stacklevel=5,
        )
    kept = sorted((f for f in fractions if f <= n_train), reverse=True)
    return dict(sorted({f if f <= 1 else f / n_train: f for f in kept}.items()))
