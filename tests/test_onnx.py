"""A model exported to ONNX computes what the embedder does."""

import builtins
import json

import numpy as np
import pytest

import merit_sk
from merit_sk import ECGRecords, MeritEmbedder
from merit_sk.datasets import make_ecg

onnx = pytest.importorskip("onnx", reason="needs merit_sk[onnx]")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs merit_sk[onnx]")

READOUTS = ("all", "stages", "last", "projected")
VIT = {"trunk": "vit", "width": 16, "depth": 2, "heads": 2, "patch": 25}


def run(path, signal):
    session = onnxruntime.InferenceSession(path)
    (embedding,) = session.run(None, {"signal": np.asarray(signal, dtype=np.float32)})
    return embedding


@pytest.fixture(scope="module")
def signal():
    """Of 64 recordings some with faults that a clinic sees."""
    X = np.asarray(make_ecg(64, random_state=0).data)
    X[0, 3] = 0
    X[1, 2] = 5.0
    X[3, 1] = np.linspace(-3, 8, X.shape[-1])
    X[4] += 300
    X[5] += np.linspace(0, 20, X.shape[-1])
    X[6] *= 1e-3
    X[7] = 0
    return X


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "merit.onnx"
    MeritEmbedder().to_onnx(path)
    return path


@pytest.mark.parametrize("readout", READOUTS)
def test_equals_transform(readout, signal, exported, tmp_path):
    embedder, path = MeritEmbedder(readout=readout), exported
    if readout != "all":
        path = tmp_path / "merit.onnx"
        embedder.to_onnx(path)
    for n in (1, 3, 64):
        Z = run(path, signal[:n])
        assert Z.dtype == np.float32
        expected, level = embedder.transform(signal[:n]), np.arange(n) == 4  # 300 mV cost digits
        np.testing.assert_allclose(Z[~level], expected[~level], rtol=0, atol=1e-4)
        np.testing.assert_allclose(Z[level], expected[level], rtol=0, atol=5e-4)
    usual = signal[8:]  # without large levels, rounding is all there is
    Z = run(path, usual)
    np.testing.assert_allclose(Z, embedder.transform(usual), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("tokenizer", "readout"), [("lead_time", "all"), ("time", "projected")])
def test_transformers(tokenizer, readout, ecg, tmp_path):
    embedder = MeritEmbedder(
        pretrained=None, encoder=VIT | {"tokenizer": tokenizer}, duration=3, max_epochs=1,
        readout=readout, random_state=0,
    ).fit(ecg.data, reports=ecg.reports)  # fmt: skip
    embedder.save_pretrained(tmp_path)
    MeritEmbedder(tmp_path, readout=readout).to_onnx(tmp_path / "vit.onnx")
    for n in (1, 5):
        X = np.asarray(ecg.data[:n])
        np.testing.assert_allclose(
            run(tmp_path / "vit.onnx", X), embedder.transform(X), rtol=0, atol=1e-4
        )


def test_one_lead_at_another_rate(tmp_path):
    records = make_ecg(8, sampling_rate=250, duration=2.5, random_state=0).data.with_leads(["II"])
    encoder = {"widths": [8, 8], "patch": 4, "sampling_rate": 250}
    embedder = MeritEmbedder(
        pretrained=None, encoder=encoder, duration=2.5, max_epochs=0, random_state=0
    ).fit(records)
    embedder.to_onnx(tmp_path / "one.onnx")
    Z = run(tmp_path / "one.onnx", records)
    np.testing.assert_allclose(Z, embedder.transform(records), rtol=0, atol=1e-4)


def test_missing_leads_are_zeros(exported, signal):
    some = ECGRecords.from_array(signal[8:12], sampling_rate=100).with_leads(["V2", "V5"])
    given = np.zeros((4, 12, 1000), dtype=np.float32)
    given[:, [7, 10]] = np.asarray(some)
    with pytest.warns(UserWarning, match="lack 10"):
        Z = MeritEmbedder().transform(some)
    np.testing.assert_allclose(run(exported, given), Z, rtol=0, atol=1e-4)


def test_invalid_samples_show(exported, signal):
    X = signal[:2].copy()
    X[1, 0, 10] = np.nan
    Z = run(exported, X)
    assert np.isfinite(Z[0]).all() and np.isnan(Z[1]).any()


def test_metadata(exported):
    model = onnx.load(exported)
    onnx.checker.check_model(model, full_check=True)
    told = {p.key: p.value for p in model.metadata_props}
    assert told == onnxruntime.InferenceSession(exported).get_modelmeta().custom_metadata_map
    window = MeritEmbedder.from_pretrained("merit-tiny").window_
    assert tuple(json.loads(told.pop("leads"))) == window.leads
    assert json.loads(told.pop("band")) == list(window.band)
    assert told == {
        "merit_sk_version": merit_sk.__version__, "sampling_rate": "100", "unit": "mV",
        "n_times": "1000", "duration": "10", "readout": "all",
    }  # fmt: skip


def test_tells_nothing_of_the_machine(exported):
    content = exported.read_bytes()
    assert b".py" not in content and b"torch/" not in content


def test_what_it_wrote_is_replaced(exported, fitted, tmp_path):
    path = tmp_path / "merit.onnx"
    path.write_bytes(exported.read_bytes())
    fitted.to_onnx(path)
    assert onnx.load(path).graph.input[0].type.tensor_type.shape.dim[2].dim_value == 200
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"notes", b""])
def test_other_files_stay(content, fitted, tmp_path):
    path = tmp_path / "merit.onnx"
    path.write_bytes(content)
    with pytest.raises(FileExistsError, match=r"merit\.onnx was not written by to_onnx"):
        fitted.to_onnx(path)
    assert path.read_bytes() == content


def test_models_of_others_stay(fitted, exported, tmp_path):
    theirs = onnx.load(exported)
    theirs.producer_name = "pytorch"
    onnx.save(theirs, tmp_path / "theirs.onnx")
    with pytest.raises(FileExistsError, match="give another name"):
        fitted.to_onnx(tmp_path / "theirs.onnx")


def test_without_reports_there_is_no_projection(tmp_path, tiny, ecg):
    embedder = MeritEmbedder(**tiny | {"readout": "projected", "max_epochs": 0})
    embedder.fit(np.asarray(ecg.data))
    with pytest.raises(ValueError, match="pretrained without reports"):
        embedder.to_onnx(tmp_path / "merit.onnx")
    assert not list(tmp_path.iterdir())


def test_windows_that_are_too_long(tmp_path, ecg):
    embedder = MeritEmbedder(
        pretrained=None, encoder={"widths": [8], "patch": 2}, duration=101, max_epochs=0
    ).fit(ecg.data)
    with pytest.raises(ValueError, match="10100 samples cannot be exported"):
        embedder.to_onnx(tmp_path / "merit.onnx")


def test_the_extra_is_named_where_it_is_missing(fitted, tmp_path, monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "onnxscript":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"pip install 'merit_sk\[onnx\]'"):
        fitted.to_onnx(tmp_path / "merit.onnx")
