"""Changes that each PTB-XL statement makes to the parameters of a healthy person."""

from typing import NamedTuple

import numpy as np

from .heart import WALLS


class Change(NamedTuple):
    """Change of a parameter by a number drawn between two bounds.

    The operations are ``to`` the number, ``by`` it as factor, ``plus`` it, at ``least`` and at
    ``most`` it.
    """

    operation: str
    low: float
    high: float


def to(low, high=None):
    return Change("to", low, low if high is None else high)


def by(low, high):
    return Change("by", low, high)


def plus(low, high):
    return Change("plus", low, high)


def least(low, high=None):
    return Change("least", low, low if high is None else high)


def most(low, high):
    return Change("most", low, high)


_TERRITORY = {
    "inferior": ("inferior",),
    "lateral": ("lateral", "high_lateral"),
    "anterior": ("apex", "anterior"),
    "septal": ("septum", "anterior"),
    "posterior": ("posterior",),
}

# By territory of an infarct: the walls that it takes, and how much of the lost force falls to each.
_LOST = {
    "inferior": {"inferior": 1.0},
    "lateral": {"lateral": 0.15, "high_lateral": 0.9},
    "inferolateral": {"inferior": 0.9, "lateral": 0.3, "high_lateral": 0.2},
    "anterior": {"septum": 0.55, "anterior": 0.3, "apex": 0.2},
    "septal": {"septum": 0.6, "anterior": 0.5},
    "posterior": {"posterior": 2.0},
}


def _infarct(*territories):
    """Return the changes by old infarcts: walls with weak or reversed vectors, hence Q and lost R.

    Where other walls come first, the lost force is seen earlier than the wall's own was, as Q. T
    changes little; acute infarcts are drawn in `apply`.
    """
    changes = {}
    for territory in territories:
        late = territory not in ("anterior", "septal")
        for wall, share in _LOST[territory].items():
            changes[f"gain.{wall}"] = by(0.2, 0.8) if late else by(0.4, 0.9)
            changes[f"force.{wall}"] = plus(-0.6 * share, -0.15 * share)
            changes[f"t.{wall}"] = plus(-0.12 * share, 0.04)
            if late:
                changes[f"delay.{wall}"] = plus(-18, -10)
                changes[f"width.{wall}"] = by(1.1, 1.5)
    if "posterior" in territories:
        changes["gain.posterior"] = by(-0.3, 0.3)
    if "inferior" in territories or "inferolateral" in territories:
        changes["gain.inferior"] = by(0.4, 0.9)
        changes.setdefault("force.posterior", plus(0.05, 0.4))
    elif "posterior" in territories:
        changes["gain.inferior"] = by(0.4, 0.8)
    return changes


def _ischemia(*territories, depth=(-0.28, -0.06), st=(-0.08, 0.0), depression=(-0.03, 0.06)):
    changes = {"t_gain": most(0.2, 0.8), "depression": least(*depression)}
    for territory in territories:
        for wall in _TERRITORY[territory]:
            share = {"anterior": 0.35, "septal": 0.7, "lateral": 0.35}.get(territory, 1.0)
            changes[f"t.{wall}"] = plus(depth[0] * share, depth[1] * share)
            changes[f"st.{wall}"] = plus(st[0] * share, st[1] * share)
    return changes


def _injury(*territories):
    return _ischemia(*territories, depth=(-0.2, 0.05), st=(-0.32, -0.14), depression=(0.02, 0.1))


_NO_P = {"p_gain": to(0)}
_STRAIN = {"depression": least(0.02, 0.09), "t_gain": most(0.3, 0.7), "t_swing": plus(35, 75)}

