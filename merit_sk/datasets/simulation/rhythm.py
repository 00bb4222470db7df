"""Rhythm: activation times of atria and ventricles, and what activates them."""

from typing import NamedTuple

import numpy as np

NONE, CONDUCTED, ECTOPIC, PACED, ESCAPE = range(5)


class Beats(NamedTuple):
    """Activations in seconds from the start of the recording; shape (n, n_beats) each.

    ``atrial`` are onsets of P waves (``atrial_kind``: NONE, CONDUCTED for the sinus node, ECTOPIC,
    PACED), ``ventricular`` onsets of QRS complexes, ``cycle`` the interval before each of those.
    """

    atrial: np.ndarray
    atrial_kind: np.ndarray
    ventricular: np.ndarray
    ventricular_kind: np.ndarray
    cycle: np.ndarray


def beats(p, draws, duration):
    """Draw the activations of all records from their parameters."""
    n_beats = int(np.ceil(duration * 4.2)) + 8
    index = np.arange(n_beats)
    early = _early(p["pac_every"], p["pac_chance"], p["hr"], duration, draws, index)
    late = np.roll(early, 1, axis=1)
    intervals = _intervals(p, draws, index)
    intervals = np.where(early, intervals * p["pac_coupling"][:, None], intervals)
    intervals = np.where(late & ~early, intervals * p["pac_pause"][:, None], intervals)
    start = -draws.uniform(1.0, 2.0) * 60 / p["hr"]
    atrial = start[:, None] + np.cumsum(intervals, axis=1)
    wandering = draws.happens(p["wandering"][:, None], size=n_beats)
    atrial_kind = np.where(early | wandering, ECTOPIC, CONDUCTED)
    atrial_kind[p["paced"] == 2] = PACED
    atrial_kind[p["p_gain"] == 0] = NONE

    ventricular, kind = _conduct(p, draws, atrial, index)
    ventricular, kind = _escape(p, draws, ventricular, kind, start, n_beats)
    ventricular, kind = _premature(p, draws, ventricular, kind, duration, index)
    kind[(p["paced"] > 0)[:, None] & (kind == CONDUCTED)] = PACED
    order = np.argsort(np.where(kind == NONE, np.inf, ventricular), axis=1, kind="stable")
    ventricular = np.take_along_axis(ventricular, order, axis=1)
    kind = np.take_along_axis(kind, order, axis=1)
    cycle = np.diff(ventricular, axis=1, prepend=(ventricular[:, 0] - 60 / p["hr"])[:, None])
    return Beats(atrial, atrial_kind, ventricular, kind, cycle)


def _intervals(p, draws, index):
    """Draw intervals between atrial activations: sinus, irregular, or of several flutter waves."""
    base = (60 / p["hr"])[:, None]
    phase = 2 * np.pi * (p["breath_rate"][:, None] * index * base + draws.uniform()[:, None])
    noise = draws.normal(size=len(index), low=-2.5, high=2.5)
    sinus = base * (1 + p["rsa"][:, None] * np.sin(phase) + p["hrv"][:, None] * noise)
    sd = p["irregular"][:, None]
    irregular = base * np.exp(sd * noise - sd**2 / 2)
    intervals = np.where(sd > 0, np.maximum(irregular, 0.3), sinus)
    ratio = p["flutter_ratio"][:, None]
    varying = np.floor(draws.uniform(2, 5, size=len(index)))
    waves = np.where(ratio == 1, varying, ratio)
    return np.where(ratio > 0, waves * 60 / p["flutter_rate"][:, None], intervals)


def _early(every, chance, rate, duration, draws, index):
    """Draw which beats are premature: each second or third, or single ones (at least one)."""
    n_beats = len(index)
    pattern = (index + np.floor(draws.uniform(0, 3))[:, None]) % np.maximum(every, 2)[:, None] == 0
    single = draws.happens(chance[:, None], size=n_beats)
    sure = 2 + np.floor(draws.uniform(0.1, 0.8) * duration * rate / 60)
    single |= index == np.minimum(sure, n_beats - 2)[:, None]
    early = np.where((every >= 2)[:, None], pattern, single & (every == 1)[:, None])
    early[:, 1:] &= ~early[:, :-1]
    early[:, 0] = False
    return early


def _conduct(p, draws, atrial, index):
    """Return QRS onsets of conducted atrial beats; every ``av_cycle``-th is dropped."""
    cycle = p["av_cycle"][:, None]
    place = (index + np.floor(draws.uniform(0, 6))[:, None]) % np.maximum(cycle, 1)
    lengthening = p["av_step"][:, None] * (1 - 0.5**place) * 2
    jitter = draws.normal(0, 1.5, size=len(index))
    pr = p["pr"][:, None] + np.where(cycle > 1, lengthening, 0) + jitter
    kind = np.where((cycle > 1) & (place == cycle - 1), NONE, CONDUCTED)
    return atrial + pr / 1000, kind


def _escape(p, draws, ventricular, kind, start, n_beats):
    """Replace conducted beats by an escape rhythm where atrial beats are not conducted."""
    rate = p["escape_rate"]
    own = rate > 0
    clock = 60 / np.maximum(rate, 1)[:, None] * (1 + draws.normal(0, 0.01, size=n_beats))
    times = start[:, None] + draws.uniform()[:, None] + np.cumsum(clock, axis=1)
    ventricular = np.where(own[:, None], times, ventricular)
    narrow = np.where(p["escape_wide"] > 0, ESCAPE, CONDUCTED)
    return ventricular, np.where(own[:, None], narrow[:, None], kind)


def _premature(p, draws, ventricular, kind, duration, index):
    """Replace conducted beats by premature ventricular beats that precede them."""
    rate = 60 / np.median(np.diff(ventricular, axis=1), axis=1)
    early = _early(p["pvc_every"], p["pvc_chance"], rate, duration, draws, index)
    coupling = np.clip(
        p["pvc_coupling"][:, None] * (1 + draws.normal(0, 0.03, size=len(index))), 0.4, 1
    )
    previous = np.roll(ventricular, 1, axis=1)
    early &= (kind != NONE) & (np.roll(kind, 1, axis=1) != NONE)
    premature = previous + coupling * (ventricular - previous)
    return np.where(early, premature, ventricular), np.where(early, ECTOPIC, kind)
