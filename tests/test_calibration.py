"""Learning, saving and using the zero-shot calibration of weights."""

import json
import pickle

import numpy as np
import pytest

from merit_sk import MeritEmbedder, MeritZeroShotClassifier
from merit_sk.datasets import make_ecg
from merit_sk.estimators import calibrate_zero_shot
from merit_sk.statements import PTBXL_STATEMENTS, task_members

FREQUENT, RARE = ["AFIB", "SBRAD", "STACH", "CLBBB", "CRBBB"], "WPW"


@pytest.fixture(scope="module")
def embedder():
    return MeritEmbedder.from_pretrained("merit-tiny", cache=True)


@pytest.fixture(scope="module")
def labeled():
    """Simulated recordings: five frequent statements, a rare one, and some of none."""
    kinds = FREQUENT * 16 + [RARE] * 2 + ["NORM"] * 40
    ecg = make_ecg(len(kinds), statements=kinds, task="all", random_state=0)
    names = [*FREQUENT, RARE, "NORM", "AFLT"]
    return ecg.data, ecg.target[:, [ecg.target_names.index(n) for n in names]], names


@pytest.fixture(scope="module")
def calibration(embedder, labeled):
    X, y, names = labeled
    return calibrate_zero_shot(embedder, X, y, names)


@pytest.fixture
def calibrated(embedder, calibration):
    own = MeritEmbedder.from_pretrained("merit-tiny", cache=embedder.cache)
    own.zero_shot_ = calibration
    return own


@pytest.mark.parametrize("language", ["en", "de", "auto"])
def test_mean_probability_is_the_prevalence(calibrated, labeled, language):
    X, y, names = labeled
    zero = MeritZeroShotClassifier(calibrated, classes=names, language=language).fit(X)
    gap = zero.predict_proba(X).mean(axis=0) - y.mean(axis=0)
    assert np.abs(gap[:-1]).max() < (0.01 if language != "auto" else 0.04)
    assert 0 < zero.predict_proba(X)[:, -1].mean() < 0.5 / 100  # of AFLT there is no recording


def test_rare_statements_have_the_slopes_of_frequent_ones(calibration):
    curves = calibration["statements"]
    for language in ("en", "de"):
        frequent = np.array([curves[name][language][:2] for name in FREQUENT])
        for name, near in (("AFLT", 0.15), (RARE, 0.3)):
            slope = curves[name][language][0]
            assert slope == pytest.approx(np.median(frequent[:, 0]), rel=near)
        assert curves["AFLT"][language][3] == pytest.approx(calibration["phrase"][2])


def test_points_are_those_of_the_highest_f1(calibrated, labeled):
    X, y, names = labeled
    zero = MeritZeroShotClassifier(calibrated, classes=names, language="en").fit(X)
    p, found = zero.predict_proba(X), zero.predict(X)

    def f1(found, y):
        return 2 * (found & y).sum() / (found.sum() + y.sum())

    for k in range(len(FREQUENT)):
        best = max(f1(p[:, k] >= point, y[:, k]) for point in p[:, k])
        assert f1(found[:, k], y[:, k]) > best - 0.1


def test_slopes_are_corrected_by_what_pretraining_did_not_see(embedder, labeled, calibration):
    X, y, names = labeled
    unseen = np.arange(len(y)) % 3 == 0
    shuffled = y.copy()  # the new recordings agree less with their statements
    wrong = np.flatnonzero(unseen)[::2]
    shuffled[wrong] = np.random.default_rng(0).permutation(y[wrong])
    corrected = calibrate_zero_shot(embedder, X, shuffled, names, unseen=unseen)
    plain = calibrate_zero_shot(embedder, X, shuffled, names)
    factors = corrected["learned_on"]["slope factor"]
    assert max(factors.values()) < 0.9
    assert plain["learned_on"]["slope factor"] == {"en": 1.0, "de": 1.0}
    for language, factor in factors.items():
        a, b = (c["statements"]["AFIB"][language] for c in (corrected, plain))
        assert a[0] == pytest.approx(factor * b[0], rel=1e-3)
    assert corrected["learned_on"]["unseen in pretraining"] == unseen.sum()


def test_it_is_saved_and_loaded_with_the_weights(calibrated, labeled, calibration, tmp_path):
    assert json.loads(json.dumps(calibration)) == calibration
    calibrated.save_pretrained(tmp_path)
    X, _, names = labeled
    expected = MeritZeroShotClassifier(calibrated, classes=names).fit(X).predict_proba(X)
    zero = MeritZeroShotClassifier(tmp_path, classes=names).fit(X)
    assert zero.calibration_ == calibration
    np.testing.assert_allclose(zero.predict_proba(X), expected, rtol=1e-4)
    again = pickle.loads(pickle.dumps(zero))
    np.testing.assert_allclose(again.predict_proba(X), expected, rtol=1e-4)
    broken = MeritEmbedder.from_pretrained(tmp_path)
    broken.zero_shot_ = {"phrase": [1, 2, 0.5]}
    with pytest.raises(ValueError, match="calibration of the weights is damaged"):
        MeritZeroShotClassifier(broken, classes=names).fit(X)


def test_the_weights_in_the_box_are_calibrated(embedder):
    found = embedder.zero_shot_
    assert set(found["statements"]) == set(PTBXL_STATEMENTS)
    for curves in found["statements"].values():
        assert set(curves) == {"en", "de"}
        assert all(slope > 0 and 0 < point < 1 for slope, _, _, point in curves.values())
    wanted = {m for m in task_members("superclass").values() if len(m) > 1}
    wanted |= {m for m in task_members("subclass").values() if len(m) > 1}
    assert set(found["unions"]) == {" ".join(sorted(m)) for m in wanted}
    assert all(0 < p < 1 for points in found["unions"].values() for p in points.values())


def test_more_pretraining_forgets_it(ecg):
    embedder = MeritEmbedder(max_epochs=1, random_state=0).fit(ecg.data, reports=ecg.reports)
    assert embedder.zero_shot_ is None


def test_errors_say_what_is_wrong(embedder, labeled):
    X, y, names = labeled
    with pytest.raises(ValueError, match="no statements of PTB-XL: MI"):
        calibrate_zero_shot(embedder, X, y[:, :1], ["MI"])
    with pytest.raises(ValueError, match="one column for each of 2 statements"):
        calibrate_zero_shot(embedder, X, y[:, :1], names[:2])
    with pytest.raises(ValueError, match="more labeled recordings"):
        calibrate_zero_shot(embedder, X[:5], y[:5], names)
