"""How often the recordings that a search finds have the labels of the query."""

import numpy as np

from ._ranking import check_labels, check_scores, included_classes


def macro_retrieval(y_true, y_found, *, min_positives=1, target_names=None):
    """Compute recall or precision at k of a search for similar recordings, averaged over classes.

    For each class, the mean of what was found for the queries that have it; then the mean over
    classes, so that a rare rhythm counts as much as sinus rhythm. With ``neighbors`` of shape
    (n_queries, k), ``y_index[neighbors].max(axis=1)`` says which classes any of the k neighbors
    has, and the result is recall at k; ``y_index[neighbors].mean(axis=1)``, how many of them have
    it, gives precision at k. For k = 1 the two are the same. By chance alone, precision is the
    mean of ``y_index.mean(axis=0)``.

    Leave the recordings of a query's own patient out of what is searched: they are found for the
    patient, not for the ECG.

    Parameters
    ----------
    y_true : array-like of shape (n_queries, n_classes)
        Multi-label indicators of the queries.
    y_found : array-like of shape (n_queries, n_classes)
        Between 0 and 1: whether, or how often, the neighbors of a query have a class.
    min_positives : int, default=1
        Queries that a class needs to enter the average; others are named in a warning.
    target_names : sequence of str, default=None
        Names of the classes, for the warning.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If shapes differ, `y_found` leaves the interval from 0 to 1, or no class has queries both
        with and without it.

    See Also
    --------
    compare : Difference between two searches, with an interval by patient.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import NearestNeighbors
    >>> from merit_sk.metrics import macro_retrieval
    >>> Z_index, y_index = np.array([[0.0], [1.0], [4.0]]), np.array([[1, 0], [0, 1], [0, 1]])
    >>> Z_query, y_query = np.array([[0.1], [0.4], [3.0]]), np.array([[1, 0], [0, 1], [0, 1]])
    >>> neighbors = NearestNeighbors(n_neighbors=2).fit(Z_index).kneighbors(Z_query)[1]
    >>> for k in (1, 2):
    ...     found = y_index[neighbors[:, :k]]
    ...     print(k, macro_retrieval(y_query, found.max(axis=1)),
    ...           macro_retrieval(y_query, found.mean(axis=1)))
    1 0.75 0.75
    2 1.0 0.625
    """
    y = check_labels(y_true)
    found = check_scores(y, np.asarray(y_found, dtype=float), "y_found")
    if found.min() < 0 or found.max() > 1:
        raise ValueError(
            f"y_found must lie between 0 and 1; got {found.min():g} to {found.max():g}. Give "
            "y_index[neighbors].max(axis=1), or .mean(axis=1), not distances."
        )
    keep = included_classes(y, min_positives, target_names)
    y, found = y[:, keep], found[:, keep]
    return float(((y * found).sum(axis=0) / y.sum(axis=0)).mean())
