"""Ground truth of simulated records, measured on the sources before noise is added."""

import numpy as np

from ...signals._leads import STANDARD_LEADS
from .body import LEADS
from .heart import WALLS
from .rhythm import CONDUCTED, ECTOPIC, ESCAPE, NONE, PACED
from .waves import qt_of_beat

_LATE = 65.0  # ms after which the right wall's activation is that of a block
_NATIVE, _PACED = 0, 2  # kinds of beat of a Heart


def measure(p, heart, beats, duration):
    """Measure the axis, the amplitudes of R and S in each lead, and the times of all beats.

    Returns
    -------
    known : dict of str to ndarray of shape (n,)
        ``axis`` in degrees (in right bundle branch block that of the other walls), ``r_<lead>``
        and ``s_<lead>`` of the native beat in mV (both positive), ``ventricular_rate`` per
        minute, ``n_early`` premature beats, and the arrays ``p_times`` and ``qrs_times`` of onsets
        in s. Of the dominant beat, native or paced or escape, medians: ``pr_interval`` (NaN where
        no P wave is conducted, and in paced rhythms), ``qrs_duration`` and ``qt_interval`` in ms,
        and ``qrs_axis`` in degrees.
    """
    width = heart.width[:, 0].copy()
    right = WALLS.index("right")
    width[heart.time[:, 0, right] > _LATE, right] = 0
    area = np.einsum("nwe,nw->ne", heart.qrs[:, 0], width) @ LEADS.T
    known = {"axis": np.degrees(np.arctan2(area[:, 5] * 2 / np.sqrt(3), area[:, 0]))}
    known |= _amplitudes(heart) | _intervals(p, heart, beats, duration, known["axis"])
    p_times = _within(beats.atrial, beats.atrial_kind != NONE, duration)
    qrs_times = _within(beats.ventricular, beats.ventricular_kind != NONE, duration)
    early = [
        _within(times, kind == ECTOPIC, duration)
        for times, kind in zip(beats[::2][:2], beats[1::2], strict=True)
    ]
    known["n_early"] = np.array([len(a) + len(b) for a, b in zip(*early, strict=True)])
    known["ventricular_rate"] = np.array([_rate(times) for times in qrs_times])
    return known | {"p_times": p_times, "qrs_times": qrs_times}


def _intervals(p, heart, beats, duration, native_axis):
    """Measure the dominant beat, which is what clinicians and machines report."""
    kind = beats.ventricular_kind
    inside = (beats.ventricular >= 0) & (beats.ventricular < duration)
    wide = (inside & ((kind == PACED) | (kind == ESCAPE))).any(axis=1)
    dominant = np.where(wide, _PACED, _NATIVE)
    rows = np.arange(len(kind))
    counted = inside & (kind != NONE) & (kind != ECTOPIC)
    qt = qt_of_beat(p, heart, beats.cycle.T, rows, dominant).T
    area = np.einsum("nwe,nw->ne", heart.qrs[:, _PACED], heart.width[:, _PACED]) @ LEADS.T
    paced_axis = np.degrees(np.arctan2(area[:, 5] * 2 / np.sqrt(3), area[:, 0]))
    return {
        "pr_interval": _pr(p, beats, counted & (kind == CONDUCTED)),
        "qrs_duration": heart.qrs_duration[rows, dominant],
        "qt_interval": _median(qt, counted),
        "qrs_axis": np.where(wide, paced_axis, native_axis),
    }


def _pr(p, beats, conducted):
    """Median time in ms from the last P wave before each conducted beat to its QRS."""
    conducted = conducted & (p["escape_rate"] == 0)[:, None]
    onsets = np.where(beats.atrial_kind == NONE, np.inf, beats.atrial)
    pr = np.empty(beats.ventricular.shape)
    for times, atrial, out in zip(beats.ventricular, onsets, pr, strict=True):
        before = np.searchsorted(atrial, times) - 1
        out[:] = np.where(before < 0, np.nan, times - atrial[before]) * 1000
    return _median(pr, conducted & np.isfinite(pr))


def _median(values, counted):
    values = np.where(counted, values, np.nan)
    there = counted.any(axis=1)
    out = np.full(len(values), np.nan)
    out[there] = np.nanmedian(values[there], axis=1)
    return out


def _within(times, wanted, duration):
    """Return the wanted times inside the recording, an object array of arrays."""
    wanted = wanted & (times >= 0) & (times < duration)
    out = np.empty(len(times), dtype=object)
    out[:] = [row[keep] for row, keep in zip(times, wanted, strict=True)]
    return out


def _rate(times):
    return 60 / np.mean(np.diff(times)) if len(times) > 1 else np.nan


def _amplitudes(heart):
    t = np.arange(0, 220, 2.0)[None, :, None]
    shape = np.exp(-0.5 * ((t - heart.time[:, :1]) / heart.width[:, :1]) ** 2)
    qrs = LEADS @ (shape @ heart.qrs[:, 0]).transpose(0, 2, 1)
    top, bottom = qrs.max(axis=2), qrs.min(axis=2)
    return {f"r_{lead}": np.maximum(top[:, k], 0) for k, lead in enumerate(STANDARD_LEADS)} | {
        f"s_{lead}": np.maximum(-bottom[:, k], 0) for k, lead in enumerate(STANDARD_LEADS)
    }
