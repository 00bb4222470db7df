"""Embeddings and statements window by window, with their times."""

import numpy as np
import pytest

from merit_sk import MeritEmbedder, MeritZeroShotClassifier
from merit_sk.datasets import make_ecg
from merit_sk.inspection import TimelineDisplay


@pytest.fixture(scope="module")
def hour():
    """Ten minutes: sinus rhythm, and atrial fibrillation from the fourth to the seventh."""
    parts = [
        make_ecg(1, statements=[(rhythm,)], duration=seconds, random_state=k).data
        for k, (rhythm, seconds) in enumerate([("SR", 180), ("AFIB", 240), ("SR", 180)])
    ]
    return np.concatenate([np.asarray(part) for part in parts], axis=2)


def test_windows_average_to_the_embedding(fitted, hour):
    found = list(fitted.transform_windows(np.concatenate([hour, hour[:, ::-1]])))
    assert len(found) == 2 and found[0][0].tolist() == list(range(0, 600, 2))
    whole = fitted.transform(hour)
    np.testing.assert_allclose(found[0][1].mean(axis=0), whole[0], rtol=1e-3, atol=1e-4)


def test_windows_are_the_recordings_they_hold(fitted, hour):
    ((_, Z),) = fitted.transform_windows(hour[:, :, :1000])
    alone = fitted.transform(hour[0, :, :1000].reshape(12, 5, 200).swapaxes(0, 1))
    np.testing.assert_allclose(Z[1:4], alone[1:4], atol=0.35)  # filtered with what lies beside


def test_transform_windows_needs_no_fit():
    ((times, Z),) = MeritEmbedder().transform_windows(np.zeros((1, 12, 2500)))
    assert times.tolist() == [0, 10, 15] and Z.shape == (3, 1656)


def test_an_episode_is_found_when_it_happens(hour):
    zero = MeritZeroShotClassifier(classes=["AFIB", "SR"]).fit(hour)
    ((times, probabilities),) = zero.predict_proba_windows(hour)
    inside = (times >= 190) & (times < 410)
    outside = (times < 170) | (times >= 430)
    afib, sinus = probabilities.T
    assert np.median(afib[inside]) > 0.5 > 0.2 > np.median(afib[outside])
    assert np.median(sinus[outside]) > np.median(sinus[inside])
    display = TimelineDisplay.from_estimator(zero, hour, classes=["AFIB"])
    assert 0.25 < display.shares_[0] < 0.6