FINDINGS = {
    "1AVB": {"pr": to(212, 330)},
    "2AVB": {"av_cycle": to(2, 4.99), "av_step": to(0, 90), "hr": to(65, 100)},
    "3AVB": {"escape_rate": to(32, 56), "escape_wide": to(-1, 1), "hr": to(70, 105)},
    "ABQRS": {
        "force.inferior": plus(-0.2, 0.0),
        "force.anterior": plus(-0.1, 0.0),
        "force.septum": plus(-0.1, 0.0),
    },
    "AFIB": {
        **_NO_P,
        "irregular": to(0.14, 0.3),
        "hr": to(52, 135),
        "fib_size": to(0.03, 0.13),
        "depression": least(-0.02, 0.06),
        "t_gain": most(0.1, 0.8),
        "t_swing": plus(0, 35),
    },
    "AFLT": {**_NO_P, "flutter_ratio": to(1, 4.99), "flutter_size": to(0.12, 0.3)},
    "ALMI": _infarct("anterior", "lateral"),
    "AMI": _infarct("anterior"),
    "ANEUR": {**_infarct("septal"), "st.anterior": plus(0.1, 0.22), "st.septum": plus(0.05, 0.15)},
    "ASMI": _infarct("septal"),
    "BIGU": {"pvc_every": to(2)},
    "CLBBB": {
        "qrs": to(128, 176),
        "qtc": plus(10, 40),
        "sense.septum": to(-0.5, 0.1),
        "late_force.septum": to(-0.35, -0.12),
        "delay.septum": to(10, 20),
        "width.septum": by(2.4, 3.2),
        "sense.right": to(0.2, 0.7),
        "sense.anterior": to(-0.8, 0.0),
        "sense.apex": to(0.2, 0.8),
        "delay.apex": to(14, 26),
        "delay.lateral": to(22, 42),
        "delay.high_lateral": to(42, 62),
        "delay.posterior": to(24, 38),
        "delay.inferior": to(18, 34),
        "width.lateral": by(1.9, 2.5),
        "width.high_lateral": by(1.9, 2.5),
        "width.posterior": by(2.2, 2.8),
        "width.inferior": by(1.6, 2.2),
        "width.apex": by(1.5, 2.1),
        "late_force.lateral": to(-0.1, 0.3),
        "late_force.high_lateral": to(0.2, 0.6),
        "late_force.posterior": to(0.8, 1.7),
        "delay.base": to(10, 24),
    },
    "CRBBB": {
        "qrs": to(122, 160),
        "qtc": plus(5, 30),
        "late_force.septum": to(0.05, 0.15),
        "sense.right": to(-0.6, -0.1),
        "late_force.right": to(0.5, 1.0),
        "sense.posterior": to(0.3, 0.8),
        "sense.inferior": to(0.2, 0.5),
        "late_force.base": to(0.4, 0.8),
        "delay.base": to(12, 26),
        "delay.right": to(34, 48),
        "width.right": by(1.8, 2.3),
    },
    "DIG": {
        "qtc": to(350, 390),
        "depression": least(0.06, 0.14),
        "t_gain": most(0.1, 0.5),
    },
    "EL": {"qtc": to(455, 500), "t_gain": most(0.2, 0.6), "u_gain": to(0.25, 0.8)},
    "HVOLT": {"voltage": by(1.35, 1.6)},
    "ILBBB": {
        "qrs": to(110, 121),
        "sense.septum": to(-0.2, 0.3),
        "late_force.septum": to(-0.2, -0.05),
        "width.septum": by(1.5, 2.0),
        "delay.septum": to(6, 12),
        "delay.lateral": to(10, 18),
        "delay.high_lateral": to(10, 18),
        "delay.posterior": to(8, 14),
        "late_force.lateral": to(0.05, 0.25),
        "late_force.posterior": to(0.1, 0.3),
        "sense.right": to(0.3, 0.8),
    },
    "ILMI": _infarct("inferolateral"),
    "IMI": _infarct("inferior"),
    "INJAL": _injury("anterior", "lateral"),
    "INJAS": _injury("septal"),
    "INJIL": _injury("inferior", "lateral"),
    "INJIN": _injury("inferior"),
    "INJLA": _injury("lateral"),
    "INVT": _ischemia("lateral", st=(0, 0), depression=(0, 0)),
    "IPLMI": _infarct("inferolateral", "posterior"),
    "IPMI": _infarct("inferior", "posterior"),
    "IRBBB": {
        "qrs": to(94, 116),
        "late_force.septum": to(0.02, 0.1),
        "late_force.base": to(0.0, 0.15),
        "sense.right": to(-0.1, 0.4),
        "late_force.right": to(0.16, 0.36),
        "sense.posterior": to(0.75, 1.05),
        "sense.inferior": to(0.7, 0.95),
        "delay.right": to(12, 24),
        "width.right": by(1.1, 1.5),
    },
    "ISCAL": _ischemia("anterior", "lateral"),
    "ISCAN": _ischemia("anterior"),
    "ISCAS": _ischemia("septal"),
    "ISCIL": _ischemia("inferior", "lateral"),
    "ISCIN": _ischemia("inferior"),
    "ISCLA": _ischemia("lateral"),
    "ISC_": _STRAIN,
    "IVCD": {
        "qrs": to(112, 138),
        "qtc": plus(0, 15),
        "delay.base": plus(4, 16),
        "width.lateral": by(1.1, 1.5),
        "width.high_lateral": by(1.1, 1.5),
        "width.inferior": by(1.1, 1.5),
        "width.posterior": by(1.1, 1.5),
    },
    "LAFB": {
        "qrs": to(90, 116),
        "delay.inferior": to(-18, -12),
        "sense.inferior": to(0.1, 0.4),
        "late_force.inferior": to(0.2, 0.45),
        "late_force.septum": plus(0.04, 0.12),
        "delay.high_lateral": to(10, 20),
        "late_force.high_lateral": to(0.1, 0.4),
        "width.high_lateral": by(1.1, 1.4),
        "delay.base": to(-14, -6),
        "late_force.base": to(0.15, 0.45),
        "turn_frontal": to(-48, -18),
        "t_turn": plus(20, 55),
    },
    "LAO/LAE": {"la_gain": by(1.6, 2.4), "p_duration": to(120, 145), "p_notch": to(0.04, 0.1)},
    "LMI": _infarct("lateral"),
    "LNGQT": {"qtc": to(470, 540)},
    "LOWT": {"depression": least(0, 0.04), "t_gain": most(0.05, 0.5)},
    "LPFB": {
        "qrs": to(90, 116),
        "delay.high_lateral": to(-14, -8),
        "delay.inferior": to(10, 20),
        "late_force.inferior": to(0.2, 0.5),
        "sense.lateral": to(0.4, 0.7),
        "turn_frontal": to(40, 70),
        "t_turn": plus(-40, -10),
    },
    "LPR": {"pr": to(202, 240)},
    "LVH": {
        "voltage": by(1.2, 1.5),
        "force.lateral": plus(0.0, 0.2),
        "force.high_lateral": plus(0.0, 0.2),
        "force.inferior": plus(0.0, 0.15),
        "force.posterior": plus(0.1, 0.5),
        "depression": least(-0.02, 0.08),
        "t_gain": most(0.3, 1.1),
        "t_swing": plus(0, 35),
        "qrs": plus(2, 12),
        "p_duration": plus(0, 12),
    },
    "LVOLT": {"voltage": to(0.3, 0.42)},
    "NDT": {
        "depression": least(0, 0.04),
        "t_gain": most(0.1, 0.7),
        "t_turn": plus(-60, 60),
        "t_swing": plus(0, 25),
    },
    "NORM": {},
    "NST_": {
        "depression": least(0.01, 0.06),
        "t_gain": most(0.1, 0.9),
        "t_swing": plus(0, 25),
    },
    "NT_": {"depression": least(0, 0.03), "t_gain": most(0.1, 0.6)},
    "PAC": {"pac_every": least(1)},
    "PACE": {"paced": to(1, 2.4), "spike": to(0.2, 1.2), "hr": to(60, 80)},
    "PMI": _infarct("posterior"),
    "PRC(S)": {"pvc_every": least(1)},
    "PSVT": {**_NO_P, "hr": to(150, 210), "hrv": to(0.001, 0.006), "rsa": to(0)},
    "PVC": {"pvc_every": least(1)},
    "QWAVE": {"force.inferior": plus(-0.4, -0.15), "delay.inferior": plus(-8, -4)},
    "RAO/RAE": {"ra_gain": by(1.9, 2.6), "p_turn": plus(5, 25)},
    "RVH": {
        "force.right": plus(0.9, 1.9),
        "gain.lateral": by(0.3, 0.7),
        "gain.posterior": by(-0.2, 0.4),
        "turn_frontal": to(20, 60),
        "turn_horizontal": to(10, 40),
        "t.right": plus(-0.3, -0.1),
        "st.right": plus(-0.06, 0),
    },
    "SARRH": {"rsa": to(0.1, 0.24)},
    "SBRAD": {"hr": to(38, 57)},
    "SEHYP": {"force.septum": plus(0.25, 0.6), "gain.septum": by(1.0, 2.0)},
    "SR": {},
    "STACH": {"hr": to(102, 145), "rsa": by(0.2, 0.5), "hrv": by(0.2, 0.6)},
    "STD_": {"depression": least(0.03, 0.09), "t_gain": most(0.1, 0.7), "t_swing": plus(5, 45)},
    "STE_": {"st.anterior": plus(0.05, 0.15), "st.septum": plus(0.0, 0.08)},
    "SVARR": {"wandering": to(0.3, 0.8), "irregular": to(0.08, 0.2), "hr": to(50, 100)},
    "SVTAC": {**_NO_P, "hr": to(140, 200), "hrv": to(0.001, 0.006), "rsa": to(0)},
    "TAB_": {"t_gain": most(0.0, 0.6), "t_turn": plus(-60, 60)},
    "TRIGU": {"pvc_every": to(3)},
    "VCLVH": {
        "voltage": by(1.22, 1.52),
        "force.lateral": plus(0.05, 0.3),
        "force.inferior": plus(0.0, 0.15),
        "force.posterior": plus(0.1, 0.45),
        "depression": least(0, 0.06),
        "t_gain": most(0.2, 1.2),
    },
    "WPW": {
        "pr": to(84, 116),
        "delta": to(0.3, 0.6),
        "qrs": to(108, 140),
        "discord": plus(0.1, 0.3),
    },
}

