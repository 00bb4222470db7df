"""Searches for similar recordings: their metric, and the neighbors on paper."""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.metrics import recall_score
from sklearn.neighbors import NearestNeighbors

from merit_sk import ECGRecords, MeritEmbedder
from merit_sk.datasets import make_ecg
from merit_sk.inspection import NeighborsDisplay
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


@pytest.fixture
def two_of_three(rhythms):
    """Queries, what is searched, and made-up neighbors and distances."""
    yield (
        rhythms.data[:2],
        rhythms.data[2:],
        np.array([[4, 0], [7, 9]]),
        np.array([[0.1, 0.25]] * 2),
    )
    plt.close("all")


def titles(display):
    return [ax.get_title(loc="left") for ax in display.axes_]


def test_query_and_neighbors_are_drawn_in_their_order(two_of_three):
    new, known, neighbors, distances = two_of_three
    display = NeighborsDisplay.from_records(new, known, neighbors, distances, index=1)
    assert titles(display) == [
        f"query: {new.reports[1]}",
        f"1, distance 0.1: {known.reports[7]}",
        f"2, distance 0.25: {known.reports[9]}",
    ]
    shown = [panel.signal for panel in display.displays_]
    np.testing.assert_array_equal(shown, [new[1], known[7], known[9]])
    widths = [ax.spines["left"].get_linewidth() for ax in display.axes_]
    assert widths[0] > max(widths[1:])
    display.figure_.canvas.draw()


def test_query_may_be_a_phrase_and_labels_may_be_given(two_of_three):
    _, known, neighbors, _ = two_of_three
    labels = [f"case {i}" for i in range(len(known))]
    phrases = ["slow", "fast"]
    display = NeighborsDisplay.from_records(phrases, known, neighbors, labels=labels)
    assert titles(display) == ["1: case 4", "2: case 0"]
    assert display.figure_.get_suptitle() == "slow"
    assert len(display.figure_.axes) == 2


def test_long_recordings_are_cut_and_long_reports_shortened():
    signals = np.random.default_rng(0).normal(size=(2, 12, 3000)).astype(np.float32)
    records = ECGRecords.from_array(signals, sampling_rate=100, reports=["sinus rhythm " * 40] * 2)
    display = NeighborsDisplay(records[:1], records[1:]).plot()
    assert [panel.signal.shape for panel in display.displays_] == [(12, 1000)] * 2
    assert all(title.endswith("...") and len(title) < 250 for title in titles(display))
    plt.close("all")


def test_neighbors_that_do_not_fit_are_named(two_of_three):
    new, known, neighbors, distances = two_of_three
    draw = NeighborsDisplay.from_records
    with pytest.raises(ValueError, match="distances first"):
        draw(new, known, distances, neighbors)
    with pytest.raises(ValueError, match="neighbors holds 7, but there are 5"):
        draw(new, known[:5], neighbors)
    with pytest.raises(ValueError, match="row for each of the 2 queries"):
        draw(new, known, neighbors[:1])
    with pytest.raises(ValueError, match="row for each of the 2 queries"):
        draw(new, known, neighbors[0])
    with pytest.raises(ValueError, match="distances has 1 entries for 2 neighbors"):
        draw(new, known, neighbors, distances[:, :1])
    with pytest.raises(ValueError, match="labels has 3 entries"):
        draw(new, known, neighbors, labels=["a", "b", "c"])
    with pytest.raises(ValueError, match="sequence of phrases"):
        draw("AF", known, neighbors)
