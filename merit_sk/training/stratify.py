"""Draw a fraction of samples so that rare labels keep their share."""

import numpy as np


def stratified_draw(labels, fraction, order, offset):
    """Draw a fraction of samples, in proportion within strata of the rarest label of each.

    Parameters
    ----------
    labels : ndarray of shape (n_samples, n_classes)
        Of 0 and 1.
    fraction : float
    order : ndarray of shape (n_samples,)
        Rank of each sample within its stratum: a random permutation.
    offset : float
        In [0, 1): a random one rounds the size of each stratum up or down without bias.

    Returns
    -------
    drawn : ndarray of bool of shape (n_samples,)

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.training.stratify import stratified_draw
    >>> labels = np.repeat(np.eye(2, dtype=int), 10, axis=0)
    >>> drawn = stratified_draw(labels, 0.2, np.random.default_rng(0).permutation(20), 0.5)
    >>> labels[drawn].sum(axis=0)
    array([2, 2])
    """
    has = np.asarray(labels) == 1
    n_samples, n_classes = has.shape
    rarest = np.where(has, has.sum(axis=0), n_samples + 1).argmin(axis=1)
    stratum = np.where(has.any(axis=1), rarest, n_classes)
    steps = np.floor(np.arange(n_samples + 1) * fraction + offset)
    drawn = np.zeros(n_samples, dtype=bool)
    drawn[np.lexsort([order, stratum])] = np.diff(steps) > 0
    return drawn
