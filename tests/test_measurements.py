"""MeritMeasurements: rate, intervals, axis and voltages, of simulated recordings and real ones."""

import ast
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score

from merit_sk import ECGRecords, MeritEmbedder, MeritMeasurements
from merit_sk.datasets import load_ptbxl, make_ecg

NAMES = [
    "ventricular_rate", "pr_interval", "qrs_duration", "qt_interval", "qtc_interval", "qrs_axis",
    "sokolow_lyon", "cornell",
]  # fmt: skip
OWN = ["pr_interval", "qrs_duration", "qrs_axis"]
SINUS = {"NSR", "SRTH", "SBRAD", "MSBRAD", "STACH"}
BLOCKED = {"CHB", "SAV", "MBZI", "MBZII", "VAVB"}  # the sinus rate is not that of the ventricles


@pytest.fixture(scope="module")
def simulated():
    """Recordings that nothing was learned from, with electrodes where they belong."""
    ecg = make_ecg(250, random_state=5)
    right = np.flatnonzero(~ecg.frame.arms_swapped.to_numpy(bool))
    return ecg.data[right], ecg.frame.iloc[right].reset_index(drop=True)


@pytest.fixture(scope="module")
def measured(simulated):
    return MeritMeasurements().measure(simulated[0]).reset_index(drop=True)


@pytest.fixture(scope="module")
def few():
    return make_ecg(40, duration=3, noise=0, random_state=0)


def turn(a, b):
    return (a - b + 180) % 360 - 180


def error(a, b):
    both = a.notna() & b.notna()
    return (a - b)[both].abs().mean() / (b - b[both].mean())[both].abs().mean()


def test_measures_before_fit(simulated, measured):
    X = simulated[0]
    model = MeritMeasurements()
    y = model.predict(X[:3])
    assert y.shape == (3, len(NAMES)) and y.dtype == np.float64
    table = model.measure(X[:3])
    assert [*table] == NAMES and table.index.tolist() == X.record_names[:3].tolist()
    np.testing.assert_array_equal(table, y)
    np.testing.assert_array_equal(y, measured[:3])  # whatever is measured beside them
    fitted = clone(model).fit(X[:3])
    assert fitted.measurements_ == NAMES and fitted.n_features_in_ == 12
    np.testing.assert_array_equal(fitted.predict(X[:3]), y)


def test_close_to_the_truth(simulated, measured):
    """Error relative to that of the mean; floors leave room for other weights."""
    frame = simulated[1]
    assert error(measured.ventricular_rate, frame.ventricular_rate) < 0.1
    assert error(measured.pr_interval, frame.pr_interval) < 0.65
    assert error(measured.qrs_duration, frame.qrs_duration) < 0.8
    assert error(measured.qt_interval, frame.qt_interval) < 0.6
    assert turn(measured.qrs_axis, frame.qrs_axis).abs().median() < 12
    native = frame.qrs_duration == frame.qrs
    sokolow = frame.s_V1 + frame[["r_V5", "r_V6"]].max(axis=1)
    assert error(measured.sokolow_lyon[native], sokolow[native]) < 0.4
    assert error(measured.cornell[native], (frame.r_aVL + frame.s_V3)[native]) < 0.3
    rate = measured.ventricular_rate
    np.testing.assert_allclose(measured.qtc_interval, measured.qt_interval * np.sqrt(rate / 60))


def test_wide_and_long_ones_are_told():
    cases = ["NORM", "CLBBB", "PACE", "1AVB", "LNGQT", "LAFB", "LPFB"]
    ecg = make_ecg(15 * len(cases), statements=cases, random_state=7)
    found = MeritMeasurements().measure(ecg.data).groupby(cases * 15).median()
    assert found.qrs_duration[["CLBBB", "PACE"]].min() > found.qrs_duration["NORM"] + 25
    assert found.pr_interval["1AVB"] > 210 > 190 > found.pr_interval["NORM"]
    assert found.qtc_interval["LNGQT"] > found.qtc_interval["NORM"] + 25
    assert found.qrs_axis["LAFB"] < -30 and found.qrs_axis["LPFB"] > 75


def test_no_pr_without_a_conducted_p_wave():
    cases = ["SR", "AFIB", "AFLT", "3AVB", "PACE", "SVTAC"]
    ecg = make_ecg(12 * len(cases), statements=cases, random_state=3)
    given = MeritMeasurements().measure(ecg.data).pr_interval.notna().groupby(cases * 12).mean()
    assert given["SR"] > 0.9
    assert given.drop("SR").mean() < 0.25


