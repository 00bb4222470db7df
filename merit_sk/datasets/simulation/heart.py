"""The heart as an electric source: walls that are activated in turn and recover.

The ventricles are nine walls, each a dipole at its own place with its own time of activation.
Conduction defects change the times, infarction silences walls, hypertrophy enlarges them; what is
seen in the leads follows. Recovery follows activation through the ventricular gradient: a detour of
activation that adds to the area of the QRS takes the same from the area of ST and T, which is how
bundle branch blocks, paced and ectopic beats get T waves opposed to their QRS [1]_.

References
----------
.. [1] Wilson, Macleod, Barker, Johnston. The determination and the significance of the areas of the
   ventricular deflections of the electrocardiogram. Am. Heart J. 10 (1934).
"""

from typing import NamedTuple

import numpy as np

from .body import lead_field, rotation

# name: place in cm | time after QRS onset and half-width in ms
_WALLS = {
    "septum": ((-0.5, 0.0, 1.0), (13, 6)),
    "apex": ((2.0, 2.5, 2.0), (28, 7)),
    "anterior": ((1.5, -0.5, 3.0), (31, 7)),
    "high_lateral": ((3.0, -2.0, 0.0), (38, 8)),
    "lateral": ((3.5, 1.0, 0.0), (39, 8)),
    "inferior": ((1.0, 3.5, -0.5), (38, 8)),
    "posterior": ((1.5, 0.5, -3.0), (46, 9)),
    "right": ((-2.5, 0.5, 2.0), (34, 9)),
    "base": ((0.5, -2.0, -1.5), (60, 8)),
}
WALLS = tuple(_WALLS)
PLACE, _TIMING = (np.array(column, float) for column in zip(*_WALLS.values(), strict=True))
TIME, WIDTH = _TIMING.T
OUTWARD = PLACE / np.linalg.norm(PLACE, axis=1, keepdims=True)
_ATRIA = np.array([[-3.5, -4.0, -1.0], [-1.0, -5.0, -3.0]])  # places of right and left, cm
_REACH = 2.0  # half-widths from a wall's peak to where its deflection is taken to begin or end

_LEFT_DOWN = np.array([0.9, 0.45, -0.1])  # from where subendocardial injury points away

# Directions of flutter (up the septum) and of fibrillation (seen best in V1).
_FLUTTER, _FIBRILLATION = np.array([-0.02, -0.9, 0.25]), np.array([-0.25, 0.35, 0.9])


class Heart(NamedTuple):
    """Sources of the records' hearts, seen at the electrodes.

    Arrays over walls have shape (n_records, 3 kinds of beat, n_walls): native, ectopic and paced or
    escape. ``qrs`` maps walls to electrodes, ``late`` ST, first and second half of T, and U;
    ``atria`` maps (right, left) for (sinus, ectopic, paced) P waves; ``waves`` maps fibrillation
    and flutter.
    """

    time: np.ndarray
    width: np.ndarray
    qrs: np.ndarray
    qrs_duration: np.ndarray
    late: np.ndarray
    atria: np.ndarray
    waves: np.ndarray


def build(p, shift=None):
    """Build the sources of all records from their parameters."""
    turn = rotation(p["turn_frontal"], p["turn_horizontal"], p["turn_sagittal"])
    place = PLACE @ turn.transpose(0, 2, 1) * p["size"][:, None, None]
    field = lead_field(place, shift)
    time, width, moment, detour = _activation(p)
    duration, time, width = _stretch(p, time, width)
    seen = np.einsum("nkwi,nji->nkwj", moment, turn) * p["voltage"][:, None, None, None]
    qrs = np.einsum("nkwj,nwej->nkwe", seen, field)
    late = _recovery(p, field, turn, detour)
    center = lead_field(np.zeros((len(turn), 1, 3)), shift)[:, 0]
    atria = lead_field(_ATRIA * p["size"][:, None, None], shift)
    atria = np.einsum("nkaj,naej->nkae", _atrial_moments(p), atria)
    waves = np.stack([_FIBRILLATION, _FLUTTER]) @ center.transpose(0, 2, 1)
    return Heart(time, width, qrs, duration, late, atria, waves)


