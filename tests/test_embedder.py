"""MeritEmbedder: contracts of input, reproducibility, and where it stands in scikit-learn."""

import copy
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from skorch.callbacks import Callback

from merit_sk import ECGRecords, MeritEmbedder
from merit_sk.datasets import load_ptbxl, make_ecg
from merit_sk.nn.device import resolve_precision
from merit_sk.signals import bandpass
from merit_sk.training.batches import Batches


def changed(parameters, **changes):
    return MeritEmbedder(**(parameters | changes))


def test_embeds_real_recordings(data_dir, tiny):
    ecg = load_ptbxl(data_dir / "ptb-xl")
    some = ecg.data[:40]
    embedder = changed(tiny, duration=10).fit(some, reports=ecg.reports[:40])
    Z = embedder.transform(some)
    assert Z.shape == (40, 216) and Z.dtype == np.float32 and np.isfinite(Z).all()
    assert embedder.language_ == "de"
    np.testing.assert_allclose(embedder.transform(some[7:8]), Z[7:8], rtol=1e-4, atol=1e-5)


def test_records_carry_rate_leads_and_reports(tiny, ecg):
    carried = changed(tiny).fit(ecg.data).transform(ecg.data)
    given = changed(tiny).fit(np.asarray(ecg.data), reports=ecg.reports).transform(ecg.data)
    np.testing.assert_array_equal(carried, given)


def test_lead_order_is_resolved_by_name(fitted, ecg):
    X = np.asarray(ecg.data)
    order = np.random.default_rng(0).permutation(12)
    shuffled = ECGRecords.from_array(
        X[:, order], sampling_rate=100, lead_names=[ecg.data.lead_names[i] for i in order]
    )
    np.testing.assert_array_equal(fitted.transform(shuffled), fitted.transform(X))


def test_another_sampling_rate_is_resampled(fitted, ecg):
    X = np.asarray(ecg.data)[:5]
    fast = ECGRecords.from_array(np.repeat(X, 5, axis=2), sampling_rate=500)
    a, b = fitted.transform(X), fitted.transform(fast)
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.98


def test_long_recordings_average_their_windows(fitted, ecg):
    X = np.asarray(ecg.data)[:4]
    twice = np.concatenate([X[..., :200], X[..., :200]], axis=2)
    Z = fitted.transform(twice)
    assert Z.shape == (4, len(fitted.get_feature_names_out())) and np.isfinite(Z).all()
    ragged = [
        fitted.transform(x[None, :, :n]) for x, n in zip(X, (150, 200, 250, 300), strict=True)
    ]
    assert np.isfinite(np.concatenate(ragged)).all()


def voltages(embedder, X):
    """Return peak voltages in mV: features before they were standardized."""
    Z, model = embedder.transform(X), embedder.model_
    raw = Z * np.sqrt(Z.shape[1]) / 2.5 * model.feature_std.numpy() + model.feature_mean.numpy()
    return raw[:, -120:].reshape(len(X), 12, 2, 5)


def test_voltages_of_real_recordings_come_back_in_millivolts(data_dir, tiny):
    X = np.asarray(load_ptbxl(data_dir / "ptb-xl").data[:20])
    found = voltages(changed(tiny, max_epochs=0, duration=10).fit(X), X)
    seconds = bandpass(X, 100, 0.5, 40).reshape(20, 12, 10, 100)
    np.testing.assert_allclose(found[:, :, 0, 2], np.median(seconds.max(-1), -1), atol=2e-3)
    np.testing.assert_allclose(found[:, :, 0, 4], seconds.max((-1, -2)), atol=2e-3)
    np.testing.assert_allclose(found[:, :, 1, 0], seconds.min((-1, -2)), atol=2e-3)


def test_voltages_are_all_that_a_gain_changes(fitted, ecg):
    X = np.asarray(ecg.data)[:6]
    Z, doubled, tripled = (fitted.transform(gain * X) for gain in (1, 2, 3))
    np.testing.assert_allclose(doubled[:, :-120], Z[:, :-120], rtol=1e-3, atol=1e-3)
    step = (doubled - Z)[:, -120:]
    np.testing.assert_allclose((tripled - doubled)[:, -120:], step, rtol=1e-3, atol=1e-4)
    assert (step != 0).all()


def test_voltages_ignore_padding_and_absent_leads(tiny, ecg):
    X = np.asarray(ecg.data)
    short = X[:, :, :100]
    whole, padded = (changed(tiny, duration=d, max_epochs=0, random_state=0).fit(X) for d in (1, 2))
    np.testing.assert_allclose(voltages(whole, short), voltages(padded, short), atol=1e-5)
    assert np.ptp(voltages(padded, short)[0, 0, 0]) < 1e-6
    limb = ECGRecords.from_array(X[:5, :2], sampling_rate=100, lead_names=["I", "II"])
    with pytest.warns(UserWarning, match="V1"):
        found = voltages(padded, limb)
    np.testing.assert_allclose(found[:, 6:], 0, atol=1e-6)
    np.testing.assert_allclose(found[:, :2], voltages(padded, X[:5])[:, :2], atol=1e-5)


