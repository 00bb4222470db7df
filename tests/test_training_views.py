"""What training shows of recordings, and what is kept of them after it."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from trunks import TRUNKS

from merit_sk import MeritEmbedder
from merit_sk.datasets import make_ecg, mix_simulated
from merit_sk.nn.config import EncoderConfig
from merit_sk.nn.model import MeritModel
from merit_sk.training.augment import crop


class Lengths(Callback):
    """Notes how many samples the encoder sees."""

    def __init__(self):
        self.seen = []

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        self.training = training

    def on_train_begin(self, net, **kwargs):
        def note(encoder, inputs):
            if self.training:
                self.seen.append(inputs[0].shape[-1])

        net.module_.encoder.register_forward_pre_hook(note)


def lengths(ecg, **parameters):
    seen = Lengths()
    settings = {"pretrained": None, "duration": 2, "batch_size": 4, "random_state": 0,
                "max_epochs": 2, "callbacks": [seen]}  # fmt: skip
    MeritEmbedder(**settings | parameters).fit(ecg.data, reports=ecg.reports)
    return np.array(seen.seen)


def test_half_of_the_batches_with_texts_are_crops(ecg):
    seen = lengths(ecg, encoder=TRUNKS["conv"], max_epochs=8)
    assert {*seen} == {96, 200}  # whole blocks of three patches in half a window
    assert 0.3 < np.mean(seen == 96) < 0.7


@pytest.mark.parametrize("more", [
    {"encoder": TRUNKS["lead_time"]}, {"encoder": TRUNKS["conv"], "structure_weight": 1.0},
    {"encoder": TRUNKS["conv"], "align_view": "masked"},
])  # fmt: skip
def test_others_are_whole(ecg, more):
    assert {*lengths(ecg, max_epochs=1, **more)} == {200}


def test_a_crop_keeps_shorter_recordings():
    torch.manual_seed(0)
    n_valid = torch.tensor([100, 30])
    found = [crop(torch.ones(2, 3, 100), n_valid, 12) for _ in range(40)]
    assert {x.shape[2] for x, _ in found} == {48, 100}
    for x, left in found:
        assert left.tolist() == [x.shape[2], 30]
    x, left = crop(torch.ones(2, 3, 20), torch.tensor([20, 5]), 12)
    assert x.shape[2] == 20 and left.tolist() == [20, 5]


def test_few_leads_are_drawn_to_the_view_of_all():
    """A view of which half of the leads is hidden costs its distance, any other nothing."""
    torch.manual_seed(0)
    config = EncoderConfig(widths=(8, 8), patch=4)
    model = MeritModel(config, 4, 100, ("terms", 6), structure_weight=0).train()
    model.set_teachers()
    x, n_valid = torch.randn(6, 4, 100), torch.full((6,), 100)
    view = x.clone()
    view[:, 0] = 0
    z = model.projection(model.encoder(x, n_valid))
    assert model.whole_view(z, view, x, n_valid) == 0
    view[:2, 1] = 0
    model.eval()
    z = model.projection(model.encoder(view, n_valid))
    whole = model.projection(model.encoder(x, n_valid))
    model.teachers_follow()
    distance = model.whole_view(z, view, x, n_valid)
    assert distance.item() == pytest.approx(1 - (z * whole)[:2].sum(1).mean().item(), abs=1e-5)
    assert distance > 1e-4


def test_what_draws_few_leads_is_an_average():
    torch.manual_seed(0)
    model = MeritModel(EncoderConfig(widths=(8, 8), patch=4), 4, 100, ("terms", 6), 0)
    model.set_teachers()
    before = [p.clone() for p in model.whole_view.parameters()]
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter += 1
    model.teachers_follow()
    moved = [float((b - a).abs().max()) for a, b in zip(before, model.whole_view.parameters(),
                                                        strict=True)]  # fmt: skip
    assert 0 < max(moved) < 1
    assert not any(p.requires_grad for p in model.whole_view.parameters())


def test_weights_are_left_without_averages(fitted):
    assert not [name for name in fitted.model_.state_dict() if "whole_view" in name]


def test_statistics_are_those_of_real_recordings_seen_whole(tiny):
    """Standardized features of the real ones are around zero, those of simulated ones are not."""
    real = make_ecg(40, statements=[["SBRAD"]] * 40, duration=2, random_state=3).data
    mixed = mix_simulated(real, ["bradycardia"] * 40, n_simulated=120, random_state=0)
    embedder = MeritEmbedder(readout="stages", **tiny)
    embedder.fit(mixed.data, reports=mixed.reports, sources=mixed.sources)
    Z = embedder.transform(real)
    simulated = embedder.transform(mixed.data[np.arange(120)])
    assert np.abs(Z.mean(axis=0)).max() < 1e-3 < np.abs(simulated.mean(axis=0)).max()


def test_batch_norms_are_those_of_all_recordings(tiny, ecg):
    """Not those of the last ten batches or so, of which half is masked."""
    one = MeritEmbedder(**tiny, batch_size=60).fit(ecg.data, reports=ecg.reports)
    stem, norm, _ = one.model_.encoder.stages[0]
    signal, *_ = one._source(ecg.data).windows(np.arange(60), lambda n_times: 0)
    with torch.no_grad():
        variance = stem(torch.from_numpy(signal)).var(dim=(0, 2))
    ratio = norm.running_var / variance
    assert 0.6 < ratio.median() < 1.1  # of some recordings only some leads are left


@pytest.mark.parametrize("validation_fraction, same", [(0.5, True), (0, False)])
def test_nothing_is_learned_of_recordings_held_out(tiny, ecg, validation_fraction, same):
    """Neither weights nor batch norms nor features change with them."""
    settings = tiny | {"random_state": 0, "validation_fraction": validation_fraction}
    X = np.array(ecg.data)
    one = MeritEmbedder(**settings).fit(X.copy())
    held_out = np.random.default_rng(one.net_.seed).permutation(len(X))[: len(X) // 2]
    X[held_out] = X[held_out, :, ::-1]
    one, two = (each.model_.state_dict() for each in (one, MeritEmbedder(**settings).fit(X)))
    assert all(torch.equal(one[name], two[name]) for name in one) == same
