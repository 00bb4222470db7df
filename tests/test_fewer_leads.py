"""Recordings that lack some of a model's leads, at any rate and length."""

import warnings

import numpy as np
import pytest

from merit_sk import ECGRecords, MeritEmbedder, MeritReportGenerator, MeritZeroShotClassifier
from merit_sk.datasets import load_cpsc2018, load_csn, load_georgia, make_ecg
from merit_sk.signals import STANDARD_LEADS

CHEST = "V1, V2, V3, V4, V5, V6"


def records(X, leads, rate=100):
    rows = [STANDARD_LEADS.index(name) for name in leads]
    return ECGRecords.from_array(X[:, rows], sampling_rate=rate, lead_names=leads)


@pytest.fixture(scope="module")
def X(ecg):
    return np.asarray(ecg.data)


@pytest.mark.parametrize("pair", [("I", "II"), ("II", "III"), ("aVF", "aVR"), ("aVL", "I")])
def test_limb_leads_follow_from_any_two(fitted, X, pair):
    true = ECGRecords.from_array(with_exact_limb_leads(X), sampling_rate=100)
    part = records(np.asarray(true), [*pair, "V1", "V2", "V3", "V4", "V5", "V6"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Z = fitted.transform(part)
    np.testing.assert_allclose(Z, fitted.transform(true), rtol=1e-3, atol=1e-4)


def with_exact_limb_leads(X):
    X = X.copy()
    one, two = X[:, 0], X[:, 1]
    X[:, 2:6] = np.stack([two - one, -(one + two) / 2, one - two / 2, two - one / 2], axis=1)
    return X


def test_missing_leads_count_as_flat(fitted, X):
    flat = with_exact_limb_leads(X)
    flat[:, 6:] = 0
    with pytest.warns(UserWarning, match=rf"lack 6 of the model's 12 leads \({CHEST}\)") as caught:
        Z = fitted.transform(records(flat, ["II", "I"]))
    assert len(caught) == 1
    np.testing.assert_allclose(Z, fitted.transform(flat), rtol=1e-3, atol=1e-4)


def test_leads_beyond_those_of_the_model_do_not_matter(fitted, X):
    more = np.concatenate([X, np.full_like(X[:, :1], 7)], axis=1)
    more = ECGRecords.from_array(more, sampling_rate=100, lead_names=[*STANDARD_LEADS, "Resp"])
    np.testing.assert_array_equal(fitted.transform(more), fitted.transform(X))


def test_no_lead_in_common(fitted, X):
    pleth = ECGRecords.from_array(X[:, :1], sampling_rate=100, lead_names=["Pleth"])
    with pytest.raises(ValueError, match=r"none of the leads.*expected some of I, II.*given Pleth"):
        fitted.transform(pleth)


def test_arrays_are_never_guessed(fitted, X):
    with pytest.raises(ValueError, match=r"X has 3 leads.*expects 12.*leads=.*ECGRecords"):
        fitted.transform(X[:, :3])
    with pytest.raises(ValueError, match=r"X has 3 leads.*expects 12.*ECGRecords.from_array\(X"):
        MeritZeroShotClassifier(fitted).fit(X[:, :3])


def test_pretraining_with_leads_that_some_recordings_lack(tiny, X, ecg):
    few = records(X, ["I", "II", "V1"])
    with pytest.warns(UserWarning, match="lack 5") as caught:
        embedder = MeritEmbedder(**tiny, leads=STANDARD_LEADS).fit(few, reports=ecg.reports)
    assert len(caught) == 1
    assert embedder.window_.leads == STANDARD_LEADS and embedder.n_features_in_ == 12
    assert np.isfinite(embedder.transform(X)).all()


@pytest.mark.filterwarnings("ignore:the recordings lack")
def test_every_estimator_takes_fewer_leads(fitted, X, ecg):
    few = records(X, ["II"])
    zero = MeritZeroShotClassifier(fitted, classes="superclass").fit(few)
    assert np.isfinite(zero.predict_proba(few)).all()
    assert zero.predict_proba(X).shape == (60, 5)
    result = fitted.reconstruct(few[:4], random_state=0)
    assert result.signal.shape[1] == 12 and np.isfinite(result.reconstruction).all()
    assert (result.signal[:, 2:] == 0).all()
    writer = MeritReportGenerator(fitted, max_epochs=1, max_new_tokens=8, random_state=0)
    assert writer.fit(few, reports=ecg.reports).predict(few[:2]).shape == (2,)


@pytest.mark.filterwarnings("ignore:the recordings lack")
def test_the_cache_tells_leads_apart(fitted, X, tmp_path):
    from copy import copy

    embedder = copy(fitted).set_params(cache=tmp_path)
    for leads in (["I"], ["II"], ["II", "I"]):
        few = records(X[:6], leads)
        for _ in range(2):
            np.testing.assert_array_equal(embedder.transform(few), fitted.transform(few))


@pytest.mark.filterwarnings("ignore:the recordings lack")
@pytest.mark.parametrize("rate", [100, 128, 250, 1000])
@pytest.mark.parametrize("seconds", [5, 60])
def test_any_rate_and_length(fitted, rate, seconds):
    long = make_ecg(2, duration=seconds, sampling_rate=rate, noise=0, random_state=3).data
    full = fitted.transform(long)
    for leads in (["I"], ["I", "II", "V2"]):
        Z = fitted.transform(long.with_leads(leads))
        assert np.isfinite(Z).all() and Z.shape == full.shape
        assert not np.allclose(Z, full)
    assert np.isfinite(full).all() and not np.allclose(full[0], full[1])


@pytest.mark.filterwarnings("ignore:the recordings lack")
@pytest.mark.parametrize("name", ["cpsc2018", "georgia", "csn"])
def test_real_recordings(fitted, data_dir, name):
    load = {"cpsc2018": load_cpsc2018, "georgia": load_georgia, "csn": load_csn}[name]
    data = load(data_dir / name, errors="skip").data[:6]
    full = fitted.transform(data)
    three, one = (fitted.transform(data.with_leads(leads)) for leads in (["I", "II", "V2"], ["I"]))
    assert np.isfinite(full).all() and np.isfinite(three).all() and np.isfinite(one).all()
    # the less is known, the further from the embedding of all leads
    assert np.abs(three - full).mean() < np.abs(one - full).mean()


@pytest.mark.filterwarnings("ignore:the recordings lack")
@pytest.mark.parametrize("leads", [["II", "I"], ["V2", "I", "II"], ["Lead I"]])
def test_arrays_whose_leads_are_named(fitted, X, leads):
    from copy import copy

    few = records(X, ["II", "I", "V2"]).with_leads([n.replace("Lead ", "") for n in leads])
    embedder = copy(fitted).set_params(leads=leads)
    np.testing.assert_array_equal(embedder.transform(np.asarray(few)), fitted.transform(few))
    with pytest.raises(ValueError, match=r"leads names .* but X has 12"):
        embedder.transform(X)


def test_two_dimensions_are_lead_one(fitted, X):
    with pytest.warns(UserWarning, match="lack 11"):
        Z = fitted.transform(X[:, 0])
    with pytest.warns(UserWarning, match="lack 11"):
        np.testing.assert_array_equal(Z, fitted.transform(records(X, ["I"])))
        np.testing.assert_array_equal(Z, fitted.transform(X[:, :1]))


@pytest.mark.parametrize("rate", [250, 500, 62.5])
def test_arrays_whose_rate_is_named(fitted, rate):
    from copy import copy

    fast = make_ecg(3, duration=6, sampling_rate=rate, random_state=3).data
    embedder = copy(fitted).set_params(sampling_rate=rate)
    np.testing.assert_array_equal(embedder.transform(np.asarray(fast)), fitted.transform(fast))
