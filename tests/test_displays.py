import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.utils import Bunch

from merit_sk.evaluation import evaluate_probe, evaluate_shift, evaluate_zero_shot
from merit_sk.inspection import (
    EmbeddingDisplay,
    PretrainingDisplay,
    ProbeCurveDisplay,
    ReconstructionDisplay,
    ReliabilityDisplay,
    ZeroShotDisplay,
)

HISTORY = [
    {"epoch": e, "train_loss": 1.0, "mi_signal": e / 10, "mi_text": e, "valid_mi_text": e / 2}
    for e in (1, 2, 3)
]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def drawn(figure):
    """Render, so that errors of layout and text show; the number of dark pixels."""
    figure.canvas.draw()
    return int((np.asarray(figure.canvas.buffer_rgba())[..., :3].min(axis=2) < 128).sum())


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_pretraining_shows_each_bound_on_its_own_axis():
    class Fitted:
        history_ = HISTORY
        batch_size = 32

    display = PretrainingDisplay.from_estimator(Fitted())
    text, signal = display.axes_
    assert "nats" in text.get_ylabel() and "nats" in signal.get_ylabel()
    assert legend_texts(text) == ["training", "validation"]
    assert legend_texts(signal) == ["training"]
    np.testing.assert_array_equal(display.lines_[1].get_ydata(), [0.5, 1, 1.5])
    assert text.get_ylim()[1] > np.log(32)
    assert drawn(display.figure_) > 100


def test_pretraining_takes_axes_and_says_what_it_lacks():
    _, axes = plt.subplots(1, 2)
    assert PretrainingDisplay(HISTORY).plot(ax=axes).axes_[0] is axes[0]
    with pytest.raises(ValueError, match="2 bounds"):
        PretrainingDisplay(HISTORY).plot(ax=axes[0])
    masked_only = [{"epoch": 1, "mi_signal": 0.1}]
    assert len(PretrainingDisplay(masked_only).plot(ax=axes[0]).axes_) == 1
    with pytest.raises(ValueError, match="mi_text"):
        PretrainingDisplay([{"epoch": 1}]).plot()
    with pytest.raises(ValueError, match="fit it"):
        PretrainingDisplay.from_estimator(object())


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_embedding_colors_single_labels_and_greys_the_rest(method):
    rng = np.random.default_rng(0)
    y = np.zeros((60, 3), dtype=int)
    y[np.arange(60), np.arange(60) % 3] = 1
    y[:6] = [1, 1, 0]
    y[6:9] = 0
    Z = y @ rng.normal(size=(3, 8)) + 0.1 * rng.normal(size=(60, 8))

    class Embedder:
        def transform(self, X):
            return Z[X]

    display = EmbeddingDisplay.from_estimator(
        Embedder(), np.arange(60), y, target_names=["A", "B", "C"], method=method
    )
    sizes = [len(scatter.get_offsets()) for scatter in display.scatters_]
    assert sizes == [9, 17, 17, 17]
    assert legend_texts(display.ax_) == ["A (17)", "B (17)", "C (17)", "several or none (9)"]
    assert len({tuple(s.get_facecolor()[0]) for s in display.scatters_}) == 4
    assert drawn(display.figure_) > 100


def test_embedding_of_many_classes_or_none():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(200, 5))
    Z[:, 3] = 7
    labels = np.minimum(rng.integers(0, 20, size=200), rng.integers(0, 20, size=200))
    display = EmbeddingDisplay.from_embedding(Z, labels)
    assert len(display.scatters_) == 8
    assert np.isfinite(display.points).all()
    assert sum(len(s.get_offsets()) for s in display.scatters_) == 200
    assert EmbeddingDisplay.from_embedding(Z).ax_.get_legend() is None
    with pytest.raises(ValueError, match="umap"):
        EmbeddingDisplay.from_embedding(Z, method="umap")
    with pytest.raises(ValueError, match="target_names"):
        EmbeddingDisplay.from_embedding(Z, np.eye(200, 3), target_names=["A"])


@pytest.fixture(scope="module")
def probe_data():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=(400, 2))
    data = Bunch(
        data=np.zeros((400, 1)),
        target=y,
        target_names=["A", "B"],
        folds=np.arange(400) % 10 + 1,
        groups=np.arange(400) // 2,
    )
    return y @ rng.normal(size=(2, 6)) + rng.normal(size=(400, 6)), data


