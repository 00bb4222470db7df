import warnings
from functools import partial

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier

from merit_sk import MeritZeroShotClassifier
from merit_sk.datasets import make_ecg
from merit_sk.metrics import (
    bootstrap_interval,
    class_table,
    compare,
    f1_thresholds,
    fmax,
    macro_auc,
    macro_auc_scorer,
    macro_average_precision,
    macro_average_precision_scorer,
    macro_f1,
    macro_f1_oracle_scorer,
    macro_f1_scorer,
    macro_retrieval,
    macro_retrieval_scorer,
    rouge,
    rouge_l_scorer,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def predictions(rng, n=300, k=4, *, decimals=None, prevalence=0.2):
    """Labels with every class on both sides, and probabilities that say something about them."""
    y = (rng.random((n, k)) < prevalence).astype(int)
    y[0], y[1] = 1, 0
    score = 1 / (1 + np.exp(-(2 * y - 1 + rng.normal(size=(n, k)))))
    return y, score if decimals is None else score.round(decimals)


@pytest.mark.parametrize("decimals", [None, 1])
@pytest.mark.parametrize(
    "ours, theirs",
    [(macro_auc, roc_auc_score), (macro_average_precision, average_precision_score)],
)
def test_macro_is_mean_of_sklearn_per_class(rng, ours, theirs, decimals):
    y, score = predictions(rng, decimals=decimals)
    expected = np.mean([theirs(y[:, k], score[:, k]) for k in range(y.shape[1])])
    assert ours(y, score) == pytest.approx(expected, abs=1e-12)


def test_macro_auc_ignores_scale_order_and_dtype(rng):
    y, score = predictions(rng)
    order = rng.permutation(len(y))
    expected = macro_auc(y, score)
    assert macro_auc(y, np.log(score)) == pytest.approx(expected, abs=1e-12)
    assert macro_auc(y[order], score[order]) == pytest.approx(expected, abs=1e-12)
    assert macro_auc(y.astype(bool).tolist(), score) == pytest.approx(expected, abs=1e-12)
    assert macro_auc(y, -score) == pytest.approx(1 - expected, abs=1e-12)


@pytest.mark.parametrize("metric", [macro_auc, macro_average_precision])
def test_degenerate_classes_are_left_out_by_name(rng, metric):
    y, score = predictions(rng)
    expected = metric(y, score)
    y = np.column_stack([y, np.zeros(len(y)), np.ones(len(y))])
    score = np.column_stack([score, score[:, :2]])
    names = ["a", "b", "c", "d", "WPW", "SR"]
    with pytest.warns(UserWarning, match="WPW, SR"):
        assert metric(y, score, target_names=names) == pytest.approx(expected, abs=1e-12)
    with pytest.raises(ValueError, match="No class"):
        metric(y[:, 4:], score[:, 4:])


def test_min_positives_is_a_floor(rng):
    y, score = predictions(rng)
    y[:, 3] = 0
    y[:4, 3] = 1
    with pytest.warns(UserWarning, match=r"fewer than 5 positive.*: 3\."):
        assert macro_auc(y, score, min_positives=5) == pytest.approx(
            macro_auc(y[:, :3], score[:, :3])
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        macro_auc(y, score, min_positives=4)


@pytest.mark.parametrize(
    "y, score, message",
    [
        ([[0, 2], [1, 0]], [[0, 1], [1, 0]], "zeros and ones"),
        ([[0, 1], [1, 0]], [[0, np.nan], [1, 0]], r"columns \[1\]"),
        ([[0, 1], [1, 0]], [[0], [1]], "shape"),
        ([[0, 1], [1, 0]], [[0, 1]], "inconsistent"),
        (["AFIB", "SR"], [0, 1], "label_binarize"),
        (np.empty((0, 2)), np.empty((0, 2)), "non-empty"),
    ],
)
def test_wrong_input_is_named(y, score, message):
    for metric in (macro_auc, macro_average_precision, partial(macro_f1, threshold=0.5), fmax):
        with pytest.raises(ValueError, match=message):
            metric(y, score)


def test_class_table_agrees_with_macro(rng):
    y, score = predictions(rng)
    y[:, 1] = 0
    table = class_table(y, score, target_names=list("abcd"))
    assert table.included.tolist() == [True, False, True, True]
    assert np.isnan(table.auc).tolist() == [False, True, False, False]
    assert (table.n_positives == y.sum(axis=0)).all()
    with pytest.warns(UserWarning):
        assert np.nanmean(table.auc) == pytest.approx(macro_auc(y, score))
    with pytest.warns(UserWarning):
        assert np.nanmean(table.average_precision) == pytest.approx(
            macro_average_precision(y, score)
        )


def best_f1(y, score):
    """Largest F1 over all thresholds, the slow way."""
    return max(f1_score(y, score >= t, zero_division=0.0) for t in np.unique(score))


@pytest.mark.parametrize("decimals", [None, 1])
def test_oracle_f1_is_the_best_of_all_thresholds(rng, decimals):
    y, score = predictions(rng, n=40, decimals=decimals)
    expected = np.mean([best_f1(y[:, k], score[:, k]) for k in range(4)])
    assert macro_f1(y, score, threshold="oracle") == pytest.approx(expected)


def test_validation_thresholds_are_best_on_validation_and_blind_to_test(rng):
    y_val, score_val = predictions(rng, n=80, decimals=1)
    thresholds = f1_thresholds(y_val, score_val)
    on_validation = macro_f1(y_val, score_val, thresholds)
    assert on_validation == pytest.approx(macro_f1(y_val, score_val, "oracle"))
    y, score = predictions(rng)
    options = {"y_val": y_val, "score_val": score_val}
    assert macro_f1(y, score, **options) == pytest.approx(macro_f1(y, score, thresholds))
    assert macro_f1(y, score, **options) <= macro_f1(y, score, "oracle")


def test_fixed_threshold_is_inclusive(rng):
    y, score = predictions(rng, decimals=1)
    assert macro_f1(y, score, 0.5) == pytest.approx(f1_score(y, score >= 0.5, average="macro"))
    assert macro_f1([1, 0], [0.5, 0.4], 0.5) == 1


def test_f1_rules_need_what_they_need(rng):
    y, score = predictions(rng)
    with pytest.raises(ValueError, match="y_val and score_val"):
        macro_f1(y, score)
    with pytest.raises(ValueError, match="best"):
        macro_f1(y, score, "best")
    with pytest.raises(ValueError, match="4 classes"):
        macro_f1(y, score, [0.5, 0.5])
    y_val, score_val = predictions(rng)
    y_val[:, 2] = 0
    with pytest.warns(UserWarning, match=r"never predicted.*\[2\]"):
        value = macro_f1(y, score, y_val=y_val, score_val=score_val)
    assert value < 0.75 + 1e-9
    y[:, 1] = 0
    with pytest.warns(UserWarning, match="No positive record"):
        assert macro_f1(y, score, 0.5) == pytest.approx(
            f1_score(y[:, [0, 2, 3]], score[:, [0, 2, 3]] >= 0.5, average="macro")
        )


def slow_fmax(y, score):
    best = 0
    for t in np.arange(0, 1.01, 0.01):
        precision, recall = [], []
        for truth, s in zip(y, score, strict=True):
            hits = np.sum((s >= t) & (truth == 1))
            if np.any(s >= t):
                precision.append(hits / np.sum(s >= t))
            if truth.any():
                recall.append(hits / truth.sum())
        if precision and np.mean(precision) + np.mean(recall) > 0:
            p, r = np.mean(precision), np.mean(recall)
            best = max(best, 2 * p * r / (p + r))
    return best


def test_fmax_is_sample_centric(rng):
    y, score = predictions(rng, n=60)
    assert fmax(y, score) == pytest.approx(slow_fmax(y, score))
    assert fmax(y, y) == 1
    assert fmax(y, 1 - y) < 1
    with pytest.raises(ValueError, match="probabilities"):
        fmax(y, 3 * score)
    assert fmax(y, 3 * score, thresholds=3 * np.arange(0, 1.01, 0.01)) == pytest.approx(
        fmax(y, score), abs=1e-3
    )


@pytest.mark.parametrize("decimals", [None, 1])
@pytest.mark.parametrize("metric", [macro_auc, macro_average_precision])
def test_fast_bootstrap_equals_resampling_records(rng, metric, decimals):
    y, score = predictions(rng, n=120, decimals=decimals)
    groups = rng.integers(0, 90, size=120)
    options = {"groups": groups, "n_resamples": 30, "random_state": 0}
    fast = bootstrap_interval(metric, y, score, **options)
    slow = bootstrap_interval(lambda a, b: metric(a, b), y, score, **options)
    np.testing.assert_allclose(fast.resamples, slow.resamples, atol=1e-12)
    assert (fast.low, fast.high) == pytest.approx((slow.low, slow.high))
    assert fast.estimate == metric(y, score)


def test_bootstrap_draws_whole_patients(rng):
    y, _ = predictions(rng, n=100)
    seen = []
    groups = np.repeat(np.arange(25), 4)

    def record(labels, index):
        seen.append(np.bincount(index[:, 0].astype(int), minlength=100).reshape(25, 4))
        return 0.0

    index = np.tile(np.arange(100)[:, None], 4)
    bootstrap_interval(record, y, index, groups=groups, n_resamples=20, random_state=0)
    counts = np.array(seen[1:])
    assert (counts == counts[:, :, :1]).all()
    assert (counts[:, :, 0].sum(axis=1) == 25).all()


def test_repeated_records_widen_the_interval_only_if_patients_are_given(rng):
    y, score = predictions(rng, n=100)
    y4, score4, groups = np.repeat(y, 4, axis=0), np.repeat(score, 4, axis=0), np.arange(400) // 4
    one = bootstrap_interval(macro_auc, y, score, random_state=0)
    by_patient = bootstrap_interval(macro_auc, y4, score4, groups=groups, random_state=0)
    by_record = bootstrap_interval(macro_auc, y4, score4, random_state=0)
    assert by_patient.high - by_patient.low == pytest.approx(one.high - one.low)
    assert by_record.high - by_record.low < 0.7 * (one.high - one.low)


def test_a_class_lost_in_a_resample_does_not_move_the_mean(rng):
    y, score = predictions(rng, n=400, k=3)
    y[:, 2] = 0
    y[0, 2] = 1
    score[0, 2] = -1
    interval = bootstrap_interval(macro_auc, y, score, random_state=0)
    two = bootstrap_interval(macro_auc, y[:, :2], score[:, :2], random_state=0)
    assert interval.estimate == pytest.approx(2 * two.estimate / 3)
    np.testing.assert_allclose(interval.resamples, 2 * two.resamples / 3)


def test_bootstrap_covers_the_truth():
    """Scores of known AUC: the 90 % interval holds it in about 90 of 100 samples."""
    truth, covered = 0.760249938906, 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        y = np.arange(200) % 4 == 0
        score = y + rng.normal(size=200)
        interval = bootstrap_interval(
            macro_auc, y, score, n_resamples=200, confidence_level=0.9, random_state=seed
        )
        covered += interval.low <= truth <= interval.high
    assert 80 <= covered <= 98


def test_bootstrap_of_any_metric_and_its_errors(rng):
    y, score = predictions(rng)
    interval = bootstrap_interval(partial(macro_f1, threshold="oracle"), y, score, n_resamples=30)
    assert interval.low <= interval.high
    assert len(str(interval)) < 40
    with pytest.raises(ValueError, match="groups"):
        bootstrap_interval(macro_auc, y, score, groups=[1, 2])
    with pytest.raises(ValueError, match="confidence_level"):
        bootstrap_interval(macro_auc, y, score, confidence_level=95)

    def fails_on_resamples(labels, s):
        if len(np.unique(s)) < len(s):
            raise ValueError
        return 1.0

    with pytest.raises(ValueError, match="undefined in 20 of 20"):
        bootstrap_interval(fails_on_resamples, y[:, 0], score[:, 0], n_resamples=20)


def test_paired_comparison(rng):
    y, score = predictions(rng, n=500)
    a, b = score + 0.05 * rng.normal(size=score.shape), score + rng.normal(size=score.shape)
    better = compare(macro_auc, y, a, b, random_state=0)
    worse = compare(macro_auc, y, b, a, random_state=0)
    assert better.estimate == pytest.approx(macro_auc(y, a) - macro_auc(y, b))
    assert better.low > 0 and better.p_value < 0.01
    assert (worse.low, worse.high) == pytest.approx((-better.high, -better.low))
    assert worse.p_value == better.p_value
    same = compare(macro_auc, y, a, a, random_state=0)
    assert same.estimate == same.low == same.high == 0 and same.p_value == 1
    slow = compare(lambda t, s: macro_auc(t, s), y, a, b, n_resamples=20, random_state=0)
    fast = compare(macro_auc, y, a, b, n_resamples=20, random_state=0)
    np.testing.assert_allclose(slow.resamples, fast.resamples, atol=1e-12)
    alone = bootstrap_interval(macro_auc, y, a, random_state=0)
    close = compare(macro_auc, y, a, a + 0.01 * rng.normal(size=a.shape), random_state=0)
    assert close.high - close.low < alone.high - alone.low


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize(
    "model",
    [
        OneVsRestClassifier(LogisticRegression()),
        RidgeClassifierCV(),
        MultiOutputClassifier(LogisticRegression()),
    ],
    ids=lambda m: type(m).__name__,
)
def test_scorers_take_multi_label_classifiers(model, n_classes):
    X, y = make_multilabel_classification(200, 10, n_classes=n_classes, random_state=0)
    for scorer, reference in (
        (macro_auc_scorer, roc_auc_score),
        (macro_average_precision_scorer, average_precision_score),
    ):
        model.fit(X[:100], y[:100])
        if hasattr(model, "decision_function"):
            score = model.decision_function(X[100:])
        else:
            score = np.column_stack([p[:, 1] for p in model.predict_proba(X[100:])])
        assert scorer(model, X[100:], y[100:]) == pytest.approx(reference(y[100:], score))


def test_scorer_in_grid_search_and_on_one_class():
    X, y = make_multilabel_classification(150, 10, n_classes=3, random_state=0)
    model = OneVsRestClassifier(LogisticRegression())
    search = GridSearchCV(model, {"estimator__C": [1e-9, 1.0]}, scoring=macro_auc_scorer).fit(X, y)
    assert 0.5 < search.best_score_ < 1
    scores = cross_val_score(LogisticRegression(), X, y[:, 0], scoring=macro_auc_scorer)
    np.testing.assert_allclose(
        scores, cross_val_score(LogisticRegression(), X, y[:, 0], scoring="roc_auc")
    )


def test_f1_scorers_follow_predict_or_the_best_thresholds():
    X, y = make_multilabel_classification(200, 10, n_classes=3, random_state=0)
    model = OneVsRestClassifier(LogisticRegression()).fit(X[:100], y[:100])
    expected = f1_score(y[100:], model.predict(X[100:]), average="macro")
    assert macro_f1_scorer(model, X[100:], y[100:]) == pytest.approx(expected)
    highest = macro_f1(y[100:], model.decision_function(X[100:]), threshold="oracle")
    assert macro_f1_oracle_scorer(model, X[100:], y[100:]) == pytest.approx(highest)
    assert expected < highest
    rare = y[100:] * [1, 1, 0]
    with pytest.warns(UserWarning, match=r"left out of the macro F1: columns \[2\]"):
        macro_f1_scorer(model, X[100:], rare)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_retrieval_scorer_is_precision_among_the_nearest(n_classes):
    X, y = make_multilabel_classification(200, 10, n_classes=n_classes, random_state=0)
    search = KNeighborsClassifier(5).fit(X[:100], y[:100])
    found = y[:100][search.kneighbors(X[100:])[1]].mean(axis=1)
    expected = macro_retrieval(y[100:], found)
    assert macro_retrieval_scorer(search, X[100:], y[100:]) == pytest.approx(expected)


def test_rouge_scorer_takes_what_writes_reports():
    class Same(BaseEstimator):
        def fit(self, X, y):
            self.text_ = y[0]
            return self

        def predict(self, X):
            return np.full(len(X), self.text_, dtype=object)

    reports = np.array(["sinus rhythm", "sinus rhythm", "atrial fibrillation", "sinus"] * 3)
    scores = cross_val_score(Same(), np.zeros((12, 1)), reports, scoring=rouge_l_scorer, cv=3)
    expected = rouge(reports[4:8], ["sinus rhythm"] * 4)["rouge_l"].mean()
    np.testing.assert_allclose(scores, expected)


@pytest.mark.parametrize("names", [["CD", "NORM"], ["CD", "HYP", "MI", "NORM", "STTC"]])
def test_scorers_of_classes_in_words(names):
    ecg = make_ecg(40, task="superclass", random_state=0)
    target = ecg.target[:, [ecg.target_names.index(name) for name in names]]
    zero = MeritZeroShotClassifier(classes=names, multi_label=True).fit(ecg.data)
    scoring = {"auc": macro_auc_scorer, "f1": macro_f1_scorer}
    found = cross_validate(zero, ecg.data, target, scoring=scoring, cv=KFold(2))
    for k, rows in enumerate((slice(20), slice(20, 40))):
        X, y = ecg.data[rows], target[rows]
        assert found["test_auc"][k] == pytest.approx(macro_auc(y, zero.decision_function(X)))
        expected = f1_score(y, zero.predict(X), average="macro")
        assert found["test_f1"][k] == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore:Label not 3")
def test_a_class_that_a_split_lacks_is_left_out_of_its_mean(rng):
    y, X = predictions(rng)
    y[150:, 3] = 0
    model = OneVsRestClassifier(LogisticRegression())
    with pytest.warns(UserWarning, match="macro average"):
        scores = cross_val_score(model, X, y, scoring=macro_auc_scorer, cv=KFold(2))
    fitted = model.fit(X[:150], y[:150])
    expected = roc_auc_score(y[150:, :3], fitted.decision_function(X[150:])[:, :3])
    assert scores[1] == pytest.approx(expected)
