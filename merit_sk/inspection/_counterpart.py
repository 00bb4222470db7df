"""What a recording would look like if it were normal: the same beats, the waves of normal ones."""

from functools import lru_cache

import numpy as np

from ..signals._beats import PARTS, find_beats, parts_of_beats

_POINTS = 48
_LEVEL = (-0.12, -0.08)  # s before the beat, where the level of a beat is read
_N_SIMULATED, _RATE = 64, 250


class NormalWaves:
    """Median waves of recordings, by part of the beat and lead.

    Parameters
    ----------
    records : ECGRecords
        With beats in them. Parts that no beat has are straight lines.

    Attributes
    ----------
    waves : dict of str to ndarray of shape (n_parts, n_points)
        By lead, above the level of the beats, each part stretched to the same length.
    """

    def __init__(self, records):
        found = [[] for _ in PARTS]
        for x in records:
            x = np.asarray(x, dtype=float)
            beats = find_beats(x, records.sampling_rate)
            parts = parts_of_beats(beats, x.shape[1], records.sampling_rate)
            above = x - level(x, beats, records.sampling_rate)
            for samples in _runs(parts)[1:-1]:
                if len(samples) > 1:
                    found[parts[samples[0]]].append(_stretched(above[:, samples], _POINTS))
        if not found[PARTS.index("QRS")]:
            raise ValueError(
                "no beat is found in the reference recordings: give normal ones, of several beats"
            )
        nothing = np.zeros((1, len(records.lead_names), _POINTS))
        typical = np.stack([np.median(runs or nothing, axis=0) for runs in found], axis=1)
        self.waves = dict(zip(records.lead_names, typical, strict=True))

    def counterpart(self, x, lead_names, beats, parts, sampling_rate):
        """Return a recording with its own beats and level, and the waves of these.

        Leads that are not known are straight lines at the level of the beats.
        """
        out = level(x, beats, sampling_rate)
        for samples in _runs(parts):
            part = parts[samples[0]]
            for k, name in enumerate(lead_names):
                if name in self.waves:
                    out[k, samples] += _stretched(self.waves[name][part][None], len(samples))[0]
        return out


@lru_cache(maxsize=1)
def simulated_normal_waves():
    """Return the waves of 64 simulated normal recordings, in mV."""
    from ..datasets import make_ecg

    ecg = make_ecg(_N_SIMULATED, statements=["NORM"], sampling_rate=_RATE, random_state=0)
    return NormalWaves(ecg.data)


def level(x, beats, sampling_rate):
    """Return the level between P wave and QRS complex of every beat, joined by lines."""
    times = np.arange(x.shape[1]) / sampling_rate
    limits = [[round((beat + side) * sampling_rate) for side in _LEVEL] for beat in beats]
    limits = [(start, max(end, start + 1)) for start, end in limits if start >= 0]
    if not limits:
        return np.repeat(np.median(x, axis=1, keepdims=True), x.shape[1], axis=1)
    centers = [sum(part) / 2 / sampling_rate for part in limits]
    values = np.stack([np.median(x[:, start:end], axis=1) for start, end in limits], axis=1)
    return np.stack([np.interp(times, centers, lead) for lead in values])


def _runs(parts):
    return np.split(np.arange(len(parts)), np.flatnonzero(np.diff(parts)) + 1)


def _stretched(waves, n_times):
    old, new = np.linspace(0, 1, waves.shape[1]), np.linspace(0, 1, n_times)
    return np.stack([np.interp(new, old, wave) for wave in waves])
