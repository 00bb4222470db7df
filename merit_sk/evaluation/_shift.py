"""Distribution shift: evaluation on another data set, over the classes both sets share."""

import numpy as np
from sklearn.utils import check_random_state

from ..statements._other_sets import MAPPED_PAIRS, shared_classes
from ._cross_validated import CrossValidated
from ._heads import fit_head
from ._scored import matching_columns, score_test
from ._subsets import Split, cv_splits, features_of, labeled_records, records_to_score
from ._zero_shot import evaluate_zero_shot


def category_map(source, target, *, version="corrected"):
    """Return the classes of one data set that mean the same as, or belong to, those of another.

    Parameters
    ----------
    source, target : {"ptbxl", "cpsc2018", "csn"}
        Data sets; "ptbxl" are its five superclasses. For the reverse
        direction, a published table is inverted.
    version : {"corrected", "published"}, default="corrected"
        "published" is the map of the literature [1]_. "corrected" differs in CSN: ST depression
        (STDD) is an ST-T change and not a conduction disturbance, and the only counterpart of ST
        depression in CPSC2018; Wolff-Parkinson-White (WPW) is a conduction disturbance, as in
        PTB-XL; and sinus rhythm (SR) is not taken for a normal ECG.

    Returns
    -------
    dict
        From each source class with a counterpart to a tuple of target classes.

    References
    ----------
    .. [1] C. Liu et al., "Zero-Shot ECG Classification with Multimodal Learning and Test-time
           Clinical Knowledge Enhancement", ICML 2024, Tables 11 to 13.

    Examples
    --------
    >>> from merit_sk.evaluation import category_map
    >>> category_map("ptbxl", "cpsc2018")
    {'NORM': ('NORM',), 'CD': ('1AVB', 'CRBBB', 'CLBBB'), 'STTC': ('STE', 'STD')}
    >>> category_map("csn", "cpsc2018")["STDD"]
    ('STD',)
    """
    if version not in ("corrected", "published"):
        raise ValueError(f'version must be "corrected" or "published"; got {version!r}.')
    pair = (source, target)
    forward = pair if pair in MAPPED_PAIRS else pair[::-1]
    if forward not in MAPPED_PAIRS:
        raise ValueError(
            f"No category map between {source!r} and {target!r}; there are maps between "
            f"{', '.join(' and '.join(p) for p in MAPPED_PAIRS)}. Any dict from source class to "
            "target classes will do."
        )
    table = shared_classes(*forward, version)
    if forward != pair:
        backward = {}
        for left, rights in table.items():
            for right in rights:
                backward.setdefault(right, []).append(left)
        table = backward
    return {name: tuple(others) for name, others in table.items() if others}


def map_scores(scores, source_names, mapping):
    """Turn scores of source classes into scores of the target classes they map to.

    Parameters
    ----------
    scores : array-like of shape (n_samples, n_source_classes)
        Scores of the source classes, on one scale.
    source_names : sequence of str
        Their names.
    mapping : dict
        From source class to target classes, as :func:`category_map` gives it.

    Returns
    -------
    mapped : ndarray of shape (n_samples, n_target_classes)
        The largest score among the source classes that map to the target class.
    target_names : list of str
        Target classes, in the order in which the map names them.

    Examples
    --------
    >>> from merit_sk.evaluation import map_scores
    >>> mapped, names = map_scores([[0.9, 0.2]], ["CD", "MI"], {"CD": ("1AVB", "LBBB")})
    >>> names, mapped.tolist()
    (['1AVB', 'LBBB'], [[0.9, 0.9]])
    """
    scores = np.asarray(scores)
    position = {str(name): i for i, name in enumerate(source_names)}
    sources = {}
    for name, others in mapping.items():
        if name not in position:
            raise ValueError(f"The map names a source class that has no score: {name}.")
        for other in others:
            sources.setdefault(other, []).append(position[name])
    columns = [scores[:, from_].max(axis=1) for from_ in sources.values()]
    return np.column_stack(columns), list(sources)


