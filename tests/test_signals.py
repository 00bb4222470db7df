import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from merit_sk.signals import (
    STANDARD_LEADS,
    bandpass,
    canonical_lead_name,
    check_finite,
    lead_indices,
    millivolts_per_unit,
    resample,
    zscore,
)


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        ("AVR", "aVR"),
        ("avr", "aVR"),
        ("DI", "I"),
        ("D2", "II"),
        ("LEAD I", "I"),
        ("Lead aVF", "aVF"),
        ("MDC_ECG_LEAD_V4", "V4"),
        ("MDC_ECG_LEAD_aVL", "aVL"),
        ("ECG lead II", "II"),
        ("C3", "V3"),
        (" v6 ", "V6"),
        ("Resp", "Resp"),
    ],
)
def test_lead_names_are_recognized(given_name, expected):
    assert canonical_lead_name(given_name) == expected


def test_every_standard_lead_is_its_own_name():
    assert [canonical_lead_name(name) for name in STANDARD_LEADS] == list(STANDARD_LEADS)


def test_leads_are_found_by_name_in_any_order():
    mimic = ["I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6"]
    assert lead_indices(mimic, STANDARD_LEADS) == [0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10, 11]


def test_missing_lead_names_what_is_expected_and_given():
    with pytest.raises(ValueError, match=r"V1 are missing: expected I, V1, given I, II"):
        lead_indices(["I", "II"], ["I", "V1"])
    with pytest.raises(ValueError, match="more than once"):
        lead_indices(["I", "DI"], ["I"])


@pytest.mark.parametrize(("unit", "factor"), [("mV", 1), ("µV", 1e-3), ("uV", 1e-3), ("V", 1e3)])
def test_units_of_voltage(unit, factor):
    assert millivolts_per_unit(unit) == factor


def test_other_units_are_refused():
    with pytest.raises(ValueError, match="mmHg"):
        millivolts_per_unit("mmHg")


@pytest.mark.parametrize(("rate_in", "rate_out"), [(500, 100), (360, 500), (1000, 250), (257, 100)])
def test_resampling_keeps_a_sine(rate_in, rate_out):
    t_in = np.arange(10 * rate_in) / rate_in
    y = resample(np.sin(2 * np.pi * 3 * t_in)[None], rate_in, rate_out)
    t_out = np.arange(y.shape[-1]) / rate_out
    assert y.shape[-1] == -(-10 * rate_in * rate_out // rate_in)
    inside = slice(rate_out, -rate_out)
    np.testing.assert_allclose(y[0, inside], np.sin(2 * np.pi * 3 * t_out)[inside], atol=0.01)


def test_resampling_leaves_a_single_sample():
    x = np.array([[0.5], [-1.0]])
    np.testing.assert_allclose(resample(x, 500, 100), x, rtol=1e-6)
    np.testing.assert_allclose(resample(x, 100, 200), np.repeat(x, 2, axis=1), rtol=1e-6)


def test_resampling_at_the_same_rate_returns_the_input():
    x = np.ones((2, 5), dtype=np.float32)
    assert resample(x, 100, 100.0) is x


def test_resampling_keeps_an_offset_up_to_the_ends():
    np.testing.assert_allclose(resample(np.full(5000, 3.0), 500, 100), 3, atol=1e-3)


def test_bandpass_passes_the_band_and_nothing_else():
    t = np.arange(2000) / 200
    for frequency, amplitude in ((0.05, 0), (5, 1), (20, 1), (80, 0)):
        y = bandpass(np.sin(2 * np.pi * frequency * t), 200, 0.5, 40)[400:-400]
        assert np.sqrt(2) * y.std() == pytest.approx(amplitude, abs=0.05)


def test_bandpass_has_no_phase_shift_and_no_kink_at_the_ends():
    t = np.arange(1000) / 100
    pulse = np.exp(-(((t - 5) / 0.05) ** 2))
    assert np.argmax(bandpass(pulse, 100, 0.5, 40)) == np.argmax(pulse)
    drift = 2 + 0.3 * t
    assert np.abs(bandpass(drift, 100, 0.5, 40)).max() < 1e-3


@pytest.mark.parametrize("n_times", [1, 2, 3, 7])
def test_short_signals_are_filtered(n_times):
    y = bandpass(np.ones((3, 2, n_times)), 100, 0.5, 40)
    assert y.shape == (3, 2, n_times)
    assert np.abs(y).max() < 1e-6


def test_open_sides_of_the_band():
    x = np.random.default_rng(0).standard_normal((2, 500)).astype(np.float32)
    np.testing.assert_allclose(bandpass(x, 100, None, None), x, atol=1e-5)
    np.testing.assert_allclose(bandpass(x, 100, None, 60), x, atol=1e-5)
    with pytest.raises(ValueError, match="low < high"):
        bandpass(x, 100, 40, 0.5)


@given(
    offset=st.floats(-1e3, 1e3),
    scale=st.sampled_from([0, 1e-3, 1, 1e3]),
    n_times=st.integers(1, 50),
    seed=st.integers(0, 99),
)
@settings(max_examples=100, deadline=None)
def test_zscore_is_standard_or_zero(offset, scale, n_times, seed):
    x = offset + scale * np.random.default_rng(seed).standard_normal((2, n_times))
    z = zscore(x)
    assert np.isfinite(z).all()
    if scale >= 1e-3 * max(1, abs(offset)) and n_times > 1:
        np.testing.assert_allclose(z.std(axis=-1), 1, atol=0.01)
    if scale == 0:
        assert not z.any()


def test_invalid_samples_are_an_error_that_names_the_records():
    X = np.zeros((3, 2, 10))
    X[1, 0, 3] = np.nan
    X[2, 1, 4] = np.inf
    with pytest.raises(ValueError, match=r"2 NaN or infinite samples in records b, c"):
        check_finite(X, names=["a", "b", "c"])


def test_invalid_samples_are_interpolated_on_request():
    X = np.tile(np.arange(10.0), (2, 2, 1))
    X[0, 0, [0, 3, 4, 9]] = np.nan
    X[1, 1] = np.nan
    with pytest.warns(UserWarning, match="14 NaN or infinite samples in records 0, 1"):
        repaired = check_finite(X, on_invalid="repair")
    np.testing.assert_array_equal(repaired[0, 0], [1, 1, 2, 3, 4, 5, 6, 7, 8, 8])
    np.testing.assert_array_equal(repaired[1, 1], np.zeros(10))
    assert np.isnan(X[0, 0, 0])
