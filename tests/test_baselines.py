"""Baselines: features that need no training, and a network that needs labels."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifierCV
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from merit_sk import ECGRecords, MeritEmbedder
from merit_sk.datasets import make_ecg
from merit_sk.estimators import XResNetClassifier
from merit_sk.evaluation import MantisFeatures, MiniRocketFeatures, SummaryFeatures
from merit_sk.experiment import load_experiment, run_experiment

RHYTHMS = ["AFIB", "SBRAD", "STACH"]


@pytest.fixture(scope="module")
def rhythms():
    return make_ecg(90, statements=RHYTHMS, task="rhythm", random_state=0)


@pytest.fixture(scope="module")
def y(rhythms):
    return rhythms.target[:, [rhythms.target_names.index(code) for code in RHYTHMS]]


def beats(rate, seconds=10, sampling_rate=100):
    """One lead with a spike at every beat."""
    x = np.zeros(seconds * sampling_rate)
    x[(np.arange(0.5, seconds, 60 / rate) * sampling_rate).astype(int)] = 1.0
    return np.tile(x, (2, 1))


def named(features, X):
    return dict(zip(features.get_feature_names_out(), features.transform(X)[0], strict=True))


def test_summary_features_tell_rhythms(rhythms, y):
    probe = make_pipeline(SummaryFeatures(), StandardScaler(), RidgeClassifierCV([10, 100, 1000]))
    assert cross_val_score(probe, rhythms.data, y.argmax(axis=1), cv=3).min() > 0.8


@pytest.mark.parametrize("rate", [50, 75, 120])
def test_summary_features_count_beats(rate):
    X = beats(rate)[None]
    found = named(SummaryFeatures().fit(X), X)
    assert found["heart rate"] == pytest.approx(rate, rel=0.02)
    assert found["RR median"] == pytest.approx(60 / rate, abs=0.02)
    assert found["RR range"] < 0.05


def test_summary_features_mean_what_their_names_say():
    time = np.arange(1000) / 100
    x = np.stack([2 * np.sin(2 * np.pi * 10 * time), -np.sin(2 * np.pi * 10 * time), 0 * time])
    found = named(SummaryFeatures(leads=["I", "II", "III"]).fit(x[None]), x[None])
    assert found["I standard deviation"] == pytest.approx(2 / np.sqrt(2), rel=0.02)
    assert found["I standard deviation"] == pytest.approx(
        2 * found["II standard deviation"], rel=1e-4
    )
    assert found["correlation II x I"] == pytest.approx(-1, abs=1e-3)
    assert found["correlation III x I"] == found["III standard deviation"] == 0
    power = [found[f"I log power {hertz} Hz"] for hertz in range(40)]
    assert np.argmax(power) in (9, 10)
    assert np.isfinite(list(found.values())).all()


def test_summary_features_of_other_rates_and_lead_orders(rhythms):
    X = np.asarray(rhythms.data[:3])
    names = list(rhythms.data.lead_names)
    features = SummaryFeatures().fit(rhythms.data)
    shuffled = ECGRecords.from_array(X[:, ::-1], sampling_rate=100, lead_names=names[::-1])
    np.testing.assert_array_equal(features.transform(shuffled), features.transform(X))
    twice = ECGRecords.from_array(np.repeat(X, 2, axis=2), sampling_rate=200, lead_names=names)
    slow = [list(features.get_feature_names_out()).index("heart rate")]
    np.testing.assert_allclose(
        features.transform(twice)[:, slow], features.transform(X)[:, slow], rtol=0.02
    )
    assert features.transform(X[:, :, :300]).shape == features.transform(X).shape


def test_xresnet_learns_from_labels(rhythms, y):
    X = np.asarray(rhythms.data)
    network = XResNetClassifier(18, max_epochs=15, batch_size=16, random_state=0).fit(
        X[:60], y[:60]
    )
    assert roc_auc_score(y[60:], network.predict_proba(X[60:])) > 0.8
    assert network.history_[-1]["train_loss"] < network.history_[0]["train_loss"]


@pytest.fixture(scope="module")
def short_network(rhythms, y):
    return XResNetClassifier(18, max_epochs=1, random_state=0).fit(rhythms.data, y)


def test_xresnet_takes_the_highest_of_overlapping_crops(short_network, rhythms):
    X = np.asarray(rhythms.data[:3])
    crops = [X[:, :, i : i + 250] for i in range(0, 751, 125)]
    each = [short_network.decision_function(crop) for crop in crops]
    whole = short_network.decision_function(X)
    np.testing.assert_allclose(whole, np.max(each, axis=0), atol=1e-5)


def test_xresnet_is_reproducible_and_picklable(short_network, rhythms, y):
    again = XResNetClassifier(18, max_epochs=1, random_state=0).fit(rhythms.data, y)
    expected = short_network.predict_proba(rhythms.data)
    np.testing.assert_array_equal(again.predict_proba(rhythms.data), expected)
    loaded = pickle.loads(pickle.dumps(short_network))
    np.testing.assert_array_equal(loaded.predict_proba(rhythms.data), expected)


@pytest.mark.parametrize("depth", [34, 50, 101])
def test_xresnets_of_other_depths_and_a_batch_of_one(depth, rhythms):
    X, y = rhythms.data[:5], [0, 1, 0, 1, 0]
    network = XResNetClassifier(depth, max_epochs=1, batch_size=4, random_state=0).fit(X, y)
    assert network.decision_function(X).shape == (5,)


def test_xresnet_has_the_published_number_of_layers():
    with pytest.raises(ValueError, match=r"'depth' parameter .* 20"):
        XResNetClassifier(20).fit(np.zeros((4, 12, 250)), [0, 1, 0, 1])


def test_minirocket_tells_rhythms(rhythms, y):
    pytest.importorskip("aeon", reason="needs merit_sk[benchmark]")
    features = MiniRocketFeatures(n_kernels=840, random_state=0).fit(rhythms.data)
    Z = features.transform(rhythms.data)
    assert Z.shape == (90, 840) and Z.dtype == np.float32
    np.testing.assert_allclose(features.transform(rhythms.data[:1]), Z[:1], atol=1e-6)
    probe = make_pipeline(StandardScaler(), RidgeClassifierCV(np.logspace(0, 6, 13)))
    assert cross_val_score(probe, Z, y.argmax(axis=1), cv=3).min() > 0.6
    other = MiniRocketFeatures(n_kernels=840, random_state=1).fit(rhythms.data)
    assert not np.array_equal(other.transform(rhythms.data), Z)


def test_minirocket_without_aeon_says_what_to_install(monkeypatch, rhythms):
    monkeypatch.setitem(sys.modules, "aeon", None)
    for name in [m for m in sys.modules if m.startswith("aeon.")]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"merit_sk\[benchmark\]"):
        MiniRocketFeatures().fit(rhythms.data)


def test_mantis_without_its_package_says_what_to_install(monkeypatch, rhythms):
    monkeypatch.setitem(sys.modules, "mantis.architecture", None)
    with pytest.raises(ImportError, match="pip install mantis-tsfm"):
        MantisFeatures().fit(rhythms.data)


def test_mantis_without_its_weights_says_where_it_looked(tmp_path, rhythms):
    pytest.importorskip("mantis", reason="needs mantis-tsfm")
    with pytest.raises(OSError, match="nowhere"):
        MantisFeatures(tmp_path / "nowhere").fit(rhythms.data)


def test_mantis_is_left_out_with_the_reason(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "mantis.architecture", None)
    data = load_experiment(simulated=60)
    embedder = MeritEmbedder(pretrained=None, encoder={"widths": [8, 8, 16], "patch": 8})
    experiment = run_experiment(
        data, embedder=embedder, output=tmp_path, models=["summary", "mantis"],
        tasks=["superclass"], fractions=[1.0], n_repeats=1, min_positives=1, n_jobs=1,
    )  # fmt: skip
    assert "pip install mantis-tsfm" in experiment.left_out["Mantis"]
    assert "summary features" in str(experiment) and "pip install" not in str(experiment)


def test_mantis_sees_every_lead_by_itself(tmp_path, rhythms):
    """The network is the package's, its weights are random: they are not to be had in a test."""
    architecture = pytest.importorskip("mantis.architecture", reason="needs mantis-tsfm")
    torch.manual_seed(0)
    architecture.Mantis8M(device="cpu").save_pretrained(tmp_path)
    features = MantisFeatures(tmp_path).fit(rhythms.data)
    records = rhythms.data[:4]
    Z = features.transform(records)
    assert Z.shape == (4, 12 * 256) and Z.dtype == np.float32 and np.isfinite(Z).all()
    np.testing.assert_allclose(features.transform(records[2:3]), Z[2:3], atol=1e-4)
    one = MantisFeatures(tmp_path).fit(records.with_leads(["II"])).transform(records)
    np.testing.assert_allclose(one, Z[:, 256:512], atol=1e-4)


def test_minirocket_leaves_the_threads_of_torch_alone():
    """numba sets the number of OpenMP threads, which is torch's as long as nobody asked for one."""
    pytest.importorskip("aeon", reason="needs merit_sk[benchmark]")
    code = (
        "import numpy as np, torch\n"
        "from merit_sk.evaluation import MiniRocketFeatures\n"
        "X = np.random.default_rng(0).standard_normal((8, 12, 1000)).astype(np.float32)\n"
        "MiniRocketFeatures(n_kernels=84).fit_transform(X)\n"
        "print(torch.get_num_threads())"
    )
    command, one = [sys.executable, "-c", code], os.environ | {"OMP_NUM_THREADS": "1"}
    assert subprocess.run(command, env=one, capture_output=True, text=True).stdout == "1\n"
