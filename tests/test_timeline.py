"""TimelineDisplay: what a classifier says of a long recording."""

import numpy as np
import pytest

from merit_sk.inspection import TimelineDisplay


class Classifier:
    """AFIB is probable from the second to the fourth hour of the recording that is asked for."""

    classes_ = np.array(["SR", "AFIB", "PVC"])

    def predict_proba_windows(self, X):
        assert len(X) == 1
        times = np.arange(0, 8 * 3600, 10.0)
        afib = np.where((times >= 7200) & (times < 4 * 3600), 0.9, 0.05)
        yield times, np.column_stack([1 - afib, afib, np.full(len(times), 0.01)])


def test_shares_and_columns():
    display = TimelineDisplay.from_estimator(Classifier(), np.zeros((3, 12, 10)), index=2)
    assert display.classes == ["SR", "AFIB", "PVC"]
    np.testing.assert_allclose(display.shares_, [0.75, 0.25, 0])
    shown = display.image_.get_array().reshape(3, -1)
    assert shown.shape[1] <= 480
    middle = np.linspace(0, 8, shown.shape[1] + 1)[:-1]
    np.testing.assert_allclose(shown[1][(middle > 2.1) & (middle < 3.9)], 0.9)
    np.testing.assert_allclose(shown[1][middle > 4.1], 0.05)
    assert display.ax_.get_xlabel() == "time in hours"
    assert display.ax_.get_xlim() == (0, 8)


def test_classes_asked_for_and_those_shown_by_default():
    X = np.zeros((1, 12, 10))
    display = TimelineDisplay.from_estimator(Classifier(), X, classes=["PVC", "AFIB"])
    assert display.classes == ["PVC", "AFIB"]
    display = TimelineDisplay.from_estimator(Classifier(), X, max_classes=2, threshold=0.95)
    assert display.classes == ["SR", "AFIB"]
    np.testing.assert_allclose(display.shares_, [0.75, 0])
    with pytest.raises(ValueError, match=r"unknown classes: \['VT'\]"):
        TimelineDisplay.from_estimator(Classifier(), X, classes=["VT"])


@pytest.mark.parametrize(("times", "unit"), [([0.0], "seconds"), (np.arange(0, 60, 10), "seconds"),
                                             (np.arange(0, 600, 10), "minutes")])  # fmt: skip
def test_short_recordings(times, unit):
    display = TimelineDisplay.from_predictions(times, np.zeros((len(times), 2)), ["a", "b"])
    assert display.ax_.get_xlabel() == f"time in {unit}"
    assert display.shares_.tolist() == [0, 0]


def test_gaps_are_filled_with_what_was_before():
    times = np.array([0.0, 10, 20, 60, 70])
    display = TimelineDisplay.from_predictions(times, np.linspace(0, 1, 5)[:, None], ["a"])
    assert np.isfinite(display.image_.get_array()).all()


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"expected probabilities of shape \(3, 2\)"):
        TimelineDisplay([0, 10, 20], np.zeros((2, 3)), ["a", "b"]).plot()
