"""What must hold of any simulated ECG, measured on the signals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import find_peaks

from merit_sk.datasets import make_ecg
from merit_sk.signals import STANDARD_LEADS

RATE = 500
LEAD = {name: k for k, name in enumerate(STANDARD_LEADS)}
SINUS = ["NORM", "1AVB", "CRBBB", "LAFB", "IMI", "LVH", "SBRAD", "STACH"]
seeds = st.integers(0, 2**31 - 1)
few = settings(max_examples=8, deadline=None)


def clean(statements, n, seed=0, **arguments):
    ecg = make_ecg(
        n, statements=statements, sampling_rate=RATE, noise=0, random_state=seed, **arguments
    )
    return np.asarray(ecg.data), ecg.frame


def qrs_peaks(x):
    """Times of QRS complexes, from the speed of the potentials alone."""
    speed = np.sqrt((np.gradient(x, axis=1)[[0, 1, 6, 7, 8, 9, 10, 11]] ** 2).sum(axis=0))
    window = np.hanning(31)
    energy = np.convolve(speed, window / window.sum(), "same")
    peaks, _ = find_peaks(energy, height=0.25 * np.percentile(energy, 99), distance=int(0.2 * RATE))
    return peaks / RATE


@few
@given(seed=seeds, noise=st.sampled_from([0.0, 1.0, 3.0]))
def test_einthoven_and_goldberger(seed, noise):
    x = np.asarray(make_ecg(4, noise=noise, random_state=seed, duration=4).data)
    lead = {name: x[:, k] for name, k in LEAD.items()}
    step = dict(atol=0.0021, rtol=0)  # leads are rounded to microvolts
    np.testing.assert_allclose(lead["I"] + lead["III"], lead["II"], **step)
    np.testing.assert_allclose(lead["aVR"], -(lead["I"] + lead["II"]) / 2, **step)
    np.testing.assert_allclose(lead["aVL"], (lead["I"] - lead["III"]) / 2, **step)
    np.testing.assert_allclose(lead["aVF"], (lead["II"] + lead["III"]) / 2, **step)


@few
@given(seed=seeds)
def test_no_beat_is_lost_or_doubled(seed):
    x, frame = clean(["NORM", "AFIB", "1AVB", "CRBBB", "STACH", "SBRAD"], 6, seed)
    for signal, times in zip(x, frame.qrs_times, strict=True):
        assert np.diff(times).min() > 0.25
        inside = times[(times > 0.2) & (times < 9.6)]
        found = qrs_peaks(signal)
        for onset in inside:
            assert ((found > onset) & (found < onset + 0.16)).sum() == 1, (onset, found)


def test_qrs_duration_is_as_asked():
    x, frame = clean(SINUS, 40)
    error, delay = [], []
    for signal, row in zip(x, frame.itertuples(), strict=True):
        onset = row.qrs_times[(row.qrs_times > 0.5) & (row.qrs_times < 8.5)][0]
        before = int(0.06 * RATE)
        first = round(onset * RATE) - before
        last = round((onset + row.qrs / 1000 + 0.06) * RATE)  # before the T wave
        speed = np.abs(np.gradient(signal, axis=1)).max(axis=0)[first:last]
        fast = np.flatnonzero(speed > 0.05 * speed.max())
        error.append((fast[-1] - fast[0]) * 1000 / RATE - row.qrs)
        delay.append((fast[0] - before) * 1000 / RATE)
    assert abs(np.median(error)) < 15 and np.quantile(np.abs(error), 0.9) < 32
    assert abs(np.median(delay)) < 10


def test_pr_interval_is_as_asked():
    x, frame = clean(["NORM", "1AVB"], 20)
    for signal, row in zip(x, frame.itertuples(), strict=True):
        onset = row.qrs_times[row.qrs_times > 1][0]
        p_onset = row.p_times[row.p_times < onset - 0.05][-1]
        assert abs((onset - p_onset) * 1000 - row.pr) < 8
        p_part = signal[LEAD["II"], round(p_onset * RATE) : round(onset * RATE)]
        assert np.ptp(p_part) > 0.02  # there is a P wave


def test_qt_interval_is_as_asked():
    x, frame = clean(["NORM", "LNGQT"], 40)
    measured = []
    for signal, row in zip(x, frame.itertuples(), strict=True):
        onset, following = row.qrs_times[row.qrs_times > 1][1:3]
        start, stop = round(onset * RATE), round((following - row.pr / 1000 - 0.02) * RATE)
        skipped = int((row.qrs + 40) / 1000 * RATE)
        t_wave = signal[:, start + skipped : stop]
        lead = np.ptp(t_wave, axis=1).argmax()
        wave = np.abs(t_wave[lead] - np.median(signal[lead]))
        peak = wave.argmax()
        end = peak + np.flatnonzero(np.append(wave[peak:], 0) < 0.14 * wave[peak])[0]
        measured.append((skipped + end) * 1000 / RATE)
    error = measured - frame.qt
    assert abs(error.median()) < 20
    assert error.abs().quantile(0.9) < 50
    assert np.corrcoef(measured, frame.qt)[0, 1] > 0.9


def test_prolonged_and_short_intervals():
    frame = make_ecg(
        60, statements=["1AVB", "LNGQT", "WPW", "CLBBB", "CRBBB", "NORM"], duration=2
    ).frame
    by = dict(list(frame.groupby(frame.statements.map(lambda s: s[0]))))
    assert (by["1AVB"].pr > 200).all()
    assert (by["LNGQT"].qtc > 460).all()
    assert (by["SR"].pr < 120).all()  # ("SR", "WPW")
    assert (by["CLBBB"].qrs >= 120).all() and (by["CRBBB"].qrs >= 120).all()
    assert by["NORM"].pr.between(120, 200).all() and (by["NORM"].qrs < 120).all()


@few
@given(seed=seeds)
def test_atrial_and_ventricular_rates(seed):
    _, frame = clean(["3AVB", "2AVB", "SR"], 9, seed, duration=30)
    for row in frame.itertuples():
        atrial, ventricular = len(row.p_times), len(row.qrs_times)
        if "3AVB" in row.statements:
            assert ventricular < 0.85 * atrial
            assert np.std(np.diff(row.qrs_times)) < 0.05 * np.mean(np.diff(row.qrs_times))
        elif "2AVB" in row.statements:
            assert ventricular / atrial == pytest.approx(1 - 1 / row.av_cycle, abs=0.08)
        else:
            assert abs(ventricular - atrial) <= 1


@few
@given(seed=seeds)
def test_rhythms_come_out_of_timing(seed):
    _, frame = clean(["AFIB", "NORM", "SBRAD", "STACH", "SVTAC", "AFLT"], 12, seed, duration=20)
    for row in frame.itertuples():
        cycles = np.diff(row.qrs_times)
        spread = cycles.std() / cycles.mean()
        if "AFIB" in row.statements:
            assert len(row.p_times) == 0 and spread > 0.07
        elif "AFLT" in row.statements:
            waves = cycles * row.flutter_rate / 60
            assert np.abs(waves - np.round(waves)).max() < 0.06
        elif "SVTAC" in row.statements:
            assert spread < 0.03 and row.ventricular_rate > 130
        elif "STACH" in row.statements:
            assert row.ventricular_rate > 97
        elif "SBRAD" in row.statements:
            assert row.ventricular_rate < 61
        else:
            assert spread < 0.12 and 48 < row.ventricular_rate < 105


def test_premature_ventricular_beats_have_a_compensatory_pause():
    _, frame = clean([("PVC", "SR")], 10, duration=20)
    for row in frame.itertuples():
        cycles = np.diff(row.qrs_times)
        usual = 60 / row.hr
        early = np.flatnonzero(cycles[:-1] < 0.8 * usual)
        assert len(early)
        pairs = (cycles[early] + cycles[early + 1]) / usual
        assert np.median(np.abs(pairs - 2)) < 0.15


def test_bigeminy_alternates():
    _, frame = clean([("BIGU", "PVC", "SR")], 5, duration=20)
    for row in frame.itertuples():
        cycles = np.diff(row.qrs_times)
        short = cycles < np.mean(cycles)
        assert (short[1:] != short[:-1]).mean() > 0.9


def test_signs_of_conduction_hypertrophy_and_infarction():
    codes = ["NORM", "CLBBB", "CRBBB", "LAFB", "LPFB", "LVH", "VCLVH", "RVH", "IMI", "LVOLT"]
    x, frame = clean(codes, 30 * len(codes), duration=4)
    mean = {c: x[k :: len(codes)] for k, c in enumerate(codes)}
    truth = {c: frame[k :: len(codes)] for k, c in enumerate(codes)}
    sokolow = {c: (f.s_V1 + f[["r_V5", "r_V6"]].max(axis=1)).median() for c, f in truth.items()}
    assert min(sokolow["LVH"], sokolow["VCLVH"]) > 1.4 * sokolow["NORM"]  # in PTB-XL 1.6 times
    assert truth["LAFB"].axis.median() < -35 < 0 < truth["NORM"].axis.median()
    assert truth["LPFB"].axis.median() > 80
    assert (truth["CLBBB"].s_V1 > truth["CLBBB"].r_V1).mean() > 0.9
    assert truth["CRBBB"].r_V1.median() > 2 * truth["NORM"].r_V1.median()
    assert truth["RVH"].r_V1.median() > 1.5 * truth["NORM"].r_V1.median()
    assert (truth["IMI"].s_III > truth["IMI"].r_III).mean() > 0.6
    limb = np.ptp(mean["LVOLT"][:, :6], axis=2).max(axis=1)
    assert np.median(limb) < 0.75


def waves_of_first_beat(signal, row, lead):
    """QRS of a lead in mV, from the level before it, and the duration of its Q wave in ms."""
    onset = row.qrs_times[row.qrs_times > 0.5][0]
    first, last = round(onset * RATE), round((onset + row.qrs / 1000) * RATE)
    qrs = (
        signal[LEAD[lead], first - 5 : last + 5] - signal[LEAD[lead], first - 6 : first - 2].mean()
    )
    until_r = np.append(np.flatnonzero(qrs > 0.05), len(qrs))[0]
    return qrs, (qrs[:until_r] < -0.02).sum() * 1000 / RATE


def test_old_infarcts_are_seen_in_q_and_r():
    codes = ["NORM", "IMI", "ASMI", "AMI", "LMI", "PMI"]
    x, frame = clean(codes, 40 * len(codes), duration=3)
    truth = {c: frame[k :: len(codes)] for k, c in enumerate(codes)}
    for code, leads in {"IMI": ["III", "aVF"], "ASMI": ["V1", "V2", "V3"], "LMI": ["aVL"]}.items():
        for lead in leads:
            left = truth[code][f"r_{lead}"].median() / truth["NORM"][f"r_{lead}"].median()
            assert left < 0.65, (code, lead)
    assert truth["AMI"].r_V3.median() < 0.65 * truth["NORM"].r_V3.median()
    assert truth["PMI"].r_V2.median() > 1.3 * truth["NORM"].r_V2.median()
    for code, lead in (("IMI", "aVF"), ("ASMI", "V2"), ("LMI", "I")):
        wide = {}
        for c in ("NORM", code):
            rows = zip(x[codes.index(c) :: len(codes)], truth[c].itertuples(), strict=True)
            wide[c] = np.mean([waves_of_first_beat(*pair, lead)[1] >= 30 for pair in rows])
        assert wide[code] > wide["NORM"] + 0.1, (code, wide)


def test_left_anterior_fascicle_leaves_a_small_r_and_a_deep_s_in_inferior_leads():
    x, frame = clean(["LAFB"], 60, duration=3)
    for lead in ("II", "III", "aVF"):
        assert frame[f"s_{lead}"].median() > 2 * frame[f"r_{lead}"].median()
    assert frame.r_aVL.median() > 3 * frame.s_aVL.median()
    starts = []
    for signal, row in zip(x, frame.itertuples(), strict=True):
        qrs, _ = waves_of_first_beat(signal, row, "III")
        starts.append(qrs.argmin() > np.flatnonzero(np.abs(qrs) > 0.05)[0] and qrs[:15].max())
    assert np.median(starts) > 0.05  # r comes first


def test_strain_lowers_st_over_the_left_ventricle_only():
    codes = ["NORM", ("LVH", "ISC_")]
    x, frame = clean(codes, 80, duration=3)
    level = []
    for signal, row in zip(x, frame.itertuples(), strict=True):
        onset = row.qrs_times[row.qrs_times > 0.5][0]
        j = round((onset + row.qrs / 1000 + 0.04) * RATE)
        level.append(signal[:, j] - signal[:, round(onset * RATE) - 5])
    normal, strain = np.median(level[::2], axis=0), np.median(level[1::2], axis=0)
    change = dict(zip(STANDARD_LEADS, strain - normal, strict=True))
    assert max(change["I"], change["V5"], change["V6"]) < -0.03
    assert change["aVR"] > 0.03 and change["V1"] > -0.02


def test_arm_reversal_inverts_lead_one():
    ecg = make_ecg(1000, statements=["NORM"], random_state=0, duration=2)
    x, swapped = np.asarray(ecg.data), ecg.frame.arms_swapped.to_numpy()
    assert 0 < swapped.sum() < 30
    upright = x[:, LEAD["I"]].max(axis=1) > -x[:, LEAD["I"]].min(axis=1)
    assert upright[~swapped].mean() > 0.8
    assert upright[swapped].mean() < 0.5


def test_atria_point_left_and_down_and_recover():
    x, frame = clean(["NORM"], 40)
    p_wave, segment = [], []
    for signal, row in zip(x, frame.itertuples(), strict=True):
        onset = row.qrs_times[(row.qrs_times > 1) & (row.qrs_times < 8.5)][0]

        def level(begin, end, signal=signal, onset=onset):
            return signal[:2, round((onset + begin) * RATE) : round((onset + end) * RATE)]

        before = level(-row.pr / 1000 - 0.06, -row.pr / 1000 - 0.02).mean(axis=1)
        p_wave.append(level(-row.pr / 1000, -row.pr / 1000 + 0.11).max(axis=1) - before)
        segment.append(level(-0.02, -0.01).mean(axis=1) - before)
    one, two = np.median(p_wave, axis=0)
    assert one > 0.03 and two > 0.05  # in PTB-XL 0.045 and 0.07 mV
    assert np.median(segment, axis=0).max() < -0.005  # PR segments sag, there by 0.015 and 0.03 mV
