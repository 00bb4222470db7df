"""What is computed of a recording depends on nothing but the recording, on any processor."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from merit_sk import MeritClassifier, MeritEmbedder, MeritZeroShotClassifier
from merit_sk.datasets import make_ecg
from merit_sk.estimators import XResNetClassifier

ENCODERS = {
    "conv": {"widths": [8, 8, 16], "patch": 8},
    "vit": {"trunk": "vit", "width": 16, "depth": 2, "heads": 2, "patch": 25, "decoder_width": 16},
    "vit of all leads": {
        "trunk": "vit", "tokenizer": "time", "width": 16, "depth": 2, "heads": 2, "patch": 25,
        "decoder_width": 16,
    },
}  # fmt: skip


class RoundingByPlace(TorchDispatchMode):
    """Matrix products that round every other row differently, as those of some processors do."""

    _products = frozenset(
        getattr(torch.ops.aten, name).default
        for name in ("linear", "matmul", "mm", "addmm", "bmm", "baddbmm")
    )

    def __init__(self):
        super().__init__()
        self.n_changed = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        if function in self._products and out.dim() > 1:
            rows = out.flatten(0, -2)
            rows[1::2] *= 1 + 2 * torch.finfo(out.dtype).eps
            self.n_changed += len(rows[1::2])
        return out


def assert_alone(method, X):
    """A recording gets the same numbers beside any others, in any order and by itself."""
    expected = method(X)
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_array_equal(method(X[order]), expected[order])
    np.testing.assert_array_equal(method(X[1:6]), expected[1:6])
    for i in (0, len(X) - 1):
        np.testing.assert_array_equal(method(X[i : i + 1]), expected[i : i + 1])


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(12, task="superclass", duration=1, noise=0, random_state=0)


@pytest.fixture(scope="module")
def one_lead(ecg):
    return np.asarray(ecg.data)[:, :1]


@pytest.fixture(scope="module", params=list(ENCODERS))
def embedder(request, ecg):
    return MeritEmbedder(
        pretrained=None, encoder=ENCODERS[request.param], duration=1, max_epochs=1, batch_size=8,
        random_state=0,
    ).fit(ecg.data, reports=ecg.reports)  # fmt: skip


@pytest.fixture
def rounding_by_place():
    with RoundingByPlace() as mode:
        yield mode


def test_simulated_products_depend_on_the_place(rounding_by_place):
    rows = torch.nn.Linear(5, 3)(torch.ones(4, 5))
    assert not torch.equal(rows[0], rows[1])
    with torch.inference_mode():
        rows = torch.nn.Linear(5, 3)(torch.ones(4, 5))
    assert not torch.equal(rows[0], rows[1])


@pytest.mark.parametrize("readout", ["all", "projected"])
def test_embedding_is_of_the_recording_alone(embedder, ecg, readout, rounding_by_place):
    X = np.asarray(ecg.data)
    assert_alone(embedder.set_params(readout=readout).transform, X)


def test_text_embedding_is_of_the_text_alone(embedder, ecg, rounding_by_place):
    texts = np.array([*ecg.reports[:6], "sinus rhythm", " ".join(ecg.reports)])
    assert_alone(embedder.embed_text, texts)


def test_zero_shot_is_of_the_recording_alone(embedder, ecg, rounding_by_place):
    classifier = MeritZeroShotClassifier(embedder, classes=["NORM", "MI"]).fit(ecg.data)
    assert_alone(classifier.predict_proba, np.asarray(ecg.data))


def test_classification_is_of_the_recording_alone(embedder, ecg, rounding_by_place):
    classifier = MeritClassifier(embedder, max_epochs=1, batch_size=7, random_state=0)
    classifier.fit(ecg.data, ecg.target)
    assert_alone(classifier.decision_function, np.asarray(ecg.data))


def test_xresnet_is_of_the_recording_alone(ecg, rounding_by_place):
    classifier = XResNetClassifier(18, max_epochs=1, batch_size=7, duration=1, random_state=0)
    classifier.fit(ecg.data, ecg.target)
    assert_alone(classifier.decision_function, np.asarray(ecg.data))