INFARCTS = {"IMI", "ASMI", "ILMI", "ALMI", "AMI", "LMI", "PMI", "IPMI", "IPLMI"}
_INTEGER = {"av_cycle", "flutter_ratio", "paced", "pvc_every", "pac_every"}


def apply(p, shown, draws):
    """Change parameters by the statements of each record.

    Parameters
    ----------
    p : dict of str to ndarray
        Parameters of healthy persons; changed in place.
    shown : list of set of str
        Statements of each record.
    draws : Draws
        The records' random numbers.
    """
    for code, changes in FINDINGS.items():
        rows = np.array([code in codes for codes in shown])
        severity = draws.uniform(size=max(len(changes), 1))
        if rows.any():
            for column, (name, change) in enumerate(changes.items()):
                value = change.low + (change.high - change.low) * severity[rows, column]
                _change(p, rows, name, change.operation, value)
    _differ(p, shown, draws)
    _make_acute(p, shown, draws)


# How the average beat of patients with findings that are not of the ventricles' walls differs from
# that of the healthy, in the order of WALLS: force in mV and delay in ms, fitted to PTB-XL
# recordings of folds 1 to 8.
_STRONGER = np.array([-0.01, -0.02, 0.02, 0.06, -0.11, 0.04, 0.06, 0.03, 0.01])
_LATER = np.array([-0.4, -1.3, -0.6, 0.8, -0.5, -0.3, 1.4, -1.0, 1.8])


