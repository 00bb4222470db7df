"""The two branches learn what they are meant to learn, in nats."""

import math

import numpy as np
import pytest
import torch
from trunks import TRUNKS

from merit_sk import MeritEmbedder
from merit_sk.nn.config import EncoderConfig
from merit_sk.nn.masking import hide_blocks
from merit_sk.nn.model import MeritModel, pool
from merit_sk.nn.objective import info_nce, masked_likelihood, normalize_blocks


def waves(n, n_leads=4, n_times=200, seed=0):
    """Leads that are copies of one slow wave: what is hidden follows from what is seen."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_times) / 100
    phase, rate = rng.uniform(0, 6.28, (n, 1, 1)), rng.uniform(1, 2, (n, 1, 1))
    return np.sin(2 * np.pi * rate * t + phase) * np.ones((1, n_leads, 1))


@pytest.mark.parametrize("trunk", TRUNKS)
def test_reconstruction_beats_the_mean_predictor(trunk):
    epochs = {"conv": 8, "lead_time": 35, "time": 10}[trunk]
    embedder = MeritEmbedder(
        encoder=TRUNKS[trunk], pretrained=None, duration=2, max_epochs=epochs, lr=3e-3,
        batch_size=32, random_state=0, leads=["I", "II", "V1", "V2"],
    )  # fmt: skip
    history = embedder.fit(waves(256)).history_
    assert history[-1]["mi_signal"] > 0.1
    held_out = embedder.reconstruct(waves(32, seed=1), random_state=0)
    hidden = held_out.mask
    error = np.square(held_out.signal - held_out.reconstruction)[hidden].mean()
    assert error < 0.6 * held_out.signal[hidden].var()


def test_reconstruct_leaves_the_visible_part_alone(fitted, ecg):
    out = fitted.reconstruct(ecg.data[:3], random_state=0)
    assert out.signal.shape == out.reconstruction.shape == out.mask.shape == (3, 12, 200)
    np.testing.assert_array_equal(out.signal[~out.mask], out.reconstruction[~out.mask])
    again = fitted.reconstruct(ecg.data[:3], random_state=0)
    np.testing.assert_array_equal(out.mask, again.mask)


def test_alignment_approaches_its_ceiling_on_separable_pairs():
    n = 64
    X = waves(n, n_leads=1)
    X[n // 2 :] = np.sign(X[n // 2 :])
    reports = ["smooth wave"] * (n // 2) + ["square wave"] * (n // 2)
    embedder = MeritEmbedder(
        encoder=TRUNKS["conv"],
        pretrained=None,
        duration=2,
        max_epochs=25,
        batch_size=16,
        structure_weight=0,
        lr=3e-3,
        random_state=0,
    ).fit(X, reports=reports)
    bound = embedder.history_[-1]["mi_text"]
    assert 0.5 * math.log(2) < bound <= math.log(n)
    image, text = (
        embedder.set_params(readout="projected").transform(X),
        embedder.embed_text(reports),
    )
    np.testing.assert_allclose(np.linalg.norm(image, axis=1), 1, rtol=1e-4)
    nearest = (image @ text[[0, -1]].T).argmax(axis=1)
    assert (nearest == np.repeat([0, 1], n // 2)).mean() > 0.9


def test_equal_reports_are_no_negatives():
    torch.manual_seed(0)
    z = torch.nn.functional.normalize(torch.randn(4, 8), dim=1)
    same = torch.tensor([0, 0, 1, 2])
    t = torch.nn.functional.normalize(torch.randn(3, 8), dim=1)[same]
    scale = torch.tensor(5.0)
    logits = scale * z @ t.T
    rows = torch.tensor([[0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    both = [-(rows * m.log_softmax(dim=1)).sum(dim=1).mean() for m in (logits, logits.T)]
    loss, bound = info_nce(z, t, same, scale)
    torch.testing.assert_close(loss, sum(both) / 2)
    torch.testing.assert_close(bound, math.log(4) - loss)


def test_bound_of_a_known_gaussian_channel():
    torch.manual_seed(0)
    x = torch.randn(1, 1, 100_000)
    noise = 0.5 * torch.randn_like(x)
    seen = torch.ones_like(x, dtype=torch.bool)
    _, bound = masked_likelihood(x - noise, x, seen, torch.tensor(0.0))
    assert bound.item() == pytest.approx(math.log(2), abs=0.01)


def test_masks_hide_equal_shares_in_whole_blocks():
    hidden = hide_blocks(5, 3, 100, block=20, ratio=0.4)
    assert (hidden.flatten(1).sum(dim=1) == 120).all()
    blocks = hidden.unflatten(-1, (-1, 20))
    assert (blocks.all(dim=-1) == blocks.any(dim=-1)).all()


def test_hidden_samples_cannot_be_seen():
    torch.manual_seed(0)
    for fields in TRUNKS.values():
        model = MeritModel(EncoderConfig(**fields), n_leads=4, n_times=200).eval()
        x, n_valid = torch.randn(2, 4, 200), torch.full((2,), 200)
        hidden = model.hide(x, n_valid)
        other = torch.where(hidden, torch.randn_like(x), x)
        with torch.inference_mode():
            a = model.encoder.visible(x, hidden, n_valid)[-1][0]
            b = model.encoder.visible(other, hidden, n_valid)[-1][0]
        torch.testing.assert_close(a, b)


def test_dropped_tokens_are_never_computed():
    model = MeritModel(EncoderConfig(**TRUNKS["lead_time"]), n_leads=4, n_times=200)
    x, n_valid = torch.randn(2, 4, 200), torch.full((2,), 200)
    features, _ = model.encoder.visible(x, model.hide(x, n_valid), n_valid)[-1]
    assert features.shape[-1] == 16


def test_padding_is_left_out_of_the_read_out():
    x = torch.randn(2, 5, 7)
    valid = torch.tensor([[True] * 4 + [False] * 3] * 2)
    for padded, alone in zip(pool(x, valid), pool(x[..., :4], valid[:, :4]), strict=True):
        torch.testing.assert_close(padded, alone)


def test_normalised_blocks_have_no_offset():
    x = 3 + torch.randn(2, 2, 30)
    z, mean, spread = normalize_blocks(x, block=10)
    torch.testing.assert_close(z * spread + mean, x)
    assert z.unflatten(-1, (-1, 10)).mean(dim=-1).abs().max() < 1e-5
