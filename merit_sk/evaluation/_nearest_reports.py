"""Classes read out of the reports of similar recordings: what zero-shot has to beat."""

import numpy as np

from ..reports._words import word_features

N_NEAREST = 10


def nearest_report_scores(Z_train, reports, Z_test, prompts, n_nearest=N_NEAREST):
    """Agreement of phrases with the reports of the nearest training recordings.

    A report agrees with a class as much as the phrase that is most similar to it (cosine of
    TF-IDF words and word pairs); a recording, as much as its neighbors do on average.

    Parameters
    ----------
    Z_train, Z_test : ndarray of shape (n_samples, n_features)
        Standardized with the training recordings, and compared by cosine.
    reports : sequence of str
        Of the training recordings.
    prompts : dict of str to list of str
        Phrases of each class.
    n_nearest : int, default=10

    Returns
    -------
    scores : ndarray of shape (n_test, n_classes)

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.evaluation import nearest_report_scores
    >>> Z, reports = np.eye(2), ["atrial fibrillation", "normal ecg"]
    >>> prompts = {"AFIB": ["atrial fibrillation"], "NORM": ["normal ecg"]}
    >>> nearest_report_scores(Z, reports, Z, prompts, n_nearest=1).round(2)
    array([[1., 0.],
           [0., 1.]])
    """
    words = word_features().fit(reports)
    texts = words.transform(reports)
    agreement = np.column_stack(
        [(texts @ words.transform(phrases).T).max(axis=1).toarray() for phrases in prompts.values()]
    )
    return agreement[nearest_records(Z_train, Z_test, n_nearest)].mean(axis=1)


def nearest_records(Z_train, Z_test, n_nearest):
    """Find the training records nearest to each test record, by cosine of standardized features.

    Returns
    -------
    index : ndarray of shape (n_test, n_nearest)
        The nearest first; fewer columns if there are fewer training records.
    """
    from sklearn.neighbors import NearestNeighbors
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(Z_train)
    search = NearestNeighbors(n_neighbors=min(n_nearest, len(Z_train)), metric="cosine")
    search.fit(scaler.transform(Z_train))
    return search.kneighbors(scaler.transform(Z_test), return_distance=False)
