"""Ground truth of simulated records, measured on the sources before noise is added."""

import numpy as np

from ...signals._leads import STANDARD_LEADS
from .body import LEADS
from .heart import WALLS
from .rhythm import ECTOPIC, NONE

_LATE = 65.0  # ms after which the right wall's activation is that of a block


def measure(p, heart, beats, duration):
    """Measure the axis, the amplitudes of R and S in each lead, and the times of all beats.

    Returns
    -------
    known : dict of str to ndarray of shape (n,)
        ``axis`` in degrees (in right bundle branch block that of the other walls), ``r_<lead>``
        and ``s_<lead>`` of the native beat in mV (both positive), ``ventricular_rate`` per
        minute, ``n_early`` premature beats, and the arrays ``p_times`` and ``qrs_times`` of onsets
        in s.
    """
    width = heart.width[:, 0].copy()
    right = WALLS.index("right")
    width[heart.time[:, 0, right] > _LATE, right] = 0
    area = np.einsum("nwe,nw->ne", heart.qrs[:, 0], width) @ LEADS.T
    known = {"axis": np.degrees(np.arctan2(area[:, 5] * 2 / np.sqrt(3), area[:, 0]))}
    known |= _amplitudes(heart)
    p_times = _within(beats.atrial, beats.atrial_kind != NONE, duration)
    qrs_times = _within(beats.ventricular, beats.ventricular_kind != NONE, duration)
    early = [
        _within(times, kind == ECTOPIC, duration)
        for times, kind in zip(beats[::2][:2], beats[1::2], strict=True)
    ]
    known["n_early"] = np.array([len(a) + len(b) for a, b in zip(*early, strict=True)])
    known["ventricular_rate"] = np.array([_rate(times) for times in qrs_times])
    return known | {"p_times": p_times, "qrs_times": qrs_times}


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