def test_real_recordings_agree_with_12sl(data_dir):
    ecg = load_ptbxl(data_dir / "ptb-xl")
    said = pd.read_csv(
        data_dir / "metadata" / "ptbxl_12sl_statements_text_en.csv", index_col="ecg_id"
    )
    every_other = np.arange(0, len(ecg.data), 2)
    said = [set(ast.literal_eval(x)) for x in said.statements[ecg.frame.index[every_other]]]
    found = MeritMeasurements().measure(ecg.data[every_other])

    sinus = np.array([bool(SINUS & one) and not BLOCKED & one for one in said])

    def auc(score, codes, among=True):
        y = np.array([bool(codes & one) for one in said])
        kept = score.notna().to_numpy() & among
        return roc_auc_score(y[kept], score[kept])

    assert auc(-found.ventricular_rate, {"SBRAD", "MSBRAD"}, sinus) > 0.97
    assert auc(found.ventricular_rate, {"STACH"}, sinus) > 0.97
    assert auc(found.pr_interval, {"FAV"}) > 0.9
    assert auc(found.qrs_duration, {"LBBB", "RBBB", "IVCB", "BIFB"}) > 0.88
    assert auc(found.qtc_interval, {"LNGQT"}) > 0.7
    assert auc(-turn(found.qrs_axis, 60), {"LAD3", "AFB"}) > 0.93
    assert auc(found.sokolow_lyon, {"SOKOLYON"}) > 0.93
    assert auc(found.pr_interval.isna().astype(float), {"AFIB", "FLUT"}) > 0.75
    assert 130 < found.pr_interval.median() < 190 and 80 < found.qrs_duration.median() < 115


@pytest.mark.filterwarnings("ignore:the recordings lack")
def test_what_leads_do_not_show_is_nan(simulated):
    X, frame = simulated[0][:60], simulated[1][:60]
    array = np.asarray(X)
    one = MeritMeasurements().measure(array[:, 0])
    assert one[["qrs_axis", "sokolow_lyon", "cornell"]].isna().all(axis=None)
    assert error(one.ventricular_rate, frame.ventricular_rate) < 0.3
    limb = MeritMeasurements().measure(
        ECGRecords.from_array(array[:, :2], sampling_rate=100, lead_names=["I", "II"])
    ).reset_index(drop=True)  # fmt: skip
    assert limb[["sokolow_lyon", "cornell"]].isna().all(axis=None)
    assert turn(limb.qrs_axis, frame.qrs_axis).abs().median() < 15
    assert error(limb.qt_interval, frame.qt_interval) < 0.75
    flat = MeritMeasurements().measure(np.zeros((1, 12, 1000)))
    assert flat.isna().all(axis=None)


def test_long_recordings_are_measured_by_their_windows():
    minute = make_ecg(2, statements=["SBRAD", "STACH"], duration=60, random_state=0)
    found = MeritMeasurements().measure(minute.data)
    truth = minute.frame.ventricular_rate.to_numpy()
    np.testing.assert_allclose(found.ventricular_rate, truth, rtol=0.03)
    array = np.asarray(minute.data)
    parts = MeritMeasurements().measure(np.concatenate(np.split(array, 6, axis=2)))
    by_window = parts.groupby([0, 1] * 6).mean()
    np.testing.assert_allclose(found.qt_interval, by_window.qt_interval, rtol=0.03)
    np.testing.assert_allclose(found.cornell, by_window.cornell, rtol=0.1)


def test_learns_what_you_measured(simulated):
    X, frame = simulated
    train, test = np.arange(200), np.arange(200, len(X))
    model = MeritMeasurements().fit(X[train], frame[OWN].iloc[train])
    assert model.measurements_ == OWN
    found, y = model.measure(X[test]).reset_index(drop=True), frame.iloc[test].reset_index()
    assert error(found.qrs_duration, y.qrs_duration) < 0.95
    assert turn(found.qrs_axis, y.qrs_axis).abs().median() < 25
    assert found.pr_interval.isna()[y.pr_interval.isna()].mean() > 0.4
    assert found.pr_interval.notna()[y.pr_interval.notna()].mean() > 0.9
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X[:5]), model.predict(X[:5]))


def test_arrays_and_single_columns(few):
    y = few.frame.qrs_duration
    model = MeritMeasurements().fit(few.data, y)
    assert model.measurements_ == ["qrs_duration"] and model.predict(few.data).shape == (40,)
    np.testing.assert_array_equal(model.predict(few.data), model.measure(few.data).qrs_duration)
    two = MeritMeasurements().fit(few.data, few.frame[["qrs", "qt"]].to_numpy())
    assert two.measurements_ == ["y0", "y1"] and two.predict(few.data).shape == (40, 2)


