"""Searches for similar recordings: their metric, and the neighbors on paper."""

from functools import partial

import numpy as np
import pytest
from sklearn.metrics import recall_score
from sklearn.neighbors import NearestNeighbors

from merit_sk import MeritEmbedder
from merit_sk.datasets import make_ecg
from merit_sk.metrics import bootstrap_interval, compare, macro_retrieval


@pytest.fixture
def searched():
    """Labels of 80 queries and those of their five neighbors, which often agree."""
    rng = np.random.default_rng(0)
    y = (rng.random((80, 3)) < [0.5, 0.3, 0.1]).astype(int)
    same = rng.random((80, 5, 1)) < 0.5
    return y, np.where(same, y[:, None], rng.random((80, 5, 3)) < 0.2).astype(int)


def test_recall_and_precision_at_k_are_those_of_each_class(searched):
    y, near = searched
    expected = recall_score(y, near.max(axis=1), average="macro")
    assert macro_retrieval(y, near.max(axis=1)) == pytest.approx(expected)
    precision = [near[y[:, c] == 1, :, c].mean() for c in range(3)]
    assert macro_retrieval(y, near.mean(axis=1)) == pytest.approx(np.mean(precision))


def test_interval_weighs_resamples_as_it_would_repeat_them(searched):
    """The quick way over weights agrees with calling the metric on every resample."""
    y, near = searched
    groups = np.arange(80) // 2
    options = {"groups": groups, "n_resamples": 100, "random_state": 0}
    quick = bootstrap_interval(macro_retrieval, y, near.mean(axis=1), **options)
    slow = bootstrap_interval(lambda y, s: macro_retrieval(y, s), y, near.mean(axis=1), **options)
    np.testing.assert_allclose(quick.resamples, slow.resamples)
    difference = compare(macro_retrieval, y, near.max(axis=1), near[:, 0], **options)
    assert difference.estimate > 0 and difference.low > 0
    few = partial(macro_retrieval, min_positives=20)
    with pytest.warns(UserWarning, match="Left out"):
        interval = bootstrap_interval(few, y, near.mean(axis=1), **options)
    assert interval.low < interval.estimate < interval.high


def test_metric_refuses_what_is_no_fraction(searched):
    y, near = searched
    with pytest.raises(ValueError, match="not distances"):
        macro_retrieval(y, near.sum(axis=1))
    with pytest.raises(ValueError, match=r"y_found has shape \(80, 2\)"):
        macro_retrieval(y, near.mean(axis=1)[:, :2])
    with pytest.raises(ValueError, match="undefined"):
        macro_retrieval(np.ones((4, 1)), np.ones((4, 1)))


@pytest.fixture(scope="module")
def rhythms():
    return make_ecg(90, statements=["AFIB", "SBRAD", "STACH"], random_state=0)


def test_recordings_are_found_by_example_and_by_phrase_and_phrases_by_recording(rhythms):
    """The recipes of the documentation, on rhythms that nobody confuses."""
    embedder = MeritEmbedder(readout="projected")
    Z, y = embedder.transform(rhythms.data), np.arange(90) % 3
    search = NearestNeighbors(n_neighbors=5).fit(Z[:60])
    neighbors = search.kneighbors(Z[60:], return_distance=False)
    assert (y[neighbors] == y[60:, None]).mean() > 0.8
    cosine = NearestNeighbors(n_neighbors=5, metric="cosine", algorithm="brute").fit(Z[:60])
    distance, same = cosine.kneighbors(Z[60:])
    np.testing.assert_array_equal(neighbors, same)
    euclidean = search.kneighbors(Z[60:])[0]
    np.testing.assert_allclose(euclidean**2 / 2, distance, atol=1e-5)

    phrases = ["atrial fibrillation", "sinus bradycardia", "sinus tachycardia"]
    T = embedder.embed_text(phrases)
    assert (y[search.kneighbors(T, return_distance=False)] == np.arange(3)[:, None]).mean() > 0.8
    nearest = NearestNeighbors(n_neighbors=1).fit(T).kneighbors(Z, return_distance=False)[:, 0]
    assert (nearest == y).mean() > 0.8
