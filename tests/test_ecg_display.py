"""ECGDisplay: a recording on ECG paper."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from merit_sk.datasets import make_ecg
from merit_sk.inspection import ECGDisplay
from merit_sk.signals import STANDARD_LEADS


@pytest.fixture
def ecg():
    yield make_ecg(2, statements=["NORM", "CLBBB"], random_state=0)
    plt.close("all")


def test_twelve_leads_and_a_rhythm_strip_to_scale(ecg):
    display = ECGDisplay.from_records(ecg.data, 1)
    assert len(display.lines_) == 13
    assert display.ax_.get_xlim() == (0, 250)  # 10 s at 25 mm/s
    assert display.ax_.get_ylim() == (0, 100)
    assert display.ax_.get_aspect() == 1
    assert display.ax_.get_title(loc="left") == ecg.reports[1]
    assert display.figure_ is display.ax_.figure
    x, y = display.lines_[-1].get_data()
    lead = np.asarray(ecg.data)[1, 1]
    assert np.ptp(y) == pytest.approx(10 * np.ptp(lead), rel=1e-3)  # 10 mm/mV
    assert np.diff(x)[0] == pytest.approx(0.25)


def test_leads_are_found_by_name(ecg):
    signal = np.asarray(ecg.data)[0]
    order = np.random.default_rng(0).permutation(12)
    names = [STANDARD_LEADS[k] for k in order]
    one = ECGDisplay(signal, sampling_rate=100).plot()
    two = ECGDisplay(signal[order], sampling_rate=100, lead_names=names).plot()
    for a, b in zip(one.lines_, two.lines_, strict=True):
        np.testing.assert_allclose(a.get_ydata(), b.get_ydata())


def test_other_leads_are_drawn_one_below_the_other(ecg):
    display = ECGDisplay(np.zeros((2, 500)), sampling_rate=100, lead_names=["II", "V5"]).plot()
    assert len(display.lines_) == 2
    assert display.ax_.get_xlim() == (0, 125)


def test_given_axes_are_used(ecg):
    _, ax = plt.subplots()
    assert ECGDisplay.from_records(ecg.data, 0, ax=ax, title="x").ax_ is ax


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match="n_leads, n_times"):
        ECGDisplay(np.zeros(100), sampling_rate=100).plot()
    with pytest.raises(ValueError, match="lead_names"):
        ECGDisplay(np.zeros((2, 100)), sampling_rate=100).plot()
