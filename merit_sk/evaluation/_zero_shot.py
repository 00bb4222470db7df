"""Zero-shot protocol: evaluation of classes described in words, on labeled test records."""

import numpy as np

from ._scored import matching_columns, score_test
from ._subsets import records_to_score


def evaluate_zero_shot(
    estimator,
    data,
    *,
    classes=None,
    test_folds=10,
    labeled_only=True,
    min_positives=1,
    n_resamples=1000,
    random_state=0,
):
    """Evaluate a zero-shot classifier on labeled test records.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier whose ``classes_`` are names in ``data.target_names``, such as
        :class:`~merit_sk.MeritZeroShotClassifier`; or a fitted embedder, from which one is made.
    data : Bunch
        ``data``, ``target``, ``target_names`` and, where known, ``folds`` and ``groups``.
    classes : sequence of str or dict, default=None
        For an embedder: names in ``data.target_names``, or a dict from name to phrases or
        statements, as :class:`~merit_sk.MeritZeroShotClassifier` takes them; for other data sets
        see :func:`~merit_sk.statements.class_statements`. All target names by default: those of
        PTB-XL tasks stand for statements, and superclasses and subclasses for unions of them.
    test_folds : int or sequence of int, default=10
        Values of ``data.folds``; all records if the data have no folds.
    labeled_only : bool, default=True
        Evaluate only records with a label of the task, as the literature does.
    min_positives : int, default=1
        Positive test records that a class needs to enter the macro AUC.
    n_resamples : int, default=1000
        Bootstrap resamples of the test patients.
    random_state : int, RandomState instance or None, default=0

    Returns
    -------
    ScoredTest
        ``auc`` (macro, with interval), ``table`` of classes, ``scores``, ``to_frame()``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.utils import Bunch
    >>> from merit_sk.evaluation import evaluate_zero_shot
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, size=(200, 2))
    >>> ecg = Bunch(data=y + rng.normal(size=y.shape), target=y, target_names=["AFIB", "NORM"])
    >>> class Threshold:
    ...     classes_ = np.array(["AFIB", "NORM"])
    ...     def decision_function(self, X):
    ...         return X
    >>> evaluate_zero_shot(Threshold(), ecg).auc.estimate > 0.7
    True
    """
    index = records_to_score(data, test_folds, labeled_only)
    X = data.data[index]
    embeds = hasattr(estimator, "transform") and not hasattr(estimator, "predict")
    if embeds or not hasattr(estimator, "decision_function"):
        from merit_sk import MeritZeroShotClassifier

        names = [str(name) for name in data.target_names] if classes is None else classes
        estimator = MeritZeroShotClassifier(estimator, classes=names, multi_label=True).fit(X)
    elif classes is not None:
        raise ValueError("classes= is for an embedder; this classifier has its own classes_.")
    scores = np.asarray(estimator.decision_function(X))
    if scores.ndim == 1:
        scores = np.column_stack([-scores, scores])
    own, columns = matching_columns(estimator.classes_, data.target_names, "classes")
    return score_test(
        data,
        index,
        columns,
        scores[:, own],
        min_positives=min_positives,
        n_resamples=n_resamples,
        random_state=random_state,
    )