def evaluate_shift(
    embedder,
    source,
    target,
    *,
    mapping,
    protocol="probe",
    classes=None,
    head="ridge",
    cv=None,
    train_folds=(1, 2, 3, 4, 5, 6, 7, 8),
    valid_folds=9,
    test_folds=10,
    min_positives=1,
    n_resamples=1000,
    random_state=0,
):
    """Evaluate a model on another data set than it was trained on, over shared classes.

    "probe" fits a linear head to the labels of the source and scores the target with it; a target
    class takes the score of the source classes that map to it. "zero_shot" describes the target
    classes in words and uses the source only to know which target classes are shared. Both
    average over the same classes, so they can be compared.

    Parameters
    ----------
    embedder : estimator or tuple of two arrays
        Fitted embedder; or, for "probe", features of all source and of all target records.
    source, target : Bunch
        ``data``, ``target``, ``target_names`` and, where known, ``folds`` and ``groups``. Of the
        source the training and validation folds are used, of the target the test folds; all
        records where a set has no folds. Records without a label of the task are left out.
    mapping : dict
        From source class to target classes, see :func:`category_map`.
    protocol : {"probe", "zero_shot"}, default="probe"
    classes : dict, default=None
        For "zero_shot", phrases of the target classes; see :func:`evaluate_zero_shot`.
    head : {"ridge", "logistic", "merl"} or classifier, default="ridge"
        Head of "probe", see :func:`evaluate_probe`.
    cv : int, splitter or iterable of (train, test), default=None
        For "probe", fit to the training part of each of these splits of the source, less a tenth
        of its patients for choosing regularization, and score the whole target each time: the
        spread says how much depends on which records were learned from.
    train_folds, valid_folds, test_folds : int or sequence of int, default=1 to 8, 9 and 10
        With `cv` only the test folds are used.
    min_positives : int, default=1
        Positive test records that a class needs to enter the macro AUC.
    n_resamples : int, default=1000
        Bootstrap resamples of the test patients.
    random_state : int, RandomState instance or None, default=0

    Returns
    -------
    ScoredTest or CrossValidated
        On the target, over the shared classes; with `cv` one such result for each split.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.utils import Bunch
    >>> from merit_sk.evaluation import evaluate_shift
    >>> rng = np.random.default_rng(0)
    >>> y, z = rng.integers(0, 2, size=(2, 300, 2))
    >>> here = Bunch(data=y + rng.normal(size=y.shape), target=y, target_names=["CD", "MI"])
    >>> there = Bunch(data=z + rng.normal(size=z.shape), target=z, target_names=["LBBB", "AFIB"])
    >>> shift = evaluate_shift((here.data, there.data), here, there, mapping={"CD": ("LBBB",)})
    >>> shift.target_names, shift.auc.estimate > 0.7
    (['LBBB'], True)
    """
    judged = {
        "min_positives": min_positives,
        "n_resamples": n_resamples,
        "random_state": random_state,
    }
    shared = list(dict.fromkeys(other for others in mapping.values() for other in others))
    if protocol == "zero_shot":
        if cv is not None:
            raise ValueError(
                'cv splits what is trained on, and protocol="zero_shot" trains nothing.'
            )
        present = [name for name in shared if name in {str(n) for n in target.target_names}]
        phrases = present if classes is None else {name: classes[name] for name in present}
        return evaluate_zero_shot(
            embedder, target, classes=phrases, test_folds=test_folds, **judged
        )
    if protocol != "probe":
        raise ValueError(f'protocol must be "probe" or "zero_shot"; got {protocol!r}.')

    if cv is not None:
        splits = cv_splits(source, cv, check_random_state(random_state))
    elif source.get("folds") is not None:
        splits = [Split(*(labeled_records(source, f) for f in (train_folds, valid_folds, ())))]
    else:
        splits = [Split(records_to_score(source, None), *np.empty((2, 0), dtype=int))]
    y = np.asarray(source.target)
    used = np.unique(np.concatenate([np.r_[split.train, split.valid] for split in splits]))
    index = records_to_score(target, test_folds)
    from_source, from_target = embedder if isinstance(embedder, tuple) else (embedder, embedder)
    Z = features_of(from_source, source.data, used)
    Z_target = features_of(from_target, target.data, index)
    results = []
    for split in splits:
        train, valid = ((Z[np.searchsorted(used, i)], y[i]) for i in (split.train, split.valid))
        score, _ = fit_head(head, train, valid, random_state)
        scores, names = map_scores(score(Z_target), source.target_names, mapping)
        own, columns = matching_columns(names, target.target_names, "shared classes")
        results.append(score_test(target, index, columns, scores[:, own], **judged))
    return results[0] if cv is None else CrossValidated(results)