def _differ(p, shown, draws):
    """Make patients with findings older and more variable than healthy persons.

    The axis lies further left; T waves are flatter, turned forwards and of any shape. Flatness
    does not multiply: that of the patient or that of a statement holds, whichever is more.
    """
    ill = np.array(["NORM" not in codes for codes in shown]).astype(float)
    walls = ill[:, None]
    p["age"] = np.minimum(p["age"] + 9 * ill, 95)
    p["turn_frontal"] += ill * draws.normal(-7, 13)
    p["turn_horizontal"] += ill * draws.normal(0, 10)
    flat = np.exp(draws.normal(-0.4, 0.4))
    p["t_gain"] = np.where(ill > 0, np.minimum(p["t_gain"], flat), p["t_gain"])
    p["t_turn"] += ill * draws.normal(0, 14)
    p["t_swing"] += ill * draws.normal(8, 12)
    p["t"] += walls * draws.normal(0, 0.035, size=len(WALLS))
    p["st"] += walls * draws.normal(0, 0.008, size=len(WALLS))
    p["gain"] *= np.exp(walls * draws.normal(0, 0.1, size=len(WALLS)))
    p["force"] += walls * draws.normal(_STRONGER, 0.04, size=len(WALLS))
    p["delay"] += walls * draws.normal(_LATER, 1.3, size=len(WALLS))


def _make_acute(p, shown, draws):
    """Make some infarcts acute: an injury current raises ST over the lost walls."""
    infarct = np.array([bool(codes & INFARCTS) for codes in shown])
    p["acute"] = infarct & draws.happens(0.08)
    lost = np.maximum(-p["force"], 0) * p["acute"][:, None]
    p["st"] += lost * draws.uniform(0.3, 0.9)[:, None]


def _change(p, rows, name, operation, value):
    name, _, wall = name.partition(".")
    if name in _INTEGER:
        value = np.floor(value)
    target = p[name][:, WALLS.index(wall)] if wall else p[name]
    if operation == "to":
        target[rows] = value
    elif operation == "least":
        target[rows] = np.maximum(target[rows], value)
    elif operation == "most":
        target[rows] = np.minimum(target[rows], value)
    elif operation == "by":
        target[rows] *= value
    else:
        target[rows] += value
