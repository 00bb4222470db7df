"""Explanations: they follow the finding, the model, and the recording as it is given."""

import matplotlib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from merit_sk import ECGRecords, MeritEmbedder, MeritZeroShotClassifier
from merit_sk.datasets import load_ptbxl, make_ecg
from merit_sk.inspection import ExplanationDisplay, explain
from merit_sk.signals import find_beats

matplotlib.use("agg")
PARTS = ["P", "PR", "QRS", "ST", "T", "TP"]


@pytest.fixture(scope="module")
def zero():
    ecg = make_ecg(2, random_state=0).data
    return MeritZeroShotClassifier(classes=["CRBBB", "1AVB", "NDT", "AFIB", "IMI"]).fit(ecg)


class Amplitude(ClassifierMixin, BaseEstimator):
    """Scores the height of one lead in samples 200 to 300; knows nothing else."""

    def __init__(self, lead=3, sampling_rate=None, leads=None):
        self.lead = lead
        self.sampling_rate = sampling_rate
        self.leads = leads

    def fit(self, X, y=None):
        self.classes_ = np.array(["low", "high"])
        return self

    def decision_function(self, X):
        return np.stack([np.atleast_2d(x)[self.lead, 200:300].max() for x in X])


@pytest.mark.parametrize("rate", [100, 500])
def test_beats_are_where_the_simulator_put_them(rate):
    ecg = make_ecg(60, sampling_rate=rate, random_state=1)
    there, found, right = 0, 0, 0
    for x, onsets in zip(ecg.data, ecg.frame.qrs_times, strict=True):
        beats, middles = find_beats(x, rate), np.asarray(onsets) + 0.05
        there, found = there + len(middles), found + len(beats)
        right += sum(np.abs(middles - beat).min() < 0.12 for beat in beats)
    assert right / there > 0.97 and right / found > 0.98


def test_beats_do_not_depend_on_the_unit():
    x = np.asarray(make_ecg(1, random_state=0).data[0])
    np.testing.assert_array_equal(find_beats(x, 100), find_beats(1000 * x, 100))


def test_no_beats():
    assert find_beats(np.zeros((12, 1000)), 100).size == 0
    assert find_beats(np.ones((12, 30)), 100).size == 0
    with pytest.raises(ValueError, match="at least 50 Hz"):
        find_beats(np.zeros((12, 1000)), 25)
    with pytest.raises(ValueError, match="n_leads, n_times"):
        find_beats(np.zeros(1000), 100)


@pytest.mark.parametrize(
    ("code", "parts"), [("CRBBB", ["QRS"]), ("1AVB", ["P", "PR"]), ("NDT", ["ST", "T"])]
)
def test_simulated_findings_are_found_where_they_are(zero, code, parts):
    ecg = make_ecg(8, statements=[code], random_state=3).data
    told = explain(zero, ecg, [code])
    assert told.classes == [code] and told.values.shape == (8, 1, 12, 6)
    together = told.together[:, 0].mean(axis=0)
    assert together[[PARTS.index(p) for p in parts]].sum() > 0.6 * together.clip(0).sum()
    if code == "CRBBB":  # R' in V1, S in I and V6
        most = told.lead_names[np.median(told.values[:, 0, :, 2], axis=0).argmax()]
        assert most in ("V1", "I", "V6")


def test_real_bundle_branch_blocks_are_in_the_qrs(zero, data_dir):
    ecg = load_ptbxl(data_dir / "ptb-xl", task="all")
    block = ecg.target[:, ecg.target_names.index("CRBBB")] == 1
    together = explain(zero, ecg.data[block][:10], ["CRBBB"]).together[:, 0].mean(axis=0)
    assert together[2] > 0.7 * together.clip(0).sum()


def test_a_model_that_looks_at_one_lead_and_time():
    ecg = make_ecg(3, statements=["NORM"], random_state=0).data
    told = explain(Amplitude(lead=3).fit(ecg), ecg, by="time", step=0.5)
    seen = told.values[:, 0].any(axis=0)
    assert seen.any() and not np.delete(seen, 3, axis=0).any()
    assert not seen[3, :4].any() and not seen[3, 6:].any()
    np.testing.assert_array_equal(told.values[:, 0, 3], told.together[:, 0])
    assert told.classes == ["high"] and told.over_time(0).shape == (12, 1000)


def test_a_constant_model_has_no_map():
    ecg = make_ecg(4, random_state=0).data
    model = DummyClassifier().fit(np.zeros((4, 1)), [0, 1, 1, 1])
    told = explain(model, ecg)
    assert told.classes == ["1"] and not told.values.any() and not told.together.any()


