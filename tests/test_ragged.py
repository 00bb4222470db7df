"""Records shorter than the window: their padding is never signal."""

import numpy as np
import pytest
import torch

from merit_sk import ECGRecords, MeritClassifier, MeritEmbedder
from merit_sk.datasets import make_ecg
from merit_sk.nn.classifier import ClassifierModel, SummaryHead
from merit_sk.nn.collective import JointBatchNorm1d
from merit_sk.nn.config import EncoderConfig
from merit_sk.nn.encoder import build_encoder
from merit_sk.nn.masking import hide_blocks
from merit_sk.nn.model import MeritModel
from merit_sk.nn.padding import inside
from merit_sk.nn.xresnet import XResNet1d
from merit_sk.training.augment import disturb, vary

N_TIMES = 200
LENGTHS = [1, 7, 50, 99, 100, 101, 160, 199, 200]
TRUNKS = {
    "conv": {"widths": [8, 8, 16], "patch": 8, "decoder_depth": 2, "decoder_width": 16},
    "lead_time": {"trunk": "vit", "width": 16, "depth": 2, "heads": 2, "patch": 25,
                  "decoder_width": 16, "decoder_depth": 2, "mask_ratio": 0.5},
    "time": {"trunk": "vit", "tokenizer": "time", "width": 16, "depth": 2, "heads": 2,
             "patch": 10, "decoder_width": 16},
}  # fmt: skip


def a_batch(lengths=LENGTHS, n_leads=3):
    """Signals with zeros as padding, their lengths, and where the padding is."""
    torch.manual_seed(0)
    n_valid = torch.tensor(lengths)
    padding = ~inside(N_TIMES, n_valid)[:, None].expand(-1, n_leads, -1)
    return torch.randn(len(lengths), n_leads, N_TIMES).masked_fill(padding, 0.0), n_valid, padding


def a_model(trunk, **arguments):
    torch.manual_seed(0)
    model = MeritModel(EncoderConfig(**TRUNKS[trunk]), 3, N_TIMES, ("terms", 9), **arguments)
    model.set_bank({"terms": torch.arange(4)[:, None], "weights": torch.ones(4, 1)})
    return model


def texts(n):
    index = torch.arange(n)
    return {
        "text_index": index,
        "text": {"terms": index[:, None] % 9, "weights": torch.ones(n, 1)},
        "present": (torch.rand(n, 4, generator=torch.Generator().manual_seed(0)) < 0.4).float(),
    }


@pytest.mark.parametrize("augmentation", [vary, disturb])
def test_augmentation_keeps_every_length(augmentation):
    x, n_valid, padding = a_batch()
    other = x.masked_fill(padding, 1e3)
    for seed in range(20):
        torch.manual_seed(seed)
        out = augmentation(x, n_valid)
        torch.manual_seed(seed)
        assert torch.equal(out, augmentation(other, n_valid))
        assert (out[padding] == 0).all()
        assert (out != 0).any(dim=1)[~padding[:, 0]].float().mean() > 0.99


def test_a_shift_moves_every_sample_of_a_short_record():
    x, n_valid, _ = a_batch([50] * 200, n_leads=1)
    x[..., :50] = torch.arange(1.0, 51)
    torch.manual_seed(3)  # not stretched
    out = vary(x, n_valid)[:, 0, :50]
    order = out.argsort(dim=1).argsort(dim=1)
    assert (order.sort(dim=1).values == torch.arange(50)).all()
    assert len(order[:, 0].unique()) > 40


@pytest.mark.parametrize("n_leads", [1, 2, 12])
def test_never_are_all_leads_dropped(n_leads):
    torch.manual_seed(0)
    x, n_valid = torch.randn(4000, n_leads, 8), torch.full((4000,), 8)
    there = (disturb(x, n_valid) != 0).any(dim=2)
    assert there.any(dim=1).all()
    share = there.float().mean()
    assert share == 1 if n_leads == 1 else 0.87 < share < 0.93