def test_probe_curves_show_mean_and_spread(probe_data):
    Z, data = probe_data
    options = {"fractions": (0.1, 0.5, 1.0), "n_repeats": 3, "n_resamples": 5}
    result = evaluate_probe(Z, data, **options)
    display = ProbeCurveDisplay.from_results({"MERIT": result, "half": result})
    assert legend_texts(display.ax_) == ["MERIT", "half"]
    x, y = display.lines_[0].get_data()
    np.testing.assert_allclose(x, result.summary()["n_train"].round())
    np.testing.assert_allclose(y, result.summary()["mean"])
    ticks = [t.get_text() for t in display.ax_.get_xticklabels()]
    assert ticks == [*(f"{n:.0f}" for n in x[:2]), "all"]
    assert drawn(display.figure_) > 100

    class Embedder:
        def transform(self, X):
            return Z[data.target.any(axis=1)][: len(X)]

    _, ax = plt.subplots()
    display = ProbeCurveDisplay.from_estimator(Embedder(), data, ax=ax, **options)
    assert display.ax_ is ax and ax.get_legend() is None


def test_probe_curves_count_labels_and_take_cross_validation(probe_data):
    Z, data = probe_data
    options = {"fractions": (20, 50, 1.0), "n_repeats": 2, "n_resamples": 5}
    results = {"folds": evaluate_probe(Z, data, **options),
               "cv": evaluate_probe(Z, data, cv=3, **options)}  # fmt: skip
    display = ProbeCurveDisplay.from_results(results)
    for line, result in zip(display.lines_, results.values(), strict=True):
        np.testing.assert_allclose(line.get_xdata()[:2], [20, 50])
        np.testing.assert_allclose(line.get_ydata(), result.summary()["mean"])
    assert {t.get_text() for t in display.ax_.get_xticklabels()} == {"20", "50", "all"}


def test_classes_of_a_cross_validated_shift(probe_data):
    Z, data = probe_data
    there = Bunch(data=Z, target=data.target, target_names=["A", "B"])
    result = evaluate_shift((Z, Z), data, there, mapping={"A": ("A",), "B": ("B",)}, cv=3)
    display = ZeroShotDisplay.from_result(result)
    right = sorted(b.get_x() + b.get_width() for b in display.bars_)
    np.testing.assert_allclose(right, np.sort(result.summary()["mean"]))
    assert f"{result.mean:.3f}" in display.ax_.get_title(loc="right")


def test_zero_shot_of_one_record_is_sorted_and_marks_the_labels():
    class Classifier:
        classes_ = np.array(["AFIB", "NORM", "MI", "CD"])

        def predict_proba(self, X):
            return np.tile([0.1, 0.4, 0.3, 0.2], (len(X), 1)) * X[:, :1]

    display = ZeroShotDisplay.from_estimator(
        Classifier(), np.array([[1.0], [2.0]]), 1, truth=["MI"], max_classes=3
    )
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == ["CD", "MI", "NORM"]
    np.testing.assert_allclose([b.get_width() for b in display.bars_], [0.4, 0.6, 0.8])
    colors = [b.get_facecolor() for b in display.bars_]
    assert colors[0] == colors[2] != colors[1]
    assert legend_texts(display.ax_) == ["labeled"]
    assert drawn(display.figure_) > 100


def test_zero_shot_by_class_shows_auc_interval_and_positives(probe_data):
    _, data = probe_data
    data = Bunch(**data)
    data.target = np.column_stack([data.target, np.zeros(400, dtype=int)])
    data.target_names = ["A", "B", "C"]
    data.data = np.random.default_rng(0).normal(size=(400, 3)) + data.target

    class Classifier:
        classes_ = np.array(["A", "B", "C"])

        def decision_function(self, X):
            return X

    with pytest.warns(UserWarning, match="C"):
        result = evaluate_zero_shot(Classifier(), data)
    display = ZeroShotDisplay.from_result(result)
    positives = dict(zip(result.table.target, result.table.n_positives, strict=True))
    labels = {t.get_text() for t in display.ax_.get_yticklabels()}
    assert labels == {f"{name} ({positives[name]})" for name in "AB"}
    right = sorted(b.get_x() + b.get_width() for b in display.bars_)
    np.testing.assert_allclose(right, np.sort(result.table.auc[:2]))
    assert f"{result.auc.estimate:.3f}" in display.ax_.get_title(loc="right")
    assert drawn(display.figure_) > 100
    with pytest.raises(ValueError, match="f1"):
        ZeroShotDisplay([0.5], ["A"], kind="f1").plot()


