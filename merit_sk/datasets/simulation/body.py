"""From sources in the chest to electrodes, and from electrodes to the 12 leads.

Coordinates: x to the patient's left, y to the feet, z to the front; the heart's center is 0.
"""

import numpy as np

from ...signals._lead_map import LIMB_LEADS

ELECTRODES = ("RA", "LA", "LL", "V1", "V2", "V3", "V4", "V5", "V6")

# Dower's transform from Frank's leads (z turned to the front); limb rows solved for the
# electrodes, whose potentials are relative to Wilson's central terminal and so sum to zero.
_I, _II = np.array([0.632, -0.235, -0.059]), np.array([0.235, 1.066, 0.132])
LEAD_FIELD = np.array(
    [
        -(_I + _II) / 3,
        (2 * _I - _II) / 3,
        (2 * _II - _I) / 3,
        [-0.515, 0.157, 0.917],
        [0.044, 0.164, 1.387],
        [0.882, 0.098, 1.277],
        [1.213, 0.127, 0.601],
        [1.125, 0.127, 0.086],
        [0.831, 0.076, -0.230],
    ]
)

# Distance of each electrode from the heart's center in cm; limbs are far away.
_DISTANCE = np.array([60.0, 60.0, 60.0, 9.0, 8.5, 8.5, 9.0, 11.0, 13.0])
_STRENGTH = np.linalg.norm(LEAD_FIELD, axis=1)
_PLACE = LEAD_FIELD / _STRENGTH[:, None] * _DISTANCE[:, None]

# The 12 leads from the electrodes: Einthoven, Goldberger, and Wilson's precordial leads.
LEADS = np.zeros((12, 9))
LEADS[:6, :3] = np.array(list(LIMB_LEADS.values())) @ [[-1, 1, 0], [-1, 0, 1]]  # of I and II
LEADS[6:, :3] = -1 / 3
LEADS[6:, 3:] = np.eye(6)


def lead_field(position, shift=None):
    """Return the sensitivity of each electrode to dipoles at given places.

    A dipole at the heart's center is seen through Dower's matrix. Away from it, the precordial
    electrodes see near dipoles larger, as in a homogeneous medium.

    Parameters
    ----------
    position : ndarray of shape (..., n_sources, 3)
        Places in cm.
    shift : ndarray of shape (n_records, 9, 3), optional
        Displacement of each electrode in cm; only its part along the chest counts.

    Returns
    -------
    field : ndarray of shape (..., n_sources, 9, 3)
    """
    place = _PLACE if shift is None else _moved(shift)[:, None]
    ray = place - position[..., None, :]
    cubed = np.linalg.norm(ray, axis=-1, keepdims=True) ** 3
    center = _PLACE / (_DISTANCE[:, None] ** 3)
    scale = (_STRENGTH * _DISTANCE**2)[:, None]
    return LEAD_FIELD + scale * (ray / cubed - center)


def _moved(shift):
    """Move electrodes along the chest, keeping their distance from the heart."""
    place = _PLACE + shift
    return place / np.linalg.norm(place, axis=-1, keepdims=True) * _DISTANCE[:, None]


def rotation(frontal, horizontal, sagittal):
    """Return rotation matrices for angles in degrees, shape (n, 3, 3).

    Positive angles turn the axis of the QRS clockwise in the frontal plane (to the right, as the
    angle of the axis is counted), to the front in the horizontal plane, and the apex to the front.
    """

    def turn(angle, a, b):
        matrix = np.zeros((len(angle), 3, 3))
        matrix[:] = np.eye(3)
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        matrix[:, a, a], matrix[:, b, b] = c, c
        matrix[:, b, a], matrix[:, a, b] = s, -s
        return matrix

    return turn(frontal, 0, 1) @ turn(horizontal, 0, 2) @ turn(sagittal, 1, 2)
