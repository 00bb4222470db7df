"""Waveforms: the potentials at the electrodes over time."""

import numpy as np

from .body import LEAD_FIELD
from .rhythm import CONDUCTED, NONE, PACED

_RA_CENTER, _LA_CENTER, _P_WIDTH = 0.42, 0.7, 0.19  # of the P wave's duration
_TA_CENTER, _TA_WIDTH, _TA_SIZE = 1.4, 0.75, 0.28  # recovery of the atria, opposed to the P wave


def bump(t, center, width):
    return np.exp(-0.5 * ((t - center) / width) ** 2)


def sigmoid(t, center, width):
    return 1 / (1 + np.exp(np.clip(-(t - center) / width, -50, 50)))


def electrode_potentials(p, heart, beats, rate, n_times):
    """Compute noise-free potentials of 9 electrodes in mV, shape (n_records, 9, n_times)."""
    p = {name: value.astype(np.float32) for name, value in p.items()}
    heart = type(heart)(*(value.astype(np.float32) for value in heart))
    out = np.zeros((len(p["hr"]), n_times + 2 * _margin(rate), heart.qrs.shape[-1]), np.float32)
    _add_atria(out, p, heart, beats, rate)
    _add_ventricles(out, p, heart, beats, rate)
    _add_spikes(out, p, beats, rate)
    margin = _margin(rate)
    out = out[:, margin : margin + n_times].transpose(0, 2, 1)
    return out + _atrial_waves(p, heart, rate, n_times)


def _margin(rate):
    return int(2.0 * rate)


def _place(out, rows, start, window):
    """Add windows (n_beats, n_window, 9) to the records ``rows`` from samples ``start`` on."""
    length = window.shape[1]
    for row, first, added in zip(rows.tolist(), start.tolist(), window, strict=True):
        if 0 <= first <= out.shape[1] - length:
            out[row, first : first + length] += added


def _windows(onset, before, after, rate):
    """Return first sample and times (ms from onset) of windows around activations."""
    first = np.floor((onset - before / 1000) * rate).astype(int)
    t = (first[:, None] + np.arange(int(np.ceil((before + after) / 1000 * rate)) + 1)) / rate
    return first + _margin(rate), ((t - onset[:, None]) * 1000).astype(np.float32)


def _visible(kind, times, duration):
    return np.nonzero((kind != NONE) & (times > -1.4) & (times < duration + 1.0))


def _add_atria(out, p, heart, beats, rate):
    duration = out.shape[1] / rate - 4.0
    rows, column = _visible(beats.atrial_kind, beats.atrial, duration)
    first, t = _windows(beats.atrial[rows, column], 20, 400, rate)
    length = p["p_duration"][rows, None]
    gap = p["p_notch"][rows, None]
    shape = np.stack(
        [
            bump(t, (_RA_CENTER - gap) * length, _P_WIDTH * length),
            bump(t, (_LA_CENTER + gap) * length, _P_WIDTH * length),
        ],
        axis=2,
    )
    kind = beats.atrial_kind[rows, column] - CONDUCTED
    sources = heart.atria[rows, kind]
    recovery = _TA_SIZE * bump(t, _TA_CENTER * length, _TA_WIDTH * length)
    window = shape @ sources - recovery[..., None] * sources.sum(axis=1, keepdims=True)
    _place(out, rows, first, window.astype(np.float32))


def _add_ventricles(out, p, heart, beats, rate):
    duration = out.shape[1] / rate - 4.0
    rows, column = _visible(beats.ventricular_kind, beats.ventricular, duration)
    kind = np.minimum(beats.ventricular_kind[rows, column] - CONDUCTED, 2)
    first, t = _windows(beats.ventricular[rows, column], 80, 760, rate)
    early = t[:, : int(0.36 * rate)]
    center, width = heart.time[rows, kind][:, None], heart.width[rows, kind][:, None]
    qrs = bump(early[..., None], center, width).astype(np.float32)
    window = late_window(p, heart, beats, rows, column, kind, t)
    window[:, : early.shape[1]] += qrs @ heart.qrs[rows, kind].astype(np.float32)
    window[:, : early.shape[1]] += _delta_wave(p, heart, rows, kind, early)
    respiration = 1 + p["breath_depth"][rows] * np.sin(
        2 * np.pi * p["breath_rate"][rows] * beats.ventricular[rows, column]
    )
    _place(out, rows, first, window * respiration[:, None, None].astype(np.float32))


