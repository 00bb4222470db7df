"""Parameters of healthy adults, which findings change."""

import numpy as np

from .heart import WALLS
from .normal_heart import draw_moments


def healthy(draws):
    """Draw the parameters of healthy adults.

    Parameters
    ----------
    draws : Draws
        The records' random numbers.

    Returns
    -------
    p : dict of str to ndarray
        One array per parameter, of shape (n,); those of the ventricles' walls have shape
        (n, n_walls). Times in ms, rates per minute, potentials in mV, angles in degrees.
    """
    n, uniform, normal = draws.n, draws.uniform, draws.normal
    age = normal(58, 17, 18, 95)
    female = draws.happens(0.48)
    bulk = normal(0, 1, -2, 2.5)
    p = {"age": age, "female": female.astype(float)}

    p["hr"] = normal(70, 10, 52, 98)
    p["rsa"] = np.clip(0.06 * np.exp(-(age - 20) / 35) + normal(0.01, 0.01), 0.002, 0.08)
    p["hrv"] = uniform(0.003, 0.02)
    p["breath_rate"], p["breath_depth"] = uniform(0.17, 0.34), uniform(0.0, 0.07)
    p["pr"] = normal(156 + 0.15 * (age - 50), 17, 120, 198)
    p["qrs"] = normal(np.where(female, 92, 98), 8, 76, 114)
    p["qtc"] = normal(np.where(female, 405, 398), 15, 358, 445)
    p["t_width"], p["t_slope"] = normal(0.108, 0.012, 0.085, 0.135), normal(3.0, 0.5, 2.2, 4.0)

    p["turn_frontal"] = normal(-5 - 0.25 * (age - 60) - 4 * bulk, 6, -35, 20)
    p["turn_horizontal"], p["turn_sagittal"] = normal(0, 5), normal(0, 5)
    p["size"] = uniform(0.85, 1.15)
    p["voltage"] = np.exp(0.1 + normal(-0.002 * (age - 50) - 0.04 * female - 0.04 * bulk, 0.08))
    p["walls"], p["atria"], p["st_vector"], p["t_vectors"] = draw_moments(draws)
    shape = (n, len(WALLS))
    p["gain"] = np.exp(normal(0, 0.1, -0.3, 0.3, size=shape[1]))
    p["delay"] = normal(0, 1.8, -4, 4, size=shape[1])
    p["sense"], p["width"] = np.ones(shape), 0.85 * np.ones(shape)
    for name in ("force", "late_force", "st", "t", "t_end"):
        p[name] = np.zeros(shape)
    p["discord"] = uniform(0.75, 1.05)
    p["t_gain"] = np.exp(normal(-0.05 * female, 0.1))
    p["t_turn"], p["t_swing"] = normal(0, 4), normal(np.where(female, -6, 4), 4)
    p["u_gain"] = uniform(0, 0.1)

    p["p_gain"] = np.exp(normal(0, 0.25))
    p["ra_gain"], p["la_gain"] = np.exp(normal(0, 0.1, size=2)).T
    p["p_duration"], p["p_notch"] = normal(107, 8, 88, 122), uniform(-0.02, 0.03)
    p["p_turn"] = normal(0, 12)
    p["ectopic_p_turn"] = uniform(60, 200)

    for name in _OFF:
        p[name] = np.zeros(n)
    p["pac_chance"], p["pac_coupling"] = uniform(0.05, 0.2), uniform(0.55, 0.75)
    p["pac_pause"] = uniform(1.05, 1.3)
    p["pvc_chance"], p["pvc_coupling"] = uniform(0.05, 0.2), uniform(0.48, 0.72)
    p["pvc_qrs"], p["pvc_gain"] = normal(150, 12, 125, 185), uniform(0.5, 1.1)
    for axis, low, high in (("x", -3.5, 3.5), ("y", -3.5, 3.5), ("z", -2.5, 3.0)):
        p[f"pvc_{axis}"] = uniform(low, high)
    p["paced_qrs"], p["paced_gain"] = normal(160, 12, 135, 195), uniform(0.7, 1.2)
    p["paced_x"], p["paced_y"], p["paced_z"] = uniform(-1, 1.5), uniform(2, 4), uniform(1, 3)
    p["spike_x"], p["spike_y"], p["spike_z"] = uniform(-1, 1), uniform(-1.5, 1.5), uniform(-1, 0.5)
    p["delta_x"], p["delta_y"], p["delta_z"] = uniform(0.2, 1), uniform(-1, 1), uniform(-0.6, 1)
    p["flutter_rate"], p["fib_rate"] = normal(285, 22, 235, 345), uniform(4.8, 7.6)
    for wave in "123":
        p["fib_phase" + wave] = uniform(0, 6.28)
    return p


# Mechanisms that a healthy heart lacks. av_cycle n: each n-th beat is dropped; pac_every and
# pvc_every 1: single beats by chance, n: each n-th; flutter_ratio 1: varying; paced 2: after the
# atrium.
_OFF = (
    "irregular wandering av_cycle av_step escape_rate escape_wide pac_every pvc_every paced spike "
    "delta flutter_ratio flutter_size fib_size depression"
).split()


def settle(p):
    """Derive dependent parameters, such as the QT interval from its corrected value."""
    ratio = np.where(p["flutter_ratio"] == 1, 3, p["flutter_ratio"])
    p["hr"] = np.where(ratio > 0, p["flutter_rate"] / np.maximum(ratio, 1), p["hr"])
    cycle = 60 / p["hr"]
    # Between Bazett's and Fridericia's exponents; corrected back by Bazett as machines report it.
    p["qt"] = np.minimum(p["qtc"] * cycle**0.42, 880 * cycle)
    p["qt"] = np.maximum(p["qt"], p["qrs"] + 150)
    p["p_duration"] = np.minimum(p["p_duration"], p["pr"] - 8)
    atrial = (p["pac_every"] > 0) & (p["pvc_every"] > 1)  # a pattern is of the beats it comes with
    p["pac_every"] = np.where(atrial, p["pvc_every"], p["pac_every"])
    p["pvc_every"] = np.where(atrial, 0, p["pvc_every"])
    return p
