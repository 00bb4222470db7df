"""Bad input gets an early error that names the remedy, or a warned repair."""

import warnings

import numpy as np
import pytest

from merit_sk import (
    ECGRecords,
    MeritEmbedder,
    MeritMeasurements,
    MeritReportGenerator,
    MeritZeroShotClassifier,
)
from merit_sk.datasets import make_ecg
from merit_sk.estimators import XResNetClassifier


def changed(parameters, **changes):
    return MeritEmbedder(**(parameters | changes))


@pytest.fixture
def X(ecg):
    return np.asarray(ecg.data).copy()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_invalid_samples_name_the_record(tiny, fitted, X, bad):
    X[7, 3, 50:53] = bad
    with pytest.raises(ValueError, match=r"NaN or infinite samples in record 7"):
        changed(tiny).fit(X)
    with pytest.raises(ValueError, match=r"record 7"):
        fitted.transform(X)


def test_invalid_samples_are_repaired_on_request(tiny, X):
    X[7, 3, 50:53] = np.nan
    with pytest.warns(UserWarning, match="3 NaN or infinite samples in record 7"):
        embedder = changed(tiny, on_invalid="repair").fit(X)
    with pytest.warns(UserWarning, match="were interpolated"):
        assert np.isfinite(embedder.transform(X)).all()


def test_flat_leads_are_counted(tiny, X):
    X[3] = 0
    X[4, 0] = 1.5
    with pytest.warns(UserWarning, match="13 flat leads in 2 of 60 recordings"):
        embedder = changed(tiny).fit(X)
    assert np.isfinite(embedder.transform(X)).all()


def test_wrong_number_of_leads(fitted, X):
    with pytest.raises(ValueError, match=r"12.*ECGRecords.from_array"):
        fitted.transform(X[:, :3])


@pytest.mark.parametrize("read", [
    lambda X: MeritEmbedder().transform(X),
    lambda X: MeritEmbedder().fit(X),
    lambda X: MeritZeroShotClassifier().fit(X),
    lambda X: MeritMeasurements().measure(X),
    lambda X: MeritReportGenerator().predict(X),
    lambda X: XResNetClassifier().fit(X, np.arange(12) % 2),
])  # fmt: skip
def test_one_recording_is_not_twelve(read):
    one = make_ecg(1, random_state=0).data[0]
    with pytest.raises(ValueError, match=r"\(12, 1000\) is one recording.* Pass X\[None\], as"):
        read(one)


def test_one_recording_with_time_first():
    one = make_ecg(1, random_state=0).data[0].T
    with pytest.raises(ValueError, match=r"\(1000, 12\) is one .* columns .* Pass X.T\[None\], as"):
        MeritEmbedder().transform(one)
    assert MeritEmbedder().transform(one.T[None]).shape == (1, 1656)
    with pytest.raises(ValueError, match=r"got \(1000, 12\): one recording is X\[None\]"):
        ECGRecords.from_array(one, sampling_rate=100)


def test_twelve_recordings_of_one_lead(strict):
    X = np.asarray(make_ecg(12, random_state=0).data)[:, 1]
    with pytest.warns(UserWarning, match=r"has 12 rows: .* pass X\[None\]; .* pass X\[:, None\]"):
        Z = MeritEmbedder().transform(X)
    np.testing.assert_array_equal(MeritEmbedder().transform(X[:, None]), Z)
    embedder = MeritEmbedder().fit(X[:11])
    embedder.transform(X)  # fitted in two dimensions
    MeritEmbedder(leads=["II"]).transform(X)
    MeritMeasurements(MeritEmbedder(leads=["II"])).measure(X)
    MeritEmbedder().transform(X[:11])


@pytest.fixture
def strict():
    """Warnings are errors, but for those of leads that are missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "the recordings lack")
        yield


def test_microvolts_are_noticed_at_transform(fitted, X):
    with pytest.warns(UserWarning, match="look like µV"):
        fitted.transform(X * 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.transform(X)


def test_microvolts_are_noticed(tiny, X):
    with pytest.warns(UserWarning, match="look like µV"):
        changed(tiny).fit(X * 1000)


@pytest.mark.parametrize("rate", [250, 500])
def test_another_sampling_rate_is_noticed(tiny, rate):
    rhythms = [("SR",)] * 18 + [("AFIB",)] * 2
    fast = np.asarray(make_ecg(20, statements=rhythms, sampling_rate=rate, random_state=0).data)
    for embedder in (changed(tiny, max_epochs=0), MeritEmbedder()):
        with pytest.warns(UserWarning, match="sampling_rate="):
            embedder.fit(fast)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MeritEmbedder(sampling_rate=rate).fit(fast)


@pytest.mark.parametrize("reports, error, message", [
    (["sinus rhythm"], ValueError, "one entry per record"),
    ([1.5] * 60, TypeError, r"reports\[0\] is float"),
    ([None] * 60, ValueError, "all reports are empty"),
    ("sinus rhythm", TypeError, "one string per record"),
    (["; ."] * 60, ValueError, "no words"),
])  # fmt: skip
def test_bad_reports(tiny, X, reports, error, message):
    with pytest.raises(error, match=message):
        changed(tiny).fit(X, reports=reports)


def test_alignment_alone_needs_reports(tiny, X):
    with pytest.raises(ValueError, match="needs reports"):
        changed(tiny, structure_weight=0).fit(X)


@pytest.mark.parametrize("parameter", [
    {"structure_weight": 2}, {"max_epochs": -1}, {"batch_size": 0}, {"lr": 0}, {"readout": "cls"},
    {"encoder": "huge"}, {"encoder": {"depht": 3}}, {"align_view": "half"},
    {"on_invalid": "skip"}, {"precision": "fp8"}, {"inference_precision": "half"},
    {"validation_fraction": 1},
])  # fmt: skip
def test_bad_parameters_are_named(tiny, X, parameter):
    name = next(iter(parameter)) if "depht" not in str(parameter) else "depht"
    with pytest.raises((ValueError, TypeError), match=name):
        changed(tiny, **parameter).fit(X)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_fewer_records_than_a_batch(tiny, X, n):
    embedder = changed(tiny).fit(X[:n], reports=["sinus rhythm", "af", "af"][:n])
    assert all(p.isfinite().all() for p in embedder.model_.parameters())
    assert np.isfinite(embedder.transform(X)).all()


def test_one_report_for_all(tiny, X):
    embedder = changed(tiny).fit(X, reports=["sinus rhythm"] * 60)
    assert np.isfinite(embedder.transform(X)).all()
    assert embedder.history_[-1]["mi_text"] <= 1e-3


def test_very_short_recordings(tiny, X):
    embedder = changed(tiny).fit(X[..., :40])
    for n_times in (1, 7, 40):
        assert np.isfinite(embedder.transform(X[..., :n_times])).all()


def test_input_is_not_modified(tiny, X):
    before = X.copy()
    changed(tiny).fit(X).transform(X)
    np.testing.assert_array_equal(X, before)
