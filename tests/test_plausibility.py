"""Recordings that contradict what is said of them: rate, leads, unit."""

import pickle
import warnings

import numpy as np
import pandas as pd
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
from merit_sk.signals import (
    STANDARD_LEADS,
    bandpass,
    check_lead_order,
    check_sampling_rate,
    resample,
)

IN_ORDER = tuple(STANDARD_LEADS)


@pytest.fixture(scope="module")
def X():
    return np.asarray(make_ecg(32, random_state=0).data)


@pytest.fixture
def strict():
    """Warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def real(data_dir, folder):
    paths = sorted(str(path.with_suffix("")) for path in (data_dir / folder).rglob("*.hea"))
    return ECGRecords.from_wfdb(paths)


@pytest.mark.parametrize(("true", "said"), [(500, 100), (250, 100), (500, 250), (1000, 100),
                                            (100, 250), (100, 500), (250, 500)])  # fmt: skip
def test_a_wrong_rate_is_found(X, true, said):
    wrong = np.asarray(make_ecg(16, sampling_rate=true, random_state=0).data)
    with pytest.warns(UserWarning, match=f"not look sampled at {said} Hz"):
        found = check_sampling_rate(wrong, said)
    assert 0.6 < found / true < 1.7


@pytest.mark.parametrize("rate", [50, 100, 250, 500, 1000])
def test_the_right_rate_is_believed(rate, strict):
    X = np.asarray(make_ecg(16, sampling_rate=rate, random_state=1).data)
    assert check_sampling_rate(X, rate) == rate


@pytest.mark.parametrize("statement", ["SBRAD", "STACH", "AFIB", "AFLT", "PSVT", "PACE", "3AVB",
                                       "CLBBB", "BIGU", "TRIGU"])  # fmt: skip
def test_no_rhythm_is_taken_for_a_wrong_rate(statement, strict):
    X = np.asarray(make_ecg(16, statements=[statement], random_state=3).data)
    assert check_sampling_rate(X, 100) == 100


def test_noise_and_silence_are_no_wrong_rate(strict):
    random = np.random.default_rng(0)
    for n_times in (1, 2, 20, 100, 1000):
        assert check_sampling_rate(random.standard_normal((4, 12, n_times)), 100) == 100
    assert check_sampling_rate(np.zeros((4, 12, 1000)), 100) == 100
    assert check_sampling_rate(np.full((4, 2, 1000), np.nan), 100) == 100


@pytest.mark.parametrize("folder", ["ptb-xl/records500", "georgia", "csn", "cpsc2018"])
def test_rates_of_real_recordings(data_dir, folder, strict):
    records = real(data_dir, folder)
    X = [records[i] for i in range(min(len(records), 48))]
    for start in range(0, len(X), 16):
        assert check_sampling_rate(X[start : start + 16], 500) == 500
    with pytest.warns(UserWarning, match="do not look sampled at 100 Hz"):
        check_sampling_rate(X, 100)
    with pytest.warns(UserWarning, match="do not look sampled at 100 Hz"):
        check_sampling_rate([resample(x, 500, 250) for x in X], 100)


def test_rates_of_real_rhythms(data_dir, strict):
    table = pd.read_csv(data_dir / "ptb-xl/ptbxl_database.csv")
    for code in ("SBRAD", "AFIB", "PACE", "STACH", "CLBBB"):
        rows = table[table.scp_codes.str.contains(f"'{code}'")].filename_lr[:16]
        records = ECGRecords.from_wfdb(rows, root=data_dir / "ptb-xl")
        assert check_sampling_rate([records[i] for i in range(len(records))], 100) == 100


ORDERS = {
    "aVF before aVL": (0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10, 11),
    "I and II": (1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
    "Cabrera": (4, 0, 3, 1, 5, 2, 6, 7, 8, 9, 10, 11),
    "V1-V6 first": (6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5),
    "I, II, V1-V6, others": (0, 1, 6, 7, 8, 9, 10, 11, 2, 3, 4, 5),
    "V1 and V2": (0, 1, 2, 3, 4, 5, 7, 6, 8, 9, 10, 11),
    "V6 to V1": (0, 1, 2, 3, 4, 5, 11, 10, 9, 8, 7, 6),
}


@pytest.mark.parametrize("order", list(ORDERS))
def test_another_order_is_found(X, order):
    channels = list(ORDERS[order])
    with pytest.warns(UserWarning, match="in the order"):
        found = check_lead_order(bandpass(X, 100, 0.5, 40)[:, channels], STANDARD_LEADS)
    assert found == tuple(STANDARD_LEADS[c] for c in channels)


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e3, 1e27])
def test_the_unit_does_not_matter(X, scale):
    scaled = bandpass(X, 100, 0.5, 40) * np.float32(scale)
    assert check_sampling_rate(scaled, 100) == 100
    with pytest.warns(UserWarning, match="not look sampled at 20 Hz"):
        check_sampling_rate(scaled, 20)
    with pytest.warns(UserWarning, match="aVR, aVF, aVL"):
        check_lead_order(scaled[:, ORDERS["aVF before aVL"]], STANDARD_LEADS)


def test_a_lead_upside_down(X):
    wrong = bandpass(X, 100, 0.5, 40)
    wrong[:, 2] *= -1
    with pytest.warns(UserWarning, match="III is upside down in records 0, 1, 2, 3, 4 and 27 more"):
        assert check_lead_order(wrong, STANDARD_LEADS) == IN_ORDER


def test_interchanged_arms_are_named(X):
    wrong = bandpass(X, 100, 0.5, 40)
    wrong[9, [0, 1, 2, 3, 4]] = wrong[9][[0, 2, 1, 4, 3]] * np.array([-1, 1, 1, 1, 1])[:, None]
    names = [f"p{i}" for i in range(len(X))]
    with pytest.warns(UserWarning, match="mirror image of V6 in record p9: arm"):
        assert check_lead_order(wrong, STANDARD_LEADS, names) == IN_ORDER


@pytest.mark.parametrize("pair", ["aVL, aVF", "aVR, aVF", "I, II", "II, III", "I, aVL"])
def test_exchanged_limb_leads_of_some_recordings_are_named(X, pair):
    channels = [STANDARD_LEADS.index(name) for name in pair.split(", ")]
    wrong = bandpass(X, 100, 0.5, 40)
    for record in (3, 22):
        wrong[record, channels] = wrong[record, channels[::-1]]
    with pytest.warns(UserWarning, match=f"seem to be exchanged: {pair} in records 3, 22. Leave"):
        assert check_lead_order(wrong, STANDARD_LEADS) == IN_ORDER


def test_different_faults_of_recordings_are_told_apart(X):
    wrong = bandpass(X, 100, 0.5, 40)
    wrong[3, [4, 5]], wrong[9, [0, 1]] = wrong[3, [5, 4]], wrong[9, [1, 0]]
    with pytest.warns(UserWarning, match="aVL, aVF in record 3; I, II in record 9"):
        assert check_lead_order(wrong, STANDARD_LEADS) == IN_ORDER


def test_three_leads_and_fewer(X, strict):
    X = bandpass(X, 100, 0.5, 40)
    for leads in (["I", "II", "III"], ["II", "V1"], ["V5"], ["I", "aVF", "aVL"]):
        channels = [STANDARD_LEADS.index(name) for name in leads]
        assert check_lead_order(X[:, channels], leads) == tuple(leads)
    with pytest.warns(UserWarning, match="the limb leads of .* contradict"):
        check_lead_order(X[:, [1, 0, 2]], ["I", "II", "III"])


def test_leads_standardised_one_by_one(X):
    standardized = X / X.std(axis=-1, keepdims=True)
    with pytest.warns(UserWarning, match="standardized by itself.*mV"):
        check_lead_order(standardized, STANDARD_LEADS)
    some = bandpass(X, 100, 0.5, 40)
    some[:8] /= some[:8].std(axis=-1, keepdims=True)
    with pytest.warns(UserWarning, match="standardized by itself.*mV"):
        check_lead_order(some, STANDARD_LEADS)


def test_limb_leads_that_do_not_add_up_beside_missing_chest_leads(strict):
    x = np.random.default_rng(0).standard_normal((8, 12, 1000))
    x[:, 6:] = 0
    assert check_lead_order(x, IN_ORDER) == IN_ORDER


def test_noise_is_no_wrong_order(strict):
    noise = np.random.default_rng(0).standard_normal((20, 12, 500))
    assert check_lead_order(noise, STANDARD_LEADS) == IN_ORDER
    assert check_lead_order(np.zeros((20, 12, 500)), STANDARD_LEADS) == IN_ORDER


@pytest.mark.parametrize("folder", ["ptb-xl/records100", "georgia", "csn", "cpsc2018",
                                    "cpsc2018_extra"])  # fmt: skip
def test_leads_of_real_recordings(data_dir, folder, strict):
    records = real(data_dir, folder)
    X = [bandpass(records[i], records.sampling_rate, 0.5, 40) for i in range(len(records))]
    assert check_lead_order(X, records.lead_names) == IN_ORDER
    with pytest.warns(UserWarning, match="aVR, aVF, aVL"):
        check_lead_order([x[list(ORDERS["aVF before aVL"])] for x in X], records.lead_names)


@pytest.fixture(scope="module")
def ready():
    return MeritEmbedder(pretrained="merit-tiny")


def test_fit_warns_of_everything_where_the_user_stands(ready, X):
    slow = np.asarray(make_ecg(16, sampling_rate=250, random_state=0).data)
    with pytest.warns(UserWarning, match="do not look sampled at 100 Hz but at") as caught:
        ready.fit(slow)
    assert {warning.filename for warning in caught} == {__file__}
    with pytest.warns(UserWarning, match="aVR, aVF, aVL"):
        ready.fit(X[:, ORDERS["aVF before aVL"]])
    with pytest.warns(UserWarning, match="look like V. Multiply by 1000"):
        ready.fit(X / 1000)
    with pytest.warns(UserWarning, match="integers of a converter"):
        ready.fit(X * 200)


def test_fit_is_silent_about_good_recordings(ready, X):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ready.fit(X)
        ready.fit(ECGRecords.from_array(X, sampling_rate=100))
    assert not caught


def messages(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert {warning.filename for warning in caught} <= {__file__}
    return [str(warning.message) for warning in caught]


READING = {
    "transform": lambda X: MeritEmbedder().transform(X),
    "windows": lambda X: list(MeritEmbedder().transform_windows(X)),
    "familiarity": lambda X: MeritEmbedder().decision_function(X),
    "cached": lambda X: MeritEmbedder(cache=True).transform(X),
    "loaded": lambda X: MeritEmbedder.from_pretrained("merit-tiny").transform(X),
    "zero-shot": lambda X: MeritZeroShotClassifier().fit(X).predict(X),
    "measurements": lambda X: MeritMeasurements().measure(X),
    "reports": lambda X: MeritReportGenerator().predict(X),
}


@pytest.mark.parametrize("how", list(READING))
def test_reading_without_a_fit_warns_once_and_only_with_reason(X, how):
    slow = np.asarray(make_ecg(3, sampling_rate=500, random_state=0).data)
    (said,) = messages(lambda: READING[how](slow))
    assert "do not look sampled at 100 Hz but at about" in said
    (said,) = messages(lambda: READING[how](X[:3, ORDERS["aVF before aVL"]]))
    assert "add up in the order I, II, III, aVR, aVF, aVL" in said
    assert not messages(lambda: READING[how](X[:3]))


def scaled(X, axis, low=0):
    least, most = X.min(axis=axis, keepdims=True), X.max(axis=axis, keepdims=True)
    return low + (1 - low) * (X - least) / (most - least)


@pytest.mark.parametrize(("axis", "low", "each"), [(2, 0, "lead"), (2, -1, "lead"),
                                                   ((1, 2), 0, "recording")])  # fmt: skip
def test_signals_scaled_to_their_extremes(X, axis, low, each):
    wrong = scaled(X, axis, low)
    for call in (lambda: MeritEmbedder().fit(wrong), lambda: MeritEmbedder().transform(wrong)):
        (said,) = messages(call)
        assert f"smallest and largest value of each {each} are exactly" in said
        assert said.endswith("Pass signals in mV.")
    records = ECGRecords.from_array(wrong, sampling_rate=100)
    assert len(messages(lambda: MeritEmbedder().transform(records))) == 1


def test_one_lead_scaled_to_its_extremes(X):
    said = messages(lambda: MeritEmbedder().fit(scaled(X[:, 1], -1)))
    assert any("smallest and largest value of each lead" in text for text in said)


def test_a_scale_that_is_no_min_max(X):
    some = X.copy()
    some[:10] = scaled(some[:10], (1, 2))
    for fine in (X, some, X / X.std(axis=(1, 2), keepdims=True), X / np.abs(X).max()):
        assert not messages(lambda fine=fine: MeritEmbedder().fit(fine))
    of_all = (X - X.min()) / np.ptp(X)  # cannot be told
    assert not messages(lambda: MeritEmbedder().transform(of_all))


@pytest.mark.parametrize("folder", ["ptb-xl/records100", "ptb-xl/records500", "georgia", "csn",
                                    "cpsc2018"])  # fmt: skip
def test_real_recordings_are_read_in_silence(data_dir, folder):
    records = real(data_dir, folder)[:64]
    embedder = MeritEmbedder()
    for start in range(0, len(records), 8):
        some = records[start : start + 8]
        assert not messages(lambda some=some: embedder.transform(some))


def test_what_fit_has_looked_at_is_not_warned_of_again(X):
    wrong = X[:, ORDERS["aVF before aVL"]]
    records = ECGRecords.from_array(wrong, sampling_rate=100)
    for data in (wrong, records):
        assert len(messages(lambda data=data: MeritEmbedder().fit_transform(data))) == 1
        embedder = MeritEmbedder(max_epochs=0)
        assert len(messages(lambda data=data, e=embedder: e.fit(data))) == 1
        assert not messages(lambda data=data, e=embedder: e.transform(data))
        assert len(messages(lambda data=data, e=embedder: e.transform(data[5:]))) == 1
        loaded = pickle.loads(pickle.dumps(embedder))
        assert len(messages(lambda data=data, e=loaded: e.transform(data))) == 1


def test_a_trained_classifier_looks_at_what_it_predicts(X):
    y = np.arange(len(X)) % 2
    classifier = XResNetClassifier(max_epochs=1, random_state=0).fit(X, y)
    assert not messages(lambda: classifier.predict(X))
    (said,) = messages(lambda: classifier.predict(X[:, ORDERS["aVF before aVL"]]))
    assert "add up in the order I, II, III, aVR, aVF, aVL" in said


def test_invalid_samples_are_named_as_ever(X):
    wrong = X[:5].copy()
    wrong[[0, 2, 4], 0, 5] = np.nan
    with pytest.raises(ValueError, match="NaN or infinite samples in records 0, 2, 4"):
        MeritEmbedder().transform(wrong)


def test_flat_leads_are_counted_among_those_looked_at(ready):
    X = np.asarray(make_ecg(200, duration=10, noise=0, random_state=0).data)
    X[:, 8] = 0
    with pytest.warns(UserWarning, match="200 flat leads in 200 of 200 recordings are"):
        ready.fit(X)
    with pytest.warns(UserWarning, match="64 flat leads in 64 of 64 recordings that were looked"):
        ready.fit(ECGRecords.from_array(X, sampling_rate=100))