@pytest.mark.parametrize(
    "readout, size", [("all", 216), ("stages", 96), ("last", 48), ("projected", 128)]
)
def test_readouts(fitted, ecg, readout, size):
    other = joblib.load(_dumped(fitted)).set_params(readout=readout)
    assert other.transform(ecg.data[:3]).shape == (3, size)
    assert len(other.get_feature_names_out()) == size


def _dumped(estimator):
    import io

    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return file


@pytest.mark.parametrize("encoder", [
    {"trunk": "vit", "width": 16, "depth": 2, "heads": 2, "patch": 25, "decoder_width": 16},
    {"trunk": "vit", "tokenizer": "time", "width": 16, "depth": 2, "heads": 2, "patch": 25},
])  # fmt: skip
@pytest.mark.parametrize("align_view", ["full", "masked"])
def test_transformer_trunks(tiny, ecg, encoder, align_view):
    embedder = changed(tiny, encoder=encoder, align_view=align_view)
    Z = embedder.fit_transform(ecg.data)
    assert Z.shape == (60, 2 * 3 * 16 + 120) and np.isfinite(Z).all()
    alone = embedder.transform(ecg.data[3:4, ...])
    np.testing.assert_allclose(alone, Z[3:4], rtol=1e-4, atol=1e-5)


def test_records_without_a_report_train_the_structure_branch(tiny, ecg):
    some = np.array(ecg.reports, dtype=object)
    some[::2] = None
    history = changed(tiny).fit(ecg.data, reports=some).history_
    assert all(np.isfinite([row["mi_signal"], row["mi_text"]]).all() for row in history)


def test_masked_modelling_alone_without_reports(tiny, ecg):
    embedder = changed(tiny).fit(np.asarray(ecg.data))
    assert "mi_text" not in embedder.history_[0]
    with pytest.raises(ValueError, match="without reports"):
        embedder.embed_text(["atrial fibrillation"])


def test_random_encoder_is_not_trained(tiny, ecg):
    embedder = changed(tiny, max_epochs=0).fit(ecg.data)
    assert embedder.history_ == [] and embedder.n_iter_ == 0
    assert np.isfinite(embedder.transform(ecg.data)).all()


def test_warm_start_continues(tiny, ecg):
    embedder = changed(tiny, warm_start=True).fit(ecg.data)
    before = {k: v.clone() for k, v in embedder.model_.encoder.state_dict().items()}
    embedder.set_params(max_epochs=1).fit(ecg.data)
    assert [row["epoch"] for row in embedder.history_] == [1, 2, 3]
    drift = max((before[k] - v).abs().max() for k, v in embedder.model_.encoder.state_dict().items()
                if v.is_floating_point())  # fmt: skip
    assert 0 < drift < 1


def test_validation_bounds(tiny, ecg):
    history = changed(tiny, validation_fraction=0.25).fit(ecg.data).history_
    assert {"valid_mi_text", "valid_mi_signal", "valid_loss"} <= set(history[0])


def test_no_word_is_learned_from_recordings_held_out(tiny, ecg):
    words = [f"finding{i}" for i in range(16)]
    embedder = changed(tiny, validation_fraction=0.5, max_epochs=1)
    embedder.fit(ecg.data[:16], reports=words)
    assert sum(embedder.text_features_.known(word) for word in words) == 8
    reports = ["sinus rhythm", *[""] * 15]
    with pytest.raises(ValueError, match="no recording that is trained on has a report"):
        for seed in range(20):
            embedder.set_params(random_state=seed).fit(ecg.data[:16], reports=reports)


class Rows:
    """A data set of numbers."""

    def groups(self):
        return None

    def __len__(self):
        return 67

    def batch(self, rows, generator=None):
        return {"row": torch.as_tensor(rows)}


def test_validation_batches_are_of_one_size():
    """The bound on mutual information in a batch of three pairs cannot be more than log 3."""
    batches = [inputs["row"] for inputs, _ in Batches(Rows(), 32, seed=0, training=False)]
    assert [len(rows) for rows in batches] == [23, 22, 22]
    assert torch.cat(batches).tolist() == list(range(67))
    batches = [inputs["row"] for inputs, _ in Batches(Rows(), 32, seed=0, training=True)]
    assert [len(rows) for rows in batches] == [32, 32, 3]