def test_reconstruction_is_drawn_in_the_hidden_spans_only():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(1, 2, 300))
    mask = np.zeros(signal.shape, dtype=bool)
    mask[0, 1, 100:150] = True

    class Embedder:
        window_ = Bunch(sampling_rate=100.0, leads=("I", "II"))

        def reconstruct(self, X, random_state=None):
            return Bunch(signal=X, reconstruction=X + 1, mask=mask)

    display = ReconstructionDisplay.from_estimator(Embedder(), signal)
    recording, other, _, filled = display.lines_
    assert np.isnan(other.get_ydata()).all()
    np.testing.assert_array_equal(np.isfinite(filled.get_ydata()), mask[0, 1])
    np.testing.assert_allclose(recording.get_xdata()[-1], 2.99)
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == ["I", "II"]
    assert display.ax_.get_xlabel() == "time (s)"
    assert drawn(display.figure_) > 100


def test_reconstruction_of_flat_leads_and_wrong_shapes():
    flat = np.zeros((12, 50))
    display = ReconstructionDisplay(flat, flat, flat > 0, sampling_rate=100).plot()
    assert all(np.isfinite(line.get_ydata()).all() for line in display.lines_[::2])
    with pytest.raises(ValueError, match="one shape"):
        ReconstructionDisplay(flat, flat[:, :5], flat > 0, sampling_rate=100).plot()
    with pytest.raises(ValueError, match="lead_names"):
        ReconstructionDisplay(flat[:3], flat[:3], flat[:3] > 0, sampling_rate=100).plot()


def test_reliability_bins_hold_equal_counts_and_their_frequencies():
    rng = np.random.default_rng(0)
    p = np.sort(rng.uniform(size=1000))
    y = rng.uniform(size=1000) < p**2
    display = ReliabilityDisplay.from_predictions(y, p, "A", n_bins=5, log=False)
    curve = display.curves["A"]
    assert curve["count"].tolist() == [200] * 5
    np.testing.assert_allclose(curve["probability"], p.reshape(5, 200).mean(axis=1))
    np.testing.assert_allclose(curve["frequency"], y.reshape(5, 200).mean(axis=1))
    ece = np.abs(curve["probability"] - curve["frequency"]).mean()
    assert f"A: 1000 in 5 bins, ECE {ece:.3f}" == display.lines_[0].get_label()
    (interval,) = [c for c in display.ax_.collections if hasattr(c, "get_segments")]
    for (_, low), (_, high) in interval.get_segments():
        assert 0 <= low < high <= 1
    within = [low <= m**2 + 0.04 and m**2 - 0.04 <= high
              for ((m, low), (_, high)) in interval.get_segments()]  # fmt: skip
    assert all(within) and drawn(display.figure_) > 100


def test_reliability_of_several_classes_and_of_all_together():
    rng = np.random.default_rng(0)
    p = rng.uniform(0, 0.2, size=(300, 3))
    y = (rng.uniform(size=p.shape) < p).astype(int)

    class Classifier:
        classes_ = np.array(["AFIB", "MI", "CD"])

        def predict_proba(self, X):
            return p

    each = ReliabilityDisplay.from_estimator(Classifier(), p, y, classes=["CD", "AFIB"])
    assert list(each.curves) == ["CD", "AFIB"] and len(each.lines_) == 2
    assert each.curves["CD"]["positives"].sum() == y[:, 2].sum()
    both = ReliabilityDisplay.from_estimator(Classifier(), p, y)
    assert both.curves["all classes"]["count"].sum() == 900
    assert both.ax_.get_xscale() == "log"
    labels = Classifier.classes_[np.arange(300) % 3]
    one = ReliabilityDisplay.from_estimator(Classifier(), p, labels, classes=["MI"])
    assert one.curves["MI"]["positives"].sum() == 100
    with pytest.raises(ValueError, match="no class 'X'"):
        ReliabilityDisplay.from_estimator(Classifier(), p, y, classes=["X"])
    with pytest.raises(ValueError, match="they must agree"):
        ReliabilityDisplay.from_predictions(y[:, 0], p)
    with pytest.raises(ValueError, match="1 where a class holds"):
        ReliabilityDisplay.from_predictions(2 * y, p)


def test_zero_shot_marks_from_where_classes_are_found():
    class Classifier:
        classes_ = np.array(["AFIB", "NORM", "MI"])
        thresholds_ = np.array([0.4, 0.5, 0.1])
        multi_label_ = True

        def predict_proba(self, X):
            return np.tile([0.2, 0.3, 0.15], (len(X), 1))

    display = ZeroShotDisplay.from_estimator(Classifier(), np.zeros((1, 1)))
    (marks,) = display.ax_.lines
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == ["MI", "AFIB", "NORM"]
    assert marks.get_xdata().tolist() == [0.1, 0.4, 0.5]
    assert display.ax_.get_xlim()[1] > 0.5
    Classifier.multi_label_ = False
    display = ZeroShotDisplay.from_estimator(Classifier(), np.zeros((1, 1)))
    assert not display.ax_.lines