def test_other_weights_another_map(zero):
    ecg = make_ecg(6, statements=["CRBBB"], random_state=3).data
    y = np.arange(6) % 2
    maps = []
    for seed in (0, 1):
        random = MeritEmbedder(pretrained=None, max_epochs=0, random_state=seed).fit(ecg)
        clf = make_pipeline(random, LogisticRegression()).fit(ecg, y)
        maps.append(explain(clf, ecg).values.ravel())
    right = explain(zero, ecg, ["CRBBB"]).values.ravel()
    assert max(abs(np.corrcoef(right, other)[0, 1]) for other in maps) < 0.5


def test_pipelines_and_arrays(zero):
    ecg = make_ecg(4, random_state=5).data
    clf = make_pipeline(MeritEmbedder(), LogisticRegression()).fit(ecg, ["a", "b", "b", "a"])
    told = explain(clf, ecg)
    assert told.classes == ["b"]
    np.testing.assert_allclose(told.scores[:, 0], clf.decision_function(ecg))
    again = explain(clf, np.asarray(ecg))
    np.testing.assert_array_equal(told.values, again.values)
    three = make_pipeline(MeritEmbedder(), LogisticRegression()).fit(ecg, ["a", "b", "c", "a"])
    assert explain(three, ecg).classes == ["a", "b", "c"]
    some = explain(three, ecg, "c")
    np.testing.assert_array_equal(some.values[:, 0], explain(three, ecg).values[:, 2])


def test_one_recording_is_explained_as_among_others(zero):
    ecg = make_ecg(3, random_state=5).data
    np.testing.assert_allclose(explain(zero, ecg).values[1], explain(zero, ecg[1:2]).values[0],
                               atol=1e-4)  # fmt: skip


def test_leads_and_rates_of_arrays():
    ecg = make_ecg(2, sampling_rate=250, random_state=0).data
    order = ["V1", "II", "I"]
    few = np.asarray(ecg)[:, [ecg.lead_names.index(lead) for lead in order]]
    model = Amplitude(0, sampling_rate=250, leads=order).fit(few)
    told = explain(model, few)
    assert set(told.lead_names) == set(order) and told.sampling_rate == 250
    assert told.values[:, 0, told.lead_names.index("V1")].any()
    assert not told.values[:, 0, told.lead_names.index("II")].any()
    single = explain(Amplitude(0).fit(few), np.asarray(ecg)[:, 1, ::2])
    assert single.lead_names == ["I"] and single.values.shape == (2, 1, 1, 6)


def test_own_reference(zero):
    ecg = make_ecg(2, statements=["CRBBB"], random_state=0).data
    same = ECGRecords.from_array(np.asarray(ecg)[:1], sampling_rate=100)
    told = explain(zero, ecg[:1], ["CRBBB"], reference=same)
    assert abs(told.everything[0, 0]) < abs(explain(zero, ecg[:1], ["CRBBB"]).everything[0, 0])
    flat = ECGRecords.from_array(np.zeros((2, 12, 1000)), sampling_rate=100)
    with pytest.raises(ValueError, match="no beat is found in the reference"):
        explain(zero, ecg, reference=flat)


def test_flat_recordings_are_explained_too(zero):
    told = explain(zero, ECGRecords.from_array(np.zeros((1, 12, 1000)), sampling_rate=100))
    assert np.isfinite(told.values).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"classes": ["WPW"]}, "no class WPW"), ({"by": "beat"}, 'by must be "part" or "time"')],
)
def test_errors(zero, options, message):
    with pytest.raises(ValueError, match=message):
        explain(zero, make_ecg(1, random_state=0).data, **options)


def test_nothing_to_explain(zero):
    with pytest.raises(ValueError, match="no recording"):
        explain(zero, make_ecg(1, random_state=0).data[:0])
    with pytest.raises(ValueError, match="MeritEmbedder is no classifier"):
        explain(MeritEmbedder(), make_ecg(1, random_state=0).data)


def test_display(zero):
    ecg = make_ecg(2, statements=["CRBBB"], random_state=3).data
    told = explain(zero, ecg)
    frame = told.to_frame(1, "CRBBB")
    assert list(frame.columns) == PARTS and list(frame.index) == [*ecg.lead_names, "together"]
    display = ExplanationDisplay(told, ecg, index=1, label="CRBBB").plot()
    assert display.label_ == "CRBBB" and display.ax_.get_title(loc="left").startswith("CRBBB")
    bands = [np.asarray(image.get_array())[..., 3].max() for image in display.ax_.images]
    most = told.over_time(1, "CRBBB").max(axis=1).argmax()
    assert len(bands) == 13 and np.argmax(bands) == most
    assert len(display.table_ax_.images) == 1
    from matplotlib import pyplot as plt

    ax = plt.figure().add_subplot()
    display = ExplanationDisplay.from_estimator(zero, ecg, -1, by="time", ax=ax)
    assert display.ax_ is ax and display.table_ax_ is None
    with pytest.raises(ValueError, match="'WPW' is not explained"):
        told.to_frame(0, "WPW")
    plt.close("all")