def _activation(p):
    """Return times, half-widths and moments of the walls in each kind of beat.

    Also returns the detour: the area (mV ms) by which the QRS differs from a normally activated
    one.
    """
    normal_moment = p["walls"] * p["gain"][..., None] + OUTWARD * p["force"][..., None]
    moment = p["walls"] * (p["gain"] * p["sense"])[..., None]
    moment = moment + OUTWARD * (p["force"] + p["late_force"])[..., None]
    time, width = TIME + p["delay"], WIDTH * p["width"]
    times, widths, moments = [time], [width], [moment]
    for beat in ("pvc", "paced"):
        origin = np.stack([p[f"{beat}_{axis}"] for axis in "xyz"], axis=1)
        away = PLACE - origin[:, None]
        distance = np.linalg.norm(away, axis=2)
        strength = np.linalg.norm(normal_moment, axis=2) * p[f"{beat}_gain"][:, None]
        times.append(10 + distance / 0.055)
        widths.append(np.full_like(distance, 17.0))
        moments.append(away / np.maximum(distance, 1)[..., None] * strength[..., None])
    time, width, moment = (np.stack(x, axis=1) for x in (times, widths, moments))
    area = np.sqrt(2 * np.pi) * np.einsum("nkwi,nkw->nki", moment, width)
    normal = np.sqrt(2 * np.pi) * np.einsum("nwi,w->ni", normal_moment, WIDTH)
    return time, width, moment, area - normal[:, None]


def _stretch(p, time, width):
    """Scale times so that the native QRS lasts as long as asked, and ectopic ones likewise."""
    asked = np.stack([p["qrs"], p["pvc_qrs"], p["paced_qrs"]], axis=1)[..., None]
    begin = (time - _REACH * width).min(axis=2, keepdims=True)
    end = (time + _REACH * width).max(axis=2, keepdims=True)
    factor = asked / (end - begin)
    return asked[..., 0], (time - begin) * factor, width * factor


def _recovery(p, field, turn, detour):
    """Return the potentials of ST segment, both halves of T, and U wave at the electrodes."""
    scale = p["voltage"][:, None]
    st = p["st_vector"] - p["depression"][:, None] * _LEFT_DOWN
    t = p["t_vectors"] @ rotation(p["t_turn"], p["t_swing"], 0 * p["t_turn"]).transpose(0, 2, 1)
    normal = np.concatenate([st[:, None], t * p["t_gain"][:, None, None]], axis=1)
    discord = -p["discord"][:, None, None] * detour
    outward = field @ (turn @ OUTWARD.T).transpose(0, 2, 1)[..., None]
    local = {k: np.einsum("nw,nwe->ne", p[k], outward[..., 0]) for k in ("st", "t", "t_end")}
    kinds = []
    center = lead_field(np.zeros((1, 1, 3)))[0, 0]
    for kind in range(detour.shape[1]):
        secondary = discord[:, kind] / 150.0
        vectors = normal + secondary[:, None] * np.array([0.2, 1.0, 1.0])[:, None]
        seen = np.einsum("nti,nji,ej->nte", vectors, turn, center) * scale[:, None]
        seen[:, 0] += local["st"]
        seen[:, 1] += local["t"]
        seen[:, 2] += local["t"] + local["t_end"]
        u_wave = p["u_gain"][:, None] * seen[:, 2]
        kinds.append(np.concatenate([seen, u_wave[:, None]], axis=1))
    return np.stack(kinds, axis=1)


def _atrial_moments(p):
    """Return the moments of right and left atrium in sinus, ectopic and paced P waves."""
    gain = p["p_gain"][:, None] * np.stack([p["ra_gain"], p["la_gain"]], axis=1)
    turned = rotation(p["p_turn"], 0 * p["p_turn"], 0 * p["p_turn"])
    sinus = (p["atria"] * gain[..., None]) @ turned.transpose(0, 2, 1)
    other = rotation(p["ectopic_p_turn"], p["ectopic_p_turn"] / 3, 0 * p["p_turn"])
    ectopic = sinus[:, ::-1] @ other.transpose(0, 2, 1)
    return np.stack([sinus, ectopic, sinus], axis=1)
