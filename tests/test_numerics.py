"""What is computed of a recording depends on nothing but the recording, on any processor."""

import contextlib
import copy
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from merit_sk import MeritClassifier, MeritEmbedder, MeritZeroShotClassifier
from merit_sk.datasets import make_ecg
from merit_sk.estimators import XResNetClassifier
from merit_sk.nn.prefix import PrefixProjector

HERE = Path(__file__)
CONV = {"widths": [8, 8, 16], "patch": 8}
VIT = {"trunk": "vit", "width": 16, "depth": 2, "heads": 2, "patch": 25, "decoder_width": 16}
MODELS = {
    "conv float32": (CONV, "float32", None),
    "conv bfloat16": (CONV, "bfloat16", None),
    "conv one lead float32": (CONV, "float32", ["II"]),
    "vit float32": (VIT, "float32", None),
    "vit bfloat16": (VIT, "bfloat16", None),
    "vit of all leads float32": (VIT | {"tokenizer": "time"}, "float32", None),
}


class RoundingByPlace(TorchDispatchMode):
    """Matrix products that round every other row differently, as those of some processors do."""

    _products = frozenset(
        getattr(torch.ops.aten, name).default
        for name in ("linear", "matmul", "mm", "addmm", "bmm", "baddbmm")
    )

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        if function in self._products and out.dim() > 1:
            out.flatten(0, -2)[1::2] *= 1 + 2 * torch.finfo(out.dtype).eps
        return out


@pytest.fixture(params=["products of this processor", "simulated products"])
def products(request):
    simulated = request.param == "simulated products"
    with RoundingByPlace() if simulated else contextlib.nullcontext():
        yield


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(12, task="superclass", duration=1, noise=0, random_state=0)


def pretrained(ecg, model):
    encoder, precision, leads = MODELS[model]
    embedder = MeritEmbedder(
        pretrained=None, encoder=encoder, precision=precision, leads=leads, duration=1,
        max_epochs=1, batch_size=7, random_state=0,
    )  # fmt: skip
    return embedder.fit(signals(ecg, embedder), reports=ecg.reports)


def signals(ecg, embedder):
    X = np.asarray(ecg.data)
    return X if embedder.leads is None else X[:, 1:2]


@pytest.fixture(scope="module", params=list(MODELS))
def embedder(request, ecg):
    return pretrained(ecg, request.param)


def assert_alone(method, X):
    """A recording gets the same numbers beside any others, in any order and by itself."""
    expected = method(X)
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_array_equal(method(X[order]), expected[order])
    np.testing.assert_array_equal(method(X[1:6]), expected[1:6])
    for i in (0, len(X) - 1):
        np.testing.assert_array_equal(method(X[i : i + 1]), expected[i : i + 1])


def test_simulated_products_depend_on_the_place():
    linear, rows = torch.nn.Linear(5, 3), torch.ones(4, 5)
    for context in (contextlib.nullcontext(), torch.inference_mode()):
        with context, RoundingByPlace():
            out = linear(rows)
        assert not torch.equal(out[0], out[1])


@pytest.mark.parametrize("readout", ["all", "projected"])
def test_embedding(embedder, ecg, products, readout):
    assert_alone(embedder.set_params(readout=readout).transform, signals(ecg, embedder))


@pytest.mark.parametrize("readout", ["all", "projected"])
def test_embedding_in_bfloat16(embedder, ecg, products, readout):
    rounded = copy.copy(embedder).set_params(readout=readout, inference_precision="bfloat16")
    assert_alone(rounded.transform, signals(ecg, embedder))


def test_text(embedder, ecg, products):
    texts = np.array([*ecg.reports[:6], "sinus rhythm", " ".join(ecg.reports)])
    assert_alone(embedder.embed_text, texts)


def test_zero_shot(embedder, ecg, products):
    X = signals(ecg, embedder)
    classifier = MeritZeroShotClassifier(embedder, classes=["NORM", "MI"]).fit(X)
    assert_alone(classifier.predict_proba, X)


def test_classification(embedder, ecg, products):
    X = signals(ecg, embedder)
    classifier = MeritClassifier(
        embedder, max_epochs=1, batch_size=7, precision=embedder.precision, random_state=0
    ).fit(X, ecg.target)
    assert_alone(classifier.decision_function, X)


def test_xresnet(ecg, products):
    X = np.asarray(ecg.data)
    classifier = XResNetClassifier(18, max_epochs=1, batch_size=7, duration=1, random_state=0)
    assert_alone(classifier.fit(X, ecg.target).decision_function, X)


def test_prefix_of_a_report(products):
    torch.manual_seed(0)
    projector = PrefixProjector(12, token_width=4, n_prefix=3, width=16).eval()
    ecg = torch.randn(8, 12 + 5 * 4).numpy()
    with torch.inference_mode():
        assert_alone(lambda rows: projector(torch.tensor(rows)).numpy(), ecg)


@pytest.mark.parametrize("model", ["conv float32", "conv bfloat16", "vit bfloat16"])
def test_fit_twice(ecg, model):
    X = np.asarray(ecg.data)
    first, second = (pretrained(ecg, model) for _ in range(2))
    np.testing.assert_array_equal(first.transform(X), second.transform(X))
    first, second = (
        MeritClassifier(
            embedder, max_epochs=1, batch_size=7, precision=embedder.precision, random_state=0
        ).fit(X, ecg.target)
        for embedder in (first, second)
    )
    np.testing.assert_array_equal(first.decision_function(X), second.decision_function(X))


def on_a_processor(kind, n_threads, **settings):
    marks = [] if (kind, n_threads) in [("this", 2), ("oldest", 1)] else [pytest.mark.slow]
    if kind.startswith("AVX") and kind > torch.backends.cpu.get_cpu_capability():
        marks.append(pytest.mark.skip(reason=f"this processor has no {kind}"))
    settings["OMP_NUM_THREADS"] = settings["MKL_NUM_THREADS"] = str(n_threads)
    settings["OMP_WAIT_POLICY"] = "PASSIVE"  # waiting threads leave a busy machine to the others
    return pytest.param(settings, id=f"{kind}, {n_threads} threads", marks=marks)


PROCESSORS = [
    on_a_processor(kind, n_threads, **settings)
    for n_threads in (1, 2)
    for kind, settings in {
        "this": {},
        "oldest": dict(
            ATEN_CPU_CAPABILITY="default", ONEDNN_MAX_CPU_ISA="SSE41",
            MKL_ENABLE_INSTRUCTIONS="SSE4_2",
        ),
        "AVX2": dict(
            ATEN_CPU_CAPABILITY="avx2", ONEDNN_MAX_CPU_ISA="AVX2", MKL_ENABLE_INSTRUCTIONS="AVX2",
        ),
        "AVX512": dict(
            ATEN_CPU_CAPABILITY="avx512", ONEDNN_MAX_CPU_ISA="AVX512_CORE",
            MKL_ENABLE_INSTRUCTIONS="AVX512",
        ),
        "compatible": dict(MKL_CBWR="COMPATIBLE"),
    }.items()
]  # fmt: skip


@pytest.mark.parametrize("settings", PROCESSORS)
def test_other_processors(settings):
    out = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
         HERE, HERE.with_name("test_distributed.py"),
         "-k", "(this or fit_twice or twice_the_batch) and not other_processors"],
        env=os.environ | settings, cwd=HERE.parents[1], capture_output=True, text=True,
    )  # fmt: skip
    assert out.returncode == 0, out.stdout[-3000:]
