"""Records that a protocol uses: folds, labeled records, random subsets of patients."""

import numpy as np

from ..training.stratify import stratified_draw


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


def share_of(fraction, n_train):
    """Convert `fraction`, a fraction or a number of training records, to a fraction."""
    share = fraction if fraction <= 1 else fraction / n_train
    if not 0 < share <= 1:
        raise ValueError(
            f"fractions must lie in (0, 1], or be numbers of records up to {n_train}; got "
            f"{fraction}."
        )
    return float(share)
