import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score
from sklearn.utils import Bunch

from merit_sk.evaluation import category_map, evaluate_shift, evaluate_zero_shot, map_scores

SUPERCLASSES = {"NORM", "MI", "STTC", "CD", "HYP"}
CPSC2018 = {"NORM", "AFIB", "1AVB", "CLBBB", "CRBBB", "PAC", "VPC", "STD", "STE"}
PAIRS = [("ptbxl", "cpsc2018"), ("ptbxl", "csn"), ("cpsc2018", "csn")]


@pytest.mark.parametrize("version", ["published", "corrected"])
@pytest.mark.parametrize("source, target", PAIRS + [pair[::-1] for pair in PAIRS])
def test_maps_read_both_ways(source, target, version):
    forward = category_map(source, target, version=version)
    backward = category_map(target, source, version=version)
    pairs = {(a, b) for a, others in forward.items() for b in others}
    assert pairs == {(a, b) for b, others in backward.items() for a in others}
    names = {"ptbxl": SUPERCLASSES, "cpsc2018": CPSC2018}
    if source in names:
        assert set(forward) <= names[source]
    if target in names:
        assert {b for _, b in pairs} <= names[target]
    assert all(forward.values())


def test_corrections():
    published, corrected = (
        category_map("ptbxl", "csn", version=v) for v in ("published", "corrected")
    )
    assert "STDD" in published["CD"] and "STDD" not in corrected["CD"]
    assert "STDD" in corrected["STTC"]
    assert "NORM" not in corrected
    for pair in PAIRS:
        seen = [b for others in category_map(*pair).values() for b in others]
        assert len(seen) == len(set(seen))


def test_published_overlaps():
    def overlap(source, target):
        forward = category_map(source, target, version="published")
        return {b for others in forward.values() for b in others}

    assert overlap("ptbxl", "cpsc2018") == {"NORM", "1AVB", "CRBBB", "CLBBB", "STE", "STD"}
    assert overlap("cpsc2018", "ptbxl") == {"NORM", "CD", "STTC"}
    assert overlap("csn", "ptbxl") == SUPERCLASSES
    assert len(overlap("ptbxl", "csn")) == 17
    assert overlap("csn", "cpsc2018") == CPSC2018


def test_unknown_maps_are_named():
    with pytest.raises(ValueError, match="mimic"):
        category_map("ptbxl", "mimic")
    with pytest.raises(ValueError, match="version"):
        category_map("ptbxl", "csn", version="merl")


def test_map_scores_takes_the_largest_source():
    scores = np.array([[1.0, 2.0, 5.0], [3.0, 0.0, 5.0]])
    mapped, names = map_scores(scores, ["1AVB", "LBBB", "AFIB"], {"1AVB": ("CD",), "LBBB": ("CD",)})
    assert names == ["CD"]
    assert mapped.tolist() == [[2.0], [3.0]]
    with pytest.raises(ValueError, match="WPW"):
        map_scores(scores, ["1AVB", "LBBB", "AFIB"], {"WPW": ("CD",)})


def two_sets(seed=0):
    rng = np.random.default_rng(seed)
    y, z = rng.integers(0, 2, size=(600, 3)), rng.integers(0, 2, size=(300, 4))
    mixing = rng.normal(size=(3, 10))
    here = Bunch(
        data=y @ mixing + rng.normal(size=(600, 10)),
        target=y,
        target_names=["CD", "MI", "HYP"],
        folds=np.arange(600) % 10 + 1,
    )
    meaning = np.column_stack([z[:, 0] | z[:, 1], z[:, 2], z[:, 3]])
    there = Bunch(
        data=meaning @ mixing + rng.normal(size=(300, 10)),
        target=z,
        target_names=["1AVB", "LBBB", "MI", "LVH"],
        groups=np.arange(300) // 2,
    )
    return here, there


class Identity:
    def transform(self, X):
        return X