def test_same_seed_same_result(tiny, ecg):
    X = np.asarray(ecg.data)
    a, b = (changed(tiny).fit(X, reports=ecg.reports).transform(X) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    other = changed(tiny, random_state=1).fit(X, reports=ecg.reports).transform(X)
    assert np.abs(a - other).max() > 1e-3


def test_fit_leaves_the_global_random_state_alone(tiny, ecg):
    torch.manual_seed(3)
    np.random.seed(3)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(3)
    np.random.seed(3)
    changed(tiny).fit(ecg.data)
    assert (torch.rand(1), np.random.rand()) == expected


def test_save_and_load_in_a_new_process(fitted, ecg, tmp_path):
    fitted.save_pretrained(tmp_path / "model")
    X = np.asarray(ecg.data)[:4]
    np.save(tmp_path / "X.npy", X)
    code = (
        "import sys, numpy as np; from merit_sk import MeritEmbedder; p = sys.argv[1];"
        "e = MeritEmbedder.from_pretrained(p + '/model');"
        "np.save(p + '/Z.npy', e.transform(np.load(p + '/X.npy')));"
        "np.save(p + '/T.npy', e.embed_text(['atrial fibrillation']))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "Z.npy"), fitted.transform(X))
    text = fitted.embed_text(["atrial fibrillation"])
    np.testing.assert_array_equal(np.load(tmp_path / "T.npy"), text)


@pytest.mark.parametrize("name, content, error, message", [
    ("config.json", b"{", ValueError, "config.json is damaged"),
    ("config.json", b'{"model_type": "bert"}', ValueError, "does not describe a merit_sk model"),
    ("config.json", None, FileNotFoundError, "no config.json"),
    ("model.safetensors", None, FileNotFoundError, "no model.safetensors"),
    ("model.safetensors", b"\0" * 100, ValueError, "model.safetensors is damaged"),
])  # fmt: skip
def test_damaged_and_foreign_files_are_named(fitted, tmp_path, name, content, error, message):
    fitted.save_pretrained(tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=message):
        MeritEmbedder.from_pretrained(tmp_path)


def test_unknown_model_says_where_was_looked():
    with pytest.raises(OSError, match=r"no such folder.*hub"):
        MeritEmbedder.from_pretrained("nobody/nothing", local_files_only=True)


def test_failed_save_keeps_the_old_model(fitted, tmp_path, monkeypatch):
    fitted.save_pretrained(tmp_path)
    before = (tmp_path / "model.safetensors").read_bytes()
    monkeypatch.setattr("os.replace", lambda *args: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        fitted.save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "README.md", "config.json", "model.safetensors",
    ]  # fmt: skip


def test_pickle_holds_no_live_tensors(fitted, ecg):
    again = joblib.load(_dumped(fitted))
    np.testing.assert_array_equal(again.transform(ecg.data), fitted.transform(ecg.data))
    assert joblib.hash(again) == joblib.hash(fitted)
    assert again.net_ is None


def test_skops_round_trip(fitted, ecg):
    import skops.io

    data = skops.io.dumps(fitted)
    again = skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
    np.testing.assert_array_equal(again.transform(ecg.data[:3]), fitted.transform(ecg.data[:3]))


def test_frozen_embedder_is_shared_by_clones(fitted):
    assert clone(FrozenEstimator(fitted)).estimator is fitted


def test_out_of_memory_halves_the_batch(fitted, ecg, monkeypatch):
    embedder = joblib.load(_dumped(fitted)).set_params(batch_size=16)
    forward = embedder.model_.encoder.forward

    def small_memory(x, n_valid):
        if len(x) > 4:
            raise torch.OutOfMemoryError("out of memory")
        return forward(x, n_valid)

    monkeypatch.setattr(embedder.model_.encoder, "forward", small_memory)
    with pytest.warns(UserWarning, match="batches of 4"):
        Z = embedder.transform(ecg.data)
    np.testing.assert_allclose(Z, fitted.transform(ecg.data), rtol=1e-4, atol=1e-5)


def test_keyboard_interrupt_returns_a_usable_estimator(tiny, ecg):
    from skorch.callbacks import Callback

    class Interrupt(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    embedder = changed(tiny, max_epochs=50, callbacks=[Interrupt()]).fit(ecg.data)
    assert embedder.n_iter_ == 1
    assert np.isfinite(embedder.transform(ecg.data)).all()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("reports", [True, False])
def test_diverging_training_is_an_error(tiny, ecg, reports, precision):
    with pytest.raises(FloatingPointError, match=r"training diverged: .*Lower lr"):
        changed(tiny, lr=1e30, max_epochs=5, precision=precision).fit(
            np.asarray(ecg.data), reports=ecg.reports if reports else None
        )


def test_progress_is_silent_unless_asked_for(tiny, ecg, capsys):
    changed(tiny).fit(ecg.data)
    assert capsys.readouterr().out == ""
    changed(tiny, verbose=1).fit(ecg.data)
    assert "mi_text" in capsys.readouterr().out


def test_batches_of_one_source(ecg, tiny):
    class Seen(Callback):
        def on_batch_begin(self, net, batch, training=False, **kwargs):
            batches.append(set(batch[0]["text_index"].tolist()))

    batches = []
    reports = np.where(np.arange(len(ecg.data)) % 3 == 0, "from a", "from b")
    changed(tiny, batch_size=8, max_epochs=2, callbacks=[Seen()]).fit(
        ecg.data, reports=reports, sources=reports
    )
    per_epoch = -(-len(reports) // 8)
    assert len(batches) == 2 * per_epoch
    mixed = [i % per_epoch for i, seen in enumerate(batches) if len(seen) > 1]
    assert set(mixed) <= {per_epoch - 2, per_epoch - 1}
    assert {0} in batches and {1} in batches


@pytest.mark.parametrize("structure_weight", [0.25, 0])
def test_missing_reports(ecg, tiny, structure_weight):
    class Seen(Callback):
        def on_batch_begin(self, net, batch, training=False, **kwargs):
            pairs.append((batch[0]["text_index"] >= 0).float().mean().item())

    pairs, n = [], len(ecg.data)
    reports = [text if i % 5 == 0 else None for i, text in enumerate(ecg.reports)]
    changed(
        tiny, batch_size=6, max_epochs=1, callbacks=[Seen()], structure_weight=structure_weight
    ).fit(ecg.data, reports=reports)
    if structure_weight == 0:
        assert pairs == [1.0] * -(-4 * (n // 5) // 6)
        return
    assert 0.0 in pairs and 1.0 in pairs
    assert np.mean(pairs) == pytest.approx(0.5, abs=0.1)
    assert sum(0 < share < 1 for share in pairs) <= 2


def test_fewer_reports_more_structure(ecg, tiny):
    reports = [text if i % 5 == 0 else None for i, text in enumerate(ecg.reports)]
    share = np.mean([text is not None for text in reports])
    fit = {
        weight: changed(tiny, max_epochs=1, structure_weight=weight)
        .fit(ecg.data, reports=reports)
        .transform(ecg.data)
        for weight in ("auto", 1 - 0.75 * share, 0.25)
    }
    automatic, same, other = fit.values()
    assert np.array_equal(automatic, same)
    assert not np.array_equal(automatic, other)


def test_fit_asks_for_reports_sources_and_statements():
    requests = MeritEmbedder().get_metadata_routing().fit.requests
    assert requests == {"reports": True, "sources": True, "statements": True}


def test_sources_of_another_length(ecg, tiny):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        changed(tiny).fit(ecg.data, sources=["a"])


@pytest.fixture(params=["real", "simulated"])
def recordings(request):
    if request.param == "simulated":
        return make_ecg(24, random_state=0).data
    return load_ptbxl(request.getfixturevalue("data_dir") / "ptb-xl").data[:100]


def test_bfloat16_stays_within_the_stated_tolerance(recordings):
    """docs/scaling.rst states 2 % of the length of an embedding, and no change unasked."""
    exact = MeritEmbedder().transform(recordings)
    rounded = MeritEmbedder(inference_precision="bfloat16").transform(recordings)
    off = np.linalg.norm(rounded - exact, axis=1) / np.linalg.norm(exact, axis=1)
    assert 0 < off.max() < 0.02 and rounded.dtype == np.float32
    np.testing.assert_array_equal(
        MeritEmbedder(inference_precision="float32").transform(recordings), exact
    )


def test_precision_may_be_changed_after_fit_and_caches_tell_it(fitted, ecg):
    X = np.asarray(ecg.data)[:, :, :200]
    embedder = copy.copy(fitted).set_params(cache=True)
    exact = embedder.transform(X)
    rounded = embedder.set_params(inference_precision="bfloat16").transform(X)
    assert not np.array_equal(rounded, exact)
    ((_, of_first),) = embedder.transform_windows(X[:1])
    np.testing.assert_array_equal(of_first, rounded[:1])
    resolved = resolve_precision("auto", torch.device("cpu"))
    expected = {"float32": exact, "bfloat16": rounded}[resolved]
    embedder.set_params(inference_precision="auto", device="cpu")
    np.testing.assert_array_equal(embedder.transform(X), expected)
    with pytest.raises(ValueError, match="'bf16'"):
        embedder.set_params(inference_precision="bf16").transform(X)