def test_the_only_lead_that_a_record_has_is_left():
    torch.manual_seed(0)
    x, n_valid = torch.zeros(2000, 12, 8), torch.full((2000,), 8)
    x[:, 4] = torch.randn(2000, 8)
    there = (disturb(x, n_valid) != 0).any(dim=2)
    assert there[:, 4].all() and there.sum() == 2000


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("objective", [
    {"structure_weight": 0.0}, {"structure_weight": 0.5}, {"structure_weight": 1.0},
    {"structure_weight": 0.5, "align_view": "masked"},
])  # fmt: skip
@pytest.mark.parametrize("trunk", TRUNKS)
def test_pretraining_does_not_see_padding(trunk, objective, training):
    x, n_valid, padding = a_batch()
    view = torch.randn_like(x)
    found = []
    for fill in (0.0, 50.0, -3.0):
        model = a_model(trunk, **objective).train(training)
        signal = x.masked_fill(padding, fill).requires_grad_()
        other = view.masked_fill(padding, fill).requires_grad_()
        torch.manual_seed(1)
        out = model(signal, n_valid, other if model.aligns_full_view else None, **texts(len(x)))
        out["loss"].backward()
        for given in (signal, other):
            if given.grad is not None:
                assert torch.isfinite(given.grad).all()
                assert (given.grad[padding] == 0).all()
                assert given.grad[~padding].any()
        found.append([{k: v.item() for k, v in out.items()}, dict(model.named_buffers())])
    assert np.isfinite(list(found[0][0].values())).all()
    for losses, buffers in found[1:]:
        assert losses == found[0][0]
        for name, values in buffers.items():
            assert torch.equal(values, found[0][1][name]), name


@pytest.mark.parametrize("readout", ["stages", "last", "projected"])
@pytest.mark.parametrize("trunk", TRUNKS)
def test_embeddings_do_not_see_padding(trunk, readout):
    x, n_valid, padding = a_batch()
    model = a_model(trunk).eval()
    signal = x.clone().requires_grad_()
    z = model.read_out(model.encoder(signal, n_valid), readout)
    z.sum().backward()
    assert (signal.grad[padding] == 0).all() and torch.isfinite(z).all()
    assert torch.equal(
        z, model.read_out(model.encoder(x.masked_fill(padding, 9), n_valid), readout)
    )


