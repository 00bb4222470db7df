"""Noise of recorder and electrodes: baseline wander, muscle, mains, motion, faults."""

import numpy as np
from scipy.signal import butter, lfilter

_LIMB_SHARE = np.array([2.0, 2.0, 2.0, 1, 1, 1, 1, 1, 1])  # limbs move and tremble more
_WANDER = ((0.03, 0.2, -3.5, 1.0), (0.15, 0.4, -3.9, 0.7), (0.4, 0.9, -4.5, 0.6))
_CUTOFF = 38.0


def electrode_noise(draws, rate, n_times, level):
    """Draw the noise of 9 electrodes in mV, shape (n, 9, n_times)."""
    t = np.arange(n_times) / rate
    noise = _muscle(draws, rate, n_times)
    waves = [
        _wave(draws, t, band, np.exp(draws.normal(log_size, sd, high=-0.8)))
        for *band, log_size, sd in _WANDER
    ]
    mains = np.where(draws.happens(0.2), np.exp(draws.normal(-5.5, 0.6)), 0)
    waves.append(_wave(draws, t, (49.5, 50.0), mains))
    mix, turning = (
        np.concatenate(parts, axis=axis)
        for parts, axis in zip(zip(*waves, strict=True), (2, 1), strict=True)
    )
    noise += mix @ turning
    _add_motion(noise, draws, t)
    noise *= level
    return noise


def _wave(draws, t, band, size):
    """Draw a wave: each electrode's mix (n, 9, 2) of sine and cosine (n, 2, n_times)."""
    frequency, phase = draws.uniform(*band), draws.uniform(0, 2 * np.pi, size=9)
    size = size[:, None] * draws.normal(size=9, low=-2, high=2)
    angle = np.outer(2 * np.pi * frequency, t).astype(np.float32)
    mix = size[..., None] * np.stack([np.cos(phase), np.sin(phase)], axis=2)
    return mix.astype(np.float32), np.stack([np.sin(angle), np.cos(angle)], axis=1)


def _muscle(draws, rate, n_times):
    """Draw broad-band muscle noise below the recorder's cut-off, of varying amplitude."""
    size = np.exp(draws.normal(-5.85, 0.6))[:, None] * np.exp(draws.normal(0, 0.35, size=9))
    noise = draws.white(9, n_times)
    if rate > 2.2 * _CUTOFF:
        b, a = butter(2, _CUTOFF, fs=rate)
        noise = lfilter(b.astype(np.float32), a.astype(np.float32), noise, axis=-1)
    bend = np.linspace(0, np.pi, n_times, dtype=np.float32)
    swell = 1 + draws.uniform(0, 0.6)[:, None] * np.sin(bend * 2 + draws.uniform(0, 6)[:, None])
    noise *= swell[:, None]
    noise *= (size * _LIMB_SHARE)[..., None].astype(np.float32)
    return noise


def _add_motion(noise, draws, t):
    """Add motion artifacts: in some records one electrode makes a step that decays."""
    onset, which = draws.uniform(0, 1.3) * t[-1], draws.uniform(0, 9).astype(int)
    size = np.where(draws.happens(0.08), draws.normal(0, 0.25), 0)
    rows = np.flatnonzero(size)
    late = t - onset[rows, None]
    step = np.where(late > 0, np.exp(-np.maximum(late, 0) / 0.6), 0) * size[rows, None]
    noise[rows, which[rows]] += step


def electrode_shifts(draws):
    """Draw displacements of the electrodes in cm, shape (n, 9, 3); larger in a tenth of records."""
    careless = np.where(draws.happens(0.1), 2.5, 0.8)
    shift = draws.normal(size=27, low=-2, high=2).reshape(-1, 9, 3)
    return shift * careless[:, None, None]


def swapped_arms(draws):
    """Draw in which records the arm electrodes are interchanged."""
    return draws.happens(0.005)


def record(draws, leads, level):
    """Apply the recorder: remove the mean, flatten a rare lead, round to microvolts."""
    if level:
        leads -= leads.mean(axis=2, keepdims=True)
        flat, which = draws.happens(0.004), draws.uniform(0, 6).astype(int) + 6
        leads[flat, which[flat]] = 0
    return np.round(leads, 3)
