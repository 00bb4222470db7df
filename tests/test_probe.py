import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifierCV
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    PredefinedSplit,
    check_cv,
)
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from merit_sk.datasets import load_ptbxl
from merit_sk.evaluation import SummaryFeatures, evaluate_probe, evaluate_zero_shot
from merit_sk.metrics import compare, macro_auc

NAMES = ["NORM", "MI", "WPW"]
RIDGE_PENALTIES = np.logspace(0, 6, 25)
LOGISTIC_C = np.logspace(-4, 0, 9)


def make_data(n=900, d=20, seed=0, prevalence=(0.5, 0.3, 0.1)):
    """Records of patients with one to three each, and features that hold the labels."""
    rng = np.random.default_rng(seed)
    groups = np.sort(rng.integers(0, n // 2, size=n))
    y = (rng.random((n, 3)) < prevalence).astype(int)
    features = y @ rng.normal(size=(3, d)) + 2 * rng.normal(size=(n, d))
    folds = np.random.default_rng(1).integers(1, 11, size=n // 2)[groups]
    data = Bunch(
        data=rng.normal(size=(n, 2, 5)), target=y, target_names=NAMES, groups=groups, folds=folds
    )
    return features, data


@pytest.fixture(scope="module")
def ptbxl(data_dir):
    ecg = load_ptbxl(data_dir / "ptb-xl")
    fewer = {name: ecg[name][:400] for name in ("data", "target", "groups", "folds")}
    return Bunch(**ecg | fewer)


def part(data, features, folds):
    rows = np.isin(data.folds, folds) & data.target.any(axis=1)
    return features[rows], data.target[rows]


@pytest.mark.parametrize("d", [20, 700])
def test_ridge_path_is_sklearns_ridge_with_the_penalty_best_on_validation(d):
    features, data = make_data(d=d)
    train, valid, test = (part(data, features, f) for f in (range(1, 9), [9], [10]))
    scaler = StandardScaler().fit(train[0])
    fits = [Ridge(alpha=a).fit(scaler.transform(train[0]), 2 * train[1] - 1)
            for a in RIDGE_PENALTIES]  # fmt: skip
    aucs = [roc_auc_score(valid[1], m.predict(scaler.transform(valid[0]))) for m in fits]
    draw = evaluate_probe(features, data, fractions=(1.0,), n_resamples=10).best
    assert draw.regularization == RIDGE_PENALTIES[np.argmax(aucs)]
    expected = fits[np.argmax(aucs)].predict(scaler.transform(test[0]))
    np.testing.assert_allclose(draw.scores, expected, atol=1e-8)
    assert draw.auc.estimate == pytest.approx(roc_auc_score(test[1], expected))
    np.testing.assert_allclose(draw.class_auc, roc_auc_score(test[1], expected, average=None))


def test_without_validation_folds_the_penalty_is_sklearns_leave_one_out():
    features, data = make_data()
    draw = evaluate_probe(features, data, fractions=(1.0,), valid_folds=(), n_resamples=10).best
    train, test = (part(data, features, f) for f in (range(1, 9), [10]))
    scaler = StandardScaler().fit(train[0])
    model = RidgeClassifierCV(alphas=RIDGE_PENALTIES).fit(scaler.transform(train[0]), train[1])
    assert draw.regularization == model.alpha_
    np.testing.assert_allclose(draw.scores, model.decision_function(scaler.transform(test[0])))


def test_logistic_recipe_is_sklearns_one_vs_rest():
    features, data = make_data(n=500)
    draw = evaluate_probe(features, data, fractions=(1.0,), head="logistic", n_resamples=10).best
    train, valid, test = (part(data, features, f) for f in (range(1, 9), [9], [10]))
    scaler = StandardScaler().fit(train[0])
    values = {}
    for C in LOGISTIC_C:
        models = [
            LogisticRegression(C=C, max_iter=1000).fit(scaler.transform(train[0]), train[1][:, k])
            for k in range(3)
        ]
        values[C] = [
            np.column_stack([m.decision_function(scaler.transform(part_[0])) for m in models])
            for part_ in (valid, test)
        ]
    aucs = {C: roc_auc_score(valid[1], scores[0]) for C, scores in values.items()}
    assert aucs[draw.regularization] == pytest.approx(max(aucs.values()), abs=2e-3)
    assert np.corrcoef(draw.scores.ravel(), values[draw.regularization][1].ravel())[0, 1] > 0.999


def test_merl_recipe_learns_and_repeats():
    features, data = make_data(n=200)
    options = {"fractions": (1.0,), "n_resamples": 10}
    first = evaluate_probe(features, data, head="merl", **options).best
    again = evaluate_probe(features, data, head="merl", **options).best
    ridge = evaluate_probe(features, data, **options).best
    np.testing.assert_array_equal(first.scores, again.scores)
    assert 1 <= first.regularization <= 100
    assert first.auc.estimate > ridge.auc.estimate - 0.1


@pytest.mark.parametrize("head", ["ridge", "logistic"])
def test_test_labels_and_unlabeled_records_do_not_touch_the_fit(head):
    features, data = make_data(n=400)
    before = evaluate_probe(features, data, fractions=(0.2, 1.0), n_repeats=2, head=head)
    changed = Bunch(**data)
    test = (data.folds == 10) & data.target.any(axis=1)
    changed.target = data.target.copy()
    changed.target[test] = data.target[test][::-1]
    unlabeled = ~data.target.any(axis=1)
    features = np.where(unlabeled[:, None], 1e6, features)
    after = evaluate_probe(features, changed, fractions=(0.2, 1.0), n_repeats=2, head=head)
    for a, b in zip(before.repeats, after.repeats, strict=True):
        np.testing.assert_array_equal(a.scores, b.scores)
        assert a.regularization == b.regularization
    assert before.best.auc.estimate != after.best.auc.estimate


def test_features_are_computed_once_on_the_records_used():
    _, data = make_data()
    calls = []

    class Embedder:
        def transform(self, X):
            calls.append(len(X))
            return X.reshape(len(X), -1)

    result = evaluate_probe(Embedder(), data, fractions=(0.1, 1.0), n_repeats=2, n_resamples=10)
    assert calls == [int(data.target.any(axis=1).sum())]
    array = data.data.reshape(len(data.data), -1)
    same = evaluate_probe(array, data, fractions=(0.1, 1.0), n_repeats=2, n_resamples=10)
    np.testing.assert_array_equal(result.best.scores, same.best.scores)
    kept = evaluate_probe(Embedder(), data, fractions=(1.0,), labeled_only=False, n_resamples=10)
    assert calls[1] == len(data.target)
    assert len(kept.y_test) == (data.folds == 10).sum()


def drawn_patients(y, groups, fraction, n_repeats):
    """Patients to whom each repeat was fitted, and how many records.

    A feature is one patient, and so is a test record: its scores are those of no feature unless
    the patient was drawn.
    """
    patients, member = np.unique(groups, return_inverse=True)
    one = np.eye(len(patients))
    data = Bunch(
        data=np.zeros((len(y) + len(patients), 1, 1)),
        target=np.concatenate([y, np.add.outer(patients, np.arange(y.shape[1])) % 2]),
        target_names=NAMES[: y.shape[1]],
        groups=np.concatenate([groups, patients.max() + 1 + patients]),
        folds=np.repeat([1, 10], [len(y), len(patients)]),
    )
    result = evaluate_probe(
        np.concatenate([one[member], one]), data, fractions=(fraction,), n_repeats=n_repeats,
        valid_folds=(), labeled_only=False, n_resamples=2,
    )  # fmt: skip
    for repeat in result.repeats:
        away = np.abs(repeat.scores - np.median(repeat.scores, axis=0)).max(axis=1)
        yield patients[away > 1e-9], repeat.n_train


def test_draws_are_nested_in_training_patients_and_stratified():
    rng = np.random.RandomState(0)
    _, data = make_data(n=2000)
    y, groups = data.target, data.groups
    sizes, rare = [], []
    for patients, n_train in drawn_patients(y, groups, 0.1, 50):
        drawn = np.isin(groups, patients)
        assert n_train == drawn.sum()
        sizes.append(len(patients))
        rare.append(y[drawn, 2].sum())
    n_groups = len(np.unique(groups))
    assert max(sizes) - min(sizes) <= 1 and abs(np.mean(sizes) - n_groups / 10) <= 1
    # a plain draw of 10 % of the patients would vary more
    plain = [y[np.isin(groups, rng.choice(np.unique(groups), n_groups // 10, False)), 2].sum()
             for _ in range(50)]  # fmt: skip
    assert np.std(rare) < 0.7 * np.std(plain)
    assert np.mean(rare) == pytest.approx(y[:, 2].sum() / 10, rel=0.1)


def test_every_patient_is_drawn_equally_often():
    y = np.zeros((40, 3), dtype=int)
    y[:3, 0] = 1
    y[3:, 1] = 1
    y[::2, 2] = 1
    counts = np.zeros(40)
    for patients, _ in drawn_patients(y, np.arange(40), 0.25, 300):
        counts[patients] += 1
    assert np.all(np.abs(counts - 75) < 35)


def test_equal_seeds_give_equal_draws_for_every_model_and_n_jobs():
    features, data = make_data()
    options = {"fractions": (0.1, 1.0), "n_repeats": 2, "n_resamples": 20}
    one = evaluate_probe(features, data, **options)
    two = evaluate_probe(features, data, n_jobs=2, **options)
    other = evaluate_probe(features**3, data, **options)
    for a, b, c in zip(one.repeats, two.repeats, other.repeats, strict=True):
        np.testing.assert_array_equal(a.scores, b.scores)
        np.testing.assert_array_equal(a.auc.resamples, b.auc.resamples)
        assert a.n_train == c.n_train
    difference = compare(
        macro_auc, one.y_test, one.best.scores, other.best.scores, groups=one.groups_test
    )
    assert difference.estimate == pytest.approx(one.best.auc.estimate - other.best.auc.estimate)
    moved = evaluate_probe(features, data, random_state=1, **options)
    assert not np.array_equal(one.repeats[0].scores, moved.repeats[0].scores)


@pytest.mark.parametrize("head", ["ridge", "logistic", "merl"])
def test_a_class_absent_from_a_draw_is_named_and_scored_by_chance(head):
    features, data = make_data(n=600)
    train = np.isin(data.folds, range(1, 9))
    data.target[train, 2] = 0
    draw = evaluate_probe(features, data, fractions=(1.0,), head=head, n_resamples=10).best
    assert draw.absent == ("WPW",)
    assert draw.class_auc[2] == 0.5
    assert draw.auc.estimate == pytest.approx(draw.class_auc.mean())


def test_a_class_absent_from_test_is_left_out_by_name():
    features, data = make_data()
    data.target[data.folds == 10, 2] = 0
    with pytest.warns(UserWarning, match="WPW"):
        result = evaluate_probe(features, data, fractions=(1.0,), n_resamples=10)
    assert result.included.tolist() == [True, True, False]
    assert result.best.auc.estimate == pytest.approx(result.best.class_auc[:2].mean())


def test_tiny_fractions_and_numbers_of_records():
    features, data = make_data()
    result = evaluate_probe(features, data, fractions=(1e-6, 100), n_repeats=2, n_resamples=10)
    tiny, hundred = result.repeats[:2], result.repeats[2:]
    assert all(1 <= d.n_train <= 5 for d in tiny)
    assert all(np.isfinite(d.auc.estimate) for d in tiny)
    assert all(abs(d.n_train - 100) < 20 for d in hundred)


def test_counts_of_labels_are_found_under_their_names_and_larger_ones_left_out():
    features, data = make_data(n=400)
    n_train = len(part(data, features, range(1, 9))[0])
    message = f"{n_train} training records: 500, 1000 labels"
    with pytest.warns(UserWarning, match=message) as warned:
        result = evaluate_probe(
            features, data, fractions=(1000, 20, 171, 0.5, 500, 1.0), n_repeats=2, n_resamples=5
        )
    summary = result.summary()
    assert warned[0].filename == __file__
    assert summary.labels.tolist() == [20, 0.5, 171, 1]
    np.testing.assert_allclose(summary.n_train, summary.fraction * n_train, atol=8)
    assert summary.n_train.iloc[-1] == n_train
    assert [d.labels for d in result.at(171)] == [171, 171]
    assert result.at(171 / n_train) == result.at(171)
    assert result.best is result.at(1)[0] and result.auc is result.best.auc


def test_all_labels_by_number_are_all_labels_once():
    features, data = make_data(n=400)
    n_train = len(part(data, features, range(1, 9))[0])
    result = evaluate_probe(features, data, fractions=(n_train, 1.0), n_repeats=3, n_resamples=5)
    assert [d.labels for d in result.repeats] == [1.0]


def test_result_as_frames():
    features, data = make_data()
    result = evaluate_probe(features, data, fractions=(0.1, 1), n_repeats=3, n_resamples=20)
    frame = result.to_frame()
    assert list(frame.labels) == list(frame.fraction) == [0.1] * 3 + [1.0]
    assert list(frame.repeat) == [0, 1, 2, 0]
    assert ((frame.low <= frame.macro_auc) & (frame.macro_auc <= frame.high)).all()
    per_class = result.to_frame(per_class=True)
    means = per_class.groupby(["fraction", "repeat"]).auc.mean()
    np.testing.assert_allclose(means, frame.macro_auc)
    assert (per_class[per_class.target == "WPW"].n_positives == result.y_test[:, 2].sum()).all()
    assert result.summary()["count"].tolist() == [3, 1]
    assert len(result.at(0.1)) == 3
    with pytest.raises(ValueError, match=r"there are \[0.1, 1.0\]"):
        result.at(0.5)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"folds": None}, "no folds"),
        ({"features": np.zeros((3, 2))}, "one row for each"),
        ({"features": np.full((900, 2), np.nan)}, "not finite"),
        ({"fractions": (0,)}, "fractions"),
        ({"fractions": (10_000,)}, "fractions"),
        ({"fractions": ()}, "fractions"),
        ({"head": "svm"}, "svm"),
        ({"test_folds": 11}, "no test record"),
        ({"train_folds": ()}, "no training record"),
    ],
)
def test_wrong_input_is_named(change, message):
    features, data = make_data()
    change = dict(change)
    features = change.pop("features", features)
    if "folds" in change:
        data.folds = change.pop("folds")
    with pytest.raises(ValueError, match=message):
        evaluate_probe(features, data, **change)


CV = {"n_repeats": 2, "n_resamples": 10, "fractions": (30, 1.0)}


@pytest.mark.filterwarnings("ignore:The groups parameter is ignored")
@pytest.mark.parametrize("cv", [3, GroupShuffleSplit(3, random_state=0), "positions", "folds"])
def test_splits_of_any_kind_keep_patients_apart(cv):
    features, data = make_data(n=600)
    folds, data.folds = data.folds, None
    if cv == "positions":
        cv = list(GroupKFold(3).split(features, groups=data.groups))
    elif cv == "folds":
        cv = PredefinedSplit(np.clip(folds, 1, 3))
    result = evaluate_probe(features, data, cv=cv, **CV)
    assert len(result.splits) == 3 and result.scores.min() > 0.6
    assert result.mean == pytest.approx(result.scores.mean())
    assert result.std == pytest.approx(np.std(result.scores, ddof=1))
    for split, (train, test) in zip(
        result.splits, check_cv(cv if not isinstance(cv, int) else GroupKFold(cv)).split(
            features, groups=data.groups), strict=True,
    ):  # fmt: skip
        usable = data.target.any(axis=1)
        np.testing.assert_array_equal(split.test_index, test[usable[test]])
        assert not np.isin(split.groups_test, data.groups[train]).any()
        # a tenth of the patients of the training part is set aside
        assert split.best.n_train == pytest.approx(0.9 * usable[train].sum(), rel=0.06)
    frame = result.to_frame()
    assert frame.split.tolist() == sorted([0, 1, 2] * 3)
    assert result.summary()["count"].tolist() == [6, 3]
    again = evaluate_probe(features, data, cv=cv, **CV)
    np.testing.assert_array_equal(frame.macro_auc, again.to_frame().macro_auc)
    classes = result.to_frame(per_class=True)
    assert len(classes) == len(frame) * len(NAMES)


def test_splits_without_groups_and_with_few_labels():
    features, data = make_data(n=400)
    del data["groups"]
    result = evaluate_probe(features, data, cv=2, **CV)
    assert [split.groups_test for split in result.splits] == [None, None]
    assert sum(len(split.test_index) for split in result.splits) == data.target.any(axis=1).sum()
    with pytest.warns(UserWarning, match="5000 labels"):
        evaluate_probe(features, data, cv=2, **CV | {"fractions": (5000, 1.0)})


def test_patients_in_both_parts_are_an_error():
    features, data = make_data(n=400)
    with pytest.raises(ValueError, match=r"both parts of split 0.*GroupKFold"):
        evaluate_probe(features, data, cv=KFold(3, shuffle=True, random_state=0), **CV)
    with pytest.raises(ValueError, match="Split 0 has 0 patients"):
        evaluate_probe(features, data, cv=[(np.empty(0, int), np.arange(400))], **CV)


def test_real_recordings_in_cross_validation(ptbxl):
    pairs = (ptbxl.folds + 1) // 2
    result = evaluate_probe(
        SummaryFeatures().fit(ptbxl.data), ptbxl, cv=PredefinedSplit(pairs),
        fractions=(100, 1.0), n_repeats=2, n_resamples=10,
    )  # fmt: skip
    usable = ptbxl.target.any(axis=1)
    for k, split in enumerate(result.splits, start=1):
        np.testing.assert_array_equal(split.test_index, np.flatnonzero(usable & (pairs == k)))
    few, everything = result.summary()["mean"]
    assert 0.6 < few < everything and 0 < result.std < 0.1


class Stub:
    """A zero-shot classifier that reads the scores from the recordings."""

    def __init__(self, classes):
        self.classes_ = np.array(classes)

    def decision_function(self, X):
        return np.asarray(X)[:, 0, : len(self.classes_)]


def test_zero_shot_matches_classes_by_name():
    _, data = make_data()
    rows = (data.folds == 10) & data.target.any(axis=1)
    result = evaluate_zero_shot(Stub(["WPW", "NORM"]), data)
    scores = data.data[rows, 0]
    assert result.target_names == ["WPW", "NORM"]
    assert result.table.auc[0] == pytest.approx(roc_auc_score(data.target[rows, 2], scores[:, 0]))
    assert result.auc.estimate == pytest.approx(result.table.auc.mean())
    assert (result.test_index == np.flatnonzero(rows)).all()
    assert list(result.to_frame().columns[:2]) == ["target", "n_positives"]
    with pytest.warns(UserWarning, match="no such label: BIGU"):
        evaluate_zero_shot(Stub(["WPW", "BIGU", "NORM"]), data)
    with pytest.raises(ValueError, match="BIGU"):
        evaluate_zero_shot(Stub(["BIGU"]), data)
    with pytest.raises(ValueError, match="classes="):
        evaluate_zero_shot(Stub(["WPW", "NORM"]), data, classes=["WPW"])


def test_zero_shot_takes_one_column_for_two_exclusive_classes():
    _, data = make_data()

    class Binary(Stub):
        def decision_function(self, X):
            return np.asarray(X)[:, 0, 0]

    result = evaluate_zero_shot(Binary(["NORM", "MI"]), data, labeled_only=False)
    np.testing.assert_array_equal(result.scores[:, 0], -result.scores[:, 1])
    assert len(result.y_test) == (data.folds == 10).sum()
    data.folds = None
    assert len(evaluate_zero_shot(Binary(["NORM", "MI"]), data, labeled_only=False).y_test) == 900