@pytest.mark.parametrize("length", LENGTHS)
def test_a_short_record_is_embedded_as_in_a_window_of_its_length(length):
    model = a_model("conv").train()
    model.encoder(*a_batch()[:2])
    model.eval()
    x, n_valid, _ = a_batch([length, N_TIMES])
    alone = model.summary(model.encoder(x[:1, :, :length], n_valid[:1]))
    padded = model.summary(model.encoder(x, n_valid))[:1]
    torch.testing.assert_close(padded, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", [*TRUNKS, "xresnet"])
def test_classifiers_do_not_see_padding(network):
    x, n_valid, padding = a_batch()
    found = []
    for fill in (0.0, 50.0):
        torch.manual_seed(0)
        if network == "xresnet":
            encoder, dims = XResNet1d(3, 18), [64]
        else:
            encoder = build_encoder(EncoderConfig(**TRUNKS[network]), 3, N_TIMES)
            dims = encoder.stage_dims
        head = SummaryHead(dims, n_voltages=4, n_classes=2)
        model = ClassifierModel(encoder, head, multi_label=False).train()
        signal = x.masked_fill(padding, fill).requires_grad_()
        loss = model(signal, n_valid, torch.ones(len(x), 4), torch.arange(len(x)) % 2)["loss"]
        loss.backward()
        assert (signal.grad[padding] == 0).all() and signal.grad[~padding].any()
        found.append(loss.item())
    assert found[0] == found[1]


def test_batch_statistics_are_those_of_the_records():
    torch.manual_seed(0)
    x, valid = torch.randn(3, 4, 10), inside(10, torch.tensor([10, 6, 1]))
    padded, alone = JointBatchNorm1d(4), JointBatchNorm1d(4)
    out = padded(x, valid)
    flat = x.transpose(0, 1)[:, valid][None]
    expected = alone(flat)
    torch.testing.assert_close(out.transpose(0, 1)[:, valid][None], expected)
    torch.testing.assert_close(padded.running_mean, alone.running_mean)
    torch.testing.assert_close(padded.running_var, alone.running_var)


@pytest.mark.parametrize("ratio", [0.1, 0.4, 0.75])
def test_masks_hide_the_same_share_of_short_records(ratio):
    n_valid = torch.tensor(LENGTHS)
    hidden = hide_blocks(len(LENGTHS), 3, N_TIMES, block=25, ratio=ratio, n_valid=n_valid)
    blocks = hidden[..., ::25]
    assert len(blocks.flatten(1).sum(dim=1).unique()) == 1
    for row, length in zip(blocks, LENGTHS, strict=True):
        n_blocks = 3 * -(-length // 25)
        n_hidden = int(row[:, : -(-length // 25)].sum())
        assert abs(n_hidden - ratio * n_blocks) <= 1 and 0 < n_hidden < n_blocks


class Zeros(torch.nn.Module):
    def forward(self, maps, hidden, n_valid):
        return torch.zeros(hidden.shape)


def test_padding_is_not_scored():
    """A model that predicts zeros has learned nothing, whatever is padded with zeros."""
    x, n_valid, _ = a_batch([20] * 64)
    model = a_model("conv").eval()
    model.decoder = Zeros()
    _, _, bound = model.structure(x, n_valid)
    assert abs(bound.item()) < 0.01


def test_flat_leads_are_not_scored():
    x, n_valid, _ = a_batch([200] * 64)
    model = a_model("conv").eval()
    model.decoder = Zeros()
    torch.manual_seed(0)
    alone = [v.item() for v in model.structure(x, n_valid)[1:]]
    x[:, 1] = 0
    torch.manual_seed(0)
    loss, bound = (v.item() for v in model.structure(x, n_valid)[1:])
    assert loss == pytest.approx(alone[0], rel=0.05) and abs(bound) < 0.01


@pytest.fixture(scope="module")
def ragged(tmp_path_factory):
    """Simulated recordings of 0.6 to 2 seconds, and their reports."""
    import wfdb

    ecg = make_ecg(48, duration=2, random_state=0)
    folder, random = tmp_path_factory.mktemp("ragged"), np.random.default_rng(0)
    names = [f"r{i}" for i in range(48)]
    for name, x in zip(names, np.asarray(ecg.data, dtype=float), strict=True):
        signal = x[:, : random.integers(60, 201)].T
        wfdb.wrsamp(name, fs=100, units=["mV"] * 12, sig_name=list(ecg.data.lead_names),
                    p_signal=signal, fmt=["16"] * 12, write_dir=str(folder))  # fmt: skip
    return ECGRecords.from_wfdb(names, root=folder), ecg.reports


@pytest.mark.parametrize("trunk", TRUNKS)
def test_ragged_recordings_are_trained_on(trunk, ragged):
    records, reports = ragged
    embedder = MeritEmbedder(
        encoder=TRUNKS[trunk], pretrained=None, duration=2, max_epochs=2, random_state=0
    )
    embedder.fit(records, reports=reports)
    assert np.isfinite([list(row.values()) for row in embedder.history_]).all()
    assert np.isfinite(embedder.transform(records)).all()
    assert np.isfinite(embedder.reconstruct(records).reconstruction).all()


@pytest.mark.parametrize("trunk", TRUNKS)
def test_ragged_recordings_are_classified(trunk, ragged):
    records, _ = ragged
    embedder = MeritEmbedder(
        encoder=TRUNKS[trunk], pretrained=None, duration=2, max_epochs=1, random_state=0
    )
    model = MeritClassifier(embedder.fit(records), max_epochs=1, random_state=0)
    probabilities = model.fit(records, np.arange(48) % 2).predict_proba(records)
    assert np.isfinite(probabilities).all()