@pytest.mark.parametrize("rate", [100, 500])
def test_measures_before_fit_with_parameters_of_an_embedder(rate):
    ecg = make_ecg(3, sampling_rate=rate, random_state=1)
    model = MeritMeasurements(MeritEmbedder(sampling_rate=rate))
    found = model.measure(np.asarray(ecg.data))
    np.testing.assert_array_equal(found, MeritMeasurements().measure(ecg.data))
    np.testing.assert_array_equal(found, model.predict(np.asarray(ecg.data)))
    np.testing.assert_array_equal(found, model.fit(np.asarray(ecg.data)).measure(ecg.data))


def test_an_embedder_that_is_to_be_trained_is_not_measured_with(few):
    for embedder in (MeritEmbedder(max_epochs=1), MeritEmbedder(pretrained=None)):
        with pytest.raises(NotFittedError, match="Call 'fit'"):
            MeritMeasurements(embedder).measure(few.data)


def test_weights_keep_what_was_learned(fitted, few, tmp_path):
    with pytest.raises(ValueError, match="hold no measurements: pass y="):
        MeritMeasurements(fitted).predict(few.data)
    with pytest.raises(NotFittedError):
        MeritMeasurements(MeritEmbedder(pretrained=None)).predict(few.data)
    fitted.save_pretrained(tmp_path)
    embedder = MeritEmbedder.from_pretrained(tmp_path)
    own = MeritMeasurements(embedder).fit(few.data, few.frame[OWN])
    embedder.measurements_ = own.learned_
    embedder.save_pretrained(tmp_path)
    found = MeritMeasurements(tmp_path).measure(few.data)
    same = ["pr_interval", "qrs_duration"]
    np.testing.assert_array_equal(found[same], own.measure(few.data)[same])
    assert [*found] == ["ventricular_rate", *OWN, "sokolow_lyon", "cornell"]
    more = MeritEmbedder(tmp_path, max_epochs=1, random_state=0).fit(few.data)
    assert more.measurements_ is None  # other features by now


def test_saved_and_loaded(few, tmp_path):
    own = MeritMeasurements().fit(few.data, few.frame[OWN])
    for name, model in {"own": own, "box": MeritMeasurements().fit(few.data)}.items():
        model.save_pretrained(tmp_path / name)
        again = MeritMeasurements.from_pretrained(tmp_path / name)
        assert again.measurements_ == model.measurements_
        np.testing.assert_array_equal(again.predict(few.data), model.predict(few.data))
        np.testing.assert_array_equal(clone(again).fit(few.data, few.frame[OWN]).predict(few.data),
                                      own.predict(few.data))  # fmt: skip


def test_what_cannot_be_learned(few):
    model = MeritMeasurements().fit(few.data, few.frame.qt)
    y = few.frame[["qt", "qrs"]].assign(nothing=np.nan)
    with pytest.raises(ValueError, match="no value of 'nothing': leave it out"):
        model.fit(few.data, y)
    assert model.measurements_ == ["qt"]  # as it was
    with pytest.raises(ValueError, match="inconsistent numbers"):
        model.fit(few.data, few.frame.qt[:-1])
    with pytest.raises(ValueError, match="infinity"):
        model.fit(few.data, few.frame.qt.replace(few.frame.qt[3], np.inf))


def test_the_simulator_knows_intervals_of_the_dominant_beat():
    cases = ["NORM", "AFIB", "CLBBB", "PACE", "3AVB", ("PVC", "1AVB")]
    frame = make_ecg(10 * len(cases), statements=cases, random_state=0).frame
    kind = pd.Series([case if isinstance(case, str) else case[0] for case in cases] * 10)
    by = {name: frame[(kind == name).to_numpy()] for name in kind.unique()}
    for name in ("AFIB", "PACE", "3AVB"):
        assert by[name].pr_interval.isna().all()
    assert by["PVC"].pr_interval.between(205, 340).all()
    assert (by["PVC"].qrs_duration == by["PVC"].qrs).all()  # not of the premature beats
    assert (by["PACE"].qrs_duration == by["PACE"].paced_qrs).all()
    assert (by["CLBBB"].qrs_duration >= 120).all()
    assert (by["PACE"].qt_interval > by["PACE"].qt + 20).all()
    normal = by["NORM"].iloc[0]
    first = np.array([t - normal.p_times[normal.p_times < t].max() for t in normal.qrs_times[1:]])
    assert normal.pr_interval == pytest.approx(np.median(first) * 1000, abs=2)
    assert normal.qt_interval == pytest.approx(normal.qt, rel=0.05)
    assert turn(by["PACE"].qrs_axis, by["PACE"].axis).abs().median() > 20
