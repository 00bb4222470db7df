"""Masked modeling that predicts maps of the averaged encoder."""

import numpy as np
import pytest
from safetensors import safe_open
from skorch.callbacks import Callback
from trunks import TRUNKS

from merit_sk import MeritEmbedder
from merit_sk.nn.config import EncoderConfig
from merit_sk.training import resume


def embedder(tiny, target, **changes):
    return MeritEmbedder(**tiny | {"encoder": tiny["encoder"] | {"target": target}} | changes)


@pytest.fixture(scope="module")
def latent(tiny, ecg):
    return embedder(tiny, "latent").fit(ecg.data, reports=ecg.reports)


@pytest.fixture(scope="module")
def both(tiny, ecg):
    return embedder(tiny, "both").fit(ecg.data, reports=ecg.reports)


@pytest.mark.parametrize("trunk, target", [
    ("conv", "latent"), ("conv", "both"), ("lead_time", "latent"), ("time", "latent")
])  # fmt: skip
def test_bound_rises(ecg, trunk, target):
    history = MeritEmbedder(
        encoder=TRUNKS[trunk] | {"target": target}, pretrained=None, duration=2, max_epochs=8,
        lr=3e-3, batch_size=16, validation_fraction=0.2, random_state=0,
    ).fit(np.asarray(ecg.data)).history_  # fmt: skip
    bounds = [row["mi_signal"] for row in history]
    assert bounds[-1] > max(bounds[0], 0.05)
    assert history[-1]["valid_mi_signal"] > 0


def test_same_twice(tiny, ecg, both):
    again = embedder(tiny, "both").fit(ecg.data, reports=ecg.reports)
    np.testing.assert_array_equal(again.transform(ecg.data), both.transform(ecg.data))


def test_another_target_is_another_encoder(fitted, ecg, latent, both):
    Z = [e.transform(ecg.data) for e in (fitted, latent, both)]
    assert not np.allclose(Z[0], Z[1]) and not np.allclose(Z[1], Z[2])


class PowerFailure(Callback):
    def on_batch_end(self, net, training=False, **kwargs):
        if net.batches_.step == 2:
            raise RuntimeError("power failure")


@pytest.mark.parametrize("target", ["latent", "both"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_goes_on_exactly_after_an_interruption(tiny, ecg, tmp_path, monkeypatch, target, precision):
    monkeypatch.setattr(resume, "SECONDS", 0.0)
    changes = {"precision": precision, "batch_size": 16, "align_view": "masked"}
    kept = changes | {"checkpoint_dir": tmp_path}
    with pytest.raises(RuntimeError, match="power failure"):
        embedder(tiny, target, callbacks=[PowerFailure()], **kept).fit(
            ecg.data, reports=ecg.reports
        )
    resumed = embedder(tiny, target, **kept).fit(ecg.data, reports=ecg.reports)
    whole = embedder(tiny, target, **changes).fit(ecg.data, reports=ecg.reports)
    np.testing.assert_array_equal(resumed.transform(ecg.data), whole.transform(ecg.data))
    bounds = [[row["mi_signal"] for row in e.history_] for e in (resumed, whole)]
    assert bounds[0] == bounds[1]
    finished = embedder(tiny, target, **kept).fit(ecg.data, reports=ecg.reports)
    np.testing.assert_array_equal(finished.transform(ecg.data), whole.transform(ecg.data))


def test_weights_are_saved_without_a_teacher(latent, fitted, ecg, tmp_path):
    latent.save_pretrained(tmp_path / "latent")
    with safe_open(tmp_path / "latent" / "model.safetensors", "pt") as file:
        names = {*file.keys()}
    assert names < {*fitted.model_.state_dict()}
    loaded = MeritEmbedder.from_pretrained(tmp_path / "latent")
    assert loaded.model_.config.target == "latent"
    np.testing.assert_array_equal(loaded.transform(ecg.data), latent.transform(ecg.data))


@pytest.mark.parametrize("target", ["latent", "both"])
def test_goes_on_from_weights(latent, both, ecg, tmp_path, target):
    before = {"latent": latent, "both": both}[target]
    before.save_pretrained(tmp_path / target)
    after = MeritEmbedder(tmp_path / target, max_epochs=2, random_state=0)
    after.fit(ecg.data, reports=ecg.reports)
    assert after.n_iter_ == before.n_iter_ + 2 and np.isfinite(after.transform(ecg.data)).all()
    more = MeritEmbedder(tmp_path / target).set_params(warm_start=True, max_epochs=1)
    assert more.fit(ecg.data).fit(ecg.data).n_iter_ == before.n_iter_ + 2


def test_only_what_predicts_samples_reconstructs(latent, both, ecg):
    with pytest.raises(ValueError, match="target='latent' and cannot reconstruct"):
        latent.reconstruct(ecg.data[:2])
    assert np.isfinite(both.reconstruct(ecg.data[:2], random_state=0).reconstruction).all()


def test_unknown_target():
    with pytest.raises(ValueError, match="target must be 'signal', 'latent' or 'both'"):
        EncoderConfig(target="teacher")