def qt_of_beat(p, heart, cycle, rows, kind):
    """Return QT in ms: the record's, adapted to the cycle before the beat."""
    mean = 60 / p["hr"][rows]
    adapted = p["qt"][rows] * (np.clip(cycle, 0.35, 1.6) / mean) ** 0.15
    return adapted + 0.7 * (heart.qrs_duration[rows, kind] - heart.qrs_duration[rows, 0])


def late_window(p, heart, beats, rows, column, kind, t):
    """Compute ST segment, T and U wave of each beat at the electrodes."""
    qt = qt_of_beat(p, heart, beats.cycle[rows, column], rows, kind)[:, None]
    qrs = heart.qrs_duration[rows, kind][:, None]
    fall = p["t_width"][rows, None] * qt
    peak = qt - 2 * fall
    rise = np.maximum((peak - qrs) / p["t_slope"][rows, None], 25)
    t_wave = bump(t, peak, np.where(t < peak, rise, fall))
    st = sigmoid(t, qrs - 6, 5) * sigmoid(-t, -peak, 0.3 * rise)
    mixed = sigmoid(t, peak, 0.4 * fall)
    u_wave = bump(t, qt + 70, 35)
    shape = np.stack([st, t_wave * (1 - mixed), t_wave * mixed, u_wave], axis=2)
    return shape.astype(np.float32) @ heart.late[rows, kind].astype(np.float32)


def _delta_wave(p, heart, rows, kind, t):
    """Compute the delta wave of pre-excitation, in the direction of the accessory pathway."""
    size = np.where(kind == 0, p["delta"][rows], 0)
    slur = bump(t, 8.0, 16.0) * size[:, None]
    direction = np.stack([p[f"delta_{axis}"][rows] for axis in "xyz"], axis=1)

    return (slur[..., None] * (direction @ LEAD_FIELD.T)[:, None]).astype(np.float32)


def _add_spikes(out, p, beats, rate):
    """Add pacing stimuli, one sample wide."""
    duration = out.shape[1] / rate - 4.0
    size = p["spike"]
    for kinds, times, lead_time in (
        (beats.ventricular_kind, beats.ventricular, 0.008),
        (beats.atrial_kind, beats.atrial, 0.01),
    ):
        rows, column = _visible(np.where(kinds == PACED, kinds, NONE), times, duration)
        direction = np.stack([p["spike_x"], p["spike_y"], p["spike_z"]], axis=1)[rows]

        window = (size[rows, None] * (direction @ LEAD_FIELD.T))[:, None].astype(np.float32)
        first = np.floor((times[rows, column] - lead_time) * rate).astype(int) + _margin(rate)
        _place(out, rows, first, window)


def _atrial_waves(p, heart, rate, n_times):
    """Compute fibrillatory waves of varying frequency and amplitude, and flutter waves."""
    n = len(p["hr"])
    out = np.zeros((n, heart.qrs.shape[-1], n_times), np.float32)
    t = np.arange(n_times) / rate
    rows = np.flatnonzero(p["fib_size"] > 0)
    for wave, ratio in (("1", 1.0), ("2", 1.37), ("3", 0.71)):
        if not len(rows):
            break
        frequency = (p["fib_rate"][rows] * ratio)[:, None]
        drift = 1.3 * np.sin(
            2 * np.pi * (0.35 + 0.2 * ratio) * t + p["fib_phase" + wave][rows, None]
        )
        phase = 2 * np.pi * frequency * t + drift + 3 * p["fib_phase" + wave][rows, None]
        shape = np.sin(phase) + 0.35 * np.sin(2 * phase + 0.6)
        swell = 1 + 0.4 * np.sin(
            2 * np.pi * 0.23 * ratio * t + 5 * p["fib_phase" + wave][rows, None]
        )
        size = p["fib_size"][rows, None] * {"1": 0.6, "2": 0.4, "3": 0.35}[wave]
        turned = np.roll(heart.waves[rows, 0], int(10 * ratio) % 3, axis=1) * 0.25
        seen = 0.75 * heart.waves[rows, 0] + turned
        out[rows] += (size * swell * shape)[:, None] * seen[..., None]
    rows = np.flatnonzero(p["flutter_size"] > 0)
    if len(rows):
        phase = (t * p["flutter_rate"][rows, None] / 60 + p["fib_phase1"][rows, None]) % 1
        saw = np.where(phase < 0.7, phase / 0.7, (1 - phase) / 0.3) - 0.5
        out[rows] += (p["flutter_size"][rows, None] * saw)[:, None] * heart.waves[rows, 1][
            ..., None
        ]
    return out
