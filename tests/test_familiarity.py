"""What weights say of recordings unlike those they were pretrained on."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from merit_sk import ECGRecords, MeritEmbedder
from merit_sk.__main__ import main
from merit_sk.datasets import load_ptbxl, make_ecg

OLD = Path(__file__).parent / "models" / "0.1.0"


@pytest.fixture(scope="module")
def ecg():
    return np.asarray(make_ecg(40, statements=["NORM", "AFIB", "CLBBB"], random_state=4).data)


def spoiled(ecg, random):
    yield random.normal(size=ecg.shape)
    yield np.cumsum(random.normal(size=ecg.shape), axis=2)
    yield (
        np.sin(2 * np.pi * random.uniform(2, 9, (len(ecg), 1, 1)) * np.arange(1000) / 100) + 0 * ecg
    )
    yield -ecg


def test_what_is_no_ecg_is_told_from_ecgs(ecg):
    embedder, random = MeritEmbedder(), np.random.default_rng(0)
    scores = embedder.score_samples(ecg)
    for bad in spoiled(ecg, random):
        low = embedder.score_samples(bad)
        assert np.mean(low[:, None] < scores) > 0.95


def test_real_recordings_are_familiar(data_dir):
    data = load_ptbxl(data_dir / "ptb-xl").data[:200]
    scores = MeritEmbedder().decision_function(data)
    assert np.mean(scores > 0) > 0.95
    swapped = np.asarray(data)[:, [0, 2, 1, 4, 3, *range(5, 12)]] * np.r_[-1, np.ones(11)][:, None]
    low = MeritEmbedder().decision_function(swapped)
    assert np.mean(low[:, None] < scores) > 0.9


def test_scores_follow_the_readout_in_nothing(ecg):
    scores = MeritEmbedder().score_samples(ecg[:5])
    for readout in ("stages", "last", "projected"):
        np.testing.assert_allclose(MeritEmbedder(readout=readout).score_samples(ecg[:5]), scores)
    np.testing.assert_allclose(MeritEmbedder().score_samples(ecg[3:4]), scores[3:4], rtol=1e-5)


def test_own_pretraining_learns_its_own(tiny, ecg, tmp_path):
    embedder = MeritEmbedder(**tiny).fit(ecg)
    scores = embedder.decision_function(ecg)
    assert np.mean(scores > 0) > 0.8
    assert (embedder.decision_function(np.random.default_rng(0).normal(size=ecg.shape)) < 0).all()
    embedder.save_pretrained(tmp_path)
    for again in (MeritEmbedder.from_pretrained(tmp_path), pickle.loads(pickle.dumps(embedder))):
        np.testing.assert_allclose(again.decision_function(ecg), scores, rtol=1e-5)


def test_weights_that_do_not_know(tiny, ecg):
    for embedder in (MeritEmbedder.from_pretrained(OLD), MeritEmbedder(**tiny).fit(ecg[:8])):
        assert not hasattr(embedder, "decision_function")
        with pytest.raises(AttributeError) as error:
            embedder.score_samples(ecg)
        assert "saved by merit_sk 0.1, or learned from fewer" in str(error.value.__cause__)
    with pytest.raises(AttributeError, match=r"saved by merit_sk 0\.1"):
        MeritEmbedder(pretrained=str(OLD)).score_samples(ecg)
    with pytest.raises(NotFittedError):
        MeritEmbedder(pretrained=None).score_samples(ecg)


def test_the_command_says_so(tmp_path, monkeypatch, capsys, ecg):
    from wfdb import wrsamp

    monkeypatch.chdir(tmp_path)
    names = list(ECGRecords.from_array(ecg[:1], sampling_rate=100).lead_names)
    for name, x in {
        "good": ecg[0],
        "bad": np.random.default_rng(0).normal(size=(12, 1000)),
    }.items():
        wrsamp(name, 100, ["mV"] * 12, names, p_signal=x.T.astype(float), fmt=["16"] * 12)
    assert not main(["read", "good"])
    assert "do not trust" not in capsys.readouterr().out
    assert not main(["read", "bad"])
    assert "do not trust these answers" in capsys.readouterr().out