def test_transferred_probe_is_judged_on_shared_classes_only():
    here, there = two_sets()
    mapping = {"CD": ("LBBB", "1AVB"), "MI": ("MI",)}
    result = evaluate_shift(Identity(), here, there, mapping=mapping)
    assert result.target_names == ["LBBB", "1AVB", "MI"]
    assert result.auc.estimate == pytest.approx(result.table.auc.mean())
    assert (result.scores[:, 0] == result.scores[:, 1]).all()
    rows = there.target.any(axis=1)
    train = np.isin(here.folds, range(1, 9)) & here.target.any(axis=1)
    simple = Ridge().fit(here.data[train], here.target[train]).predict(there.data[rows])
    assert result.table.auc[2] == pytest.approx(
        roc_auc_score(there.target[rows, 2], simple[:, 1]), abs=0.02
    )
    arrays = evaluate_shift((here.data, there.data), here, there, mapping=mapping)
    np.testing.assert_array_equal(arrays.scores, result.scores)


def test_target_labels_do_not_touch_the_probe():
    here, there = two_sets()
    mapping = {"CD": ("LBBB", "1AVB"), "MI": ("MI",)}
    result = evaluate_shift(Identity(), here, there, mapping=mapping)
    there.target = there.target[:, [2, 1, 0, 3]]
    np.testing.assert_array_equal(
        evaluate_shift(Identity(), here, there, mapping=mapping).scores, result.scores
    )


def test_zero_shot_shift_judges_the_same_classes(monkeypatch):
    here, there = two_sets()
    asked = []

    class Zero:
        def __init__(self, embedder, *, classes, multi_label):
            asked.append(classes)
            self.classes_ = np.array(list(classes))

        def fit(self, X):
            return self

        def decision_function(self, X):
            return X[:, : len(self.classes_)]

    monkeypatch.setattr("merit_sk.MeritZeroShotClassifier", Zero)
    mapping = {"CD": ("LBBB", "1AVB"), "MI": ("MI",)}
    result = evaluate_shift(Identity(), here, there, mapping=mapping, protocol="zero_shot")
    probe = evaluate_shift(Identity(), here, there, mapping=mapping)
    assert result.target_names == probe.target_names
    np.testing.assert_array_equal(result.y_test, probe.y_test)
    phrases = {"LBBB": ["left bundle branch block"], "1AVB": ["av block"], "MI": ["infarction"]}
    evaluate_shift(Identity(), here, there, mapping=mapping, protocol="zero_shot", classes=phrases)
    assert asked == [["LBBB", "1AVB", "MI"], phrases]
    assert evaluate_zero_shot(Identity(), there).target_names == there.target_names


def test_classes_missing_from_the_target_are_named():
    here, there = two_sets()
    mapping = {"CD": ("LBBB", "WPW"), "MI": ("MI",)}
    with pytest.warns(UserWarning, match="WPW"):
        result = evaluate_shift(Identity(), here, there, mapping=mapping)
    assert result.target_names == ["LBBB", "MI"]
    with pytest.raises(ValueError, match="protocol"):
        evaluate_shift(Identity(), here, there, mapping=mapping, protocol="finetune")


def test_splits_of_the_source_score_the_whole_target():
    here, there = two_sets()
    mapping = {"CD": ("LBBB", "1AVB"), "MI": ("MI",)}
    del here["folds"]
    result = evaluate_shift(Identity(), here, there, mapping=mapping, cv=4, n_resamples=10)
    assert len(result.splits) == 4 and result.std > 0
    for split in result.splits:
        assert split.target_names == ["LBBB", "1AVB", "MI"]
        assert len(split.y_test) == there.target.any(axis=1).sum()
        assert split.auc.estimate == pytest.approx(split.table.auc.mean())
    summary = result.summary().set_index("target")
    assert summary["count"].tolist() == [4, 4, 4]
    frame = result.to_frame()
    np.testing.assert_allclose(summary["mean"], frame.groupby("target", sort=False).auc.mean())
    with pytest.raises(ValueError, match="trains nothing"):
        evaluate_shift(Identity(), here, there, mapping=mapping, cv=4, protocol="zero_shot")
