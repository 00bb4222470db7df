"""Fit the normal heart of the simulator to real recordings; prints the figures of ``normal_heart``.

The average beat of each normal PTB-XL recording of folds 1 to 8 in sinus rhythm is explained by the
simulator's own sources: their times are searched (Nelder-Mead), their dipole moments solved (ridge
regression towards a prior). Printed are the mean and the principal components of the moments over
recordings, in microvolts, and quantiles of the intervals.
Atria are at the heart's centre here and do not recover; ``normal_heart`` has another mean for them.

    python benchmarks/fit_simulated_heart.py --data PATH_OF_PTB_XL [--n 160]
"""

import argparse

import numpy as np
from scipy.optimize import minimize
from simulated_or_real import beats

from merit_sk.datasets import load_ptbxl
from merit_sk.datasets.simulation.body import LEAD_FIELD, LEADS, lead_field
from merit_sk.datasets.simulation.heart import PLACE, TIME, WIDTH
from merit_sk.datasets.simulation.waves import bump, sigmoid

INDEPENDENT = [0, 1, 6, 7, 8, 9, 10, 11]
BEFORE, LENGTH, STEP = 35, 110, 10.0  # samples before the QRS, in all; ms
N_SOURCES, N_COMPONENTS = 14, 12
TIMES = ("QRS onset", "QRS", "PR", "P duration", "QT", "T fall", "T rise")
START = np.array([-45, 92, 155, 105, 400, 43, 80.0])
LOW, HIGH = (
    np.array([-70, 70, 110, 75, 280, 28, 35.0]),
    np.array([-28, 125, 230, 140, 480, 70, 150.0]),
)
SCALE = np.array([6, 10, 15, 10, 20, 6, 15.0])
# Prior moments in mV: nine walls, right and left atrium, ST, and the two halves of T.
PRIOR = np.array(
    "-.07 -.06 .18  .30 .28 .05  .22 -.05 .20  .34 -.25 -.13  .45 .05 -.22  .10 .46 -.20 "
    "-.10 0 -.45  -.18 .10 .20  -.03 -.06 -.14  .014 .068 .023  .035 .033 -.026  "
    "-.03 -.023 .042  .221 .093 .189  .27 .162 .111".split(),
    float,
).reshape(N_SOURCES, 3)
PRIOR_SD = np.repeat([0.12, *[0.2] * 6, 0.15, 0.1, 0.05, 0.05, 0.05, 0.15, 0.15], 3)
_FIELD = LEADS[INDEPENDENT] @ np.concatenate(
    [lead_field(PLACE), np.repeat(LEAD_FIELD[None], 5, axis=0)]
)
_T = np.arange(LENGTH) * STEP - BEFORE * STEP


def average_beat(record):
    """Median beat (12, LENGTH) around the centre of the QRS, and the median interval in s."""
    peaks = beats(record)
    inside = peaks[(peaks > BEFORE) & (peaks < record.shape[1] - LENGTH + BEFORE)]
    cut = [record[:, p - BEFORE : p - BEFORE + LENGTH] for p in inside]
    return np.median(cut, axis=0), np.median(np.diff(peaks)) / 100


def shapes(times):
    """Courses of the sources over time, (N_SOURCES, LENGTH)."""
    onset, qrs, pr, p_duration, qt, fall, rise = times
    t = _T - onset
    begin, end = (TIME - 2 * WIDTH).min(), (TIME + 2 * WIDTH).max()
    factor = qrs / (end - begin)
    walls = [bump(t, (c - begin) * factor, w * factor) for c, w in zip(TIME, WIDTH, strict=True)]
    atria = [bump(t + pr, c * p_duration, 0.17 * p_duration) for c in (0.36, 0.64)]
    peak = qt - 2 * fall
    st = sigmoid(t, qrs - 6, 5) * sigmoid(-t, -peak, 0.3 * rise)
    t_wave = np.where(t < peak, bump(t, peak, rise), bump(t, peak, fall))
    late = sigmoid(t, peak, 0.4 * fall)
    return np.array([*walls, *atria, st, t_wave * (1 - late), t_wave * late])


def solve(times, beat, strength=0.02):
    """Moments (N_SOURCES, 3) that explain a beat, and what is lost."""
    design = np.einsum("st,slc->ltsc", shapes(times), _FIELD).reshape(-1, 3 * N_SOURCES)
    offsets = np.repeat(np.eye(len(INDEPENDENT)), LENGTH, axis=0)
    design = np.concatenate([design, offsets], axis=1)
    rest = beat.ravel() - design[:, : 3 * N_SOURCES] @ PRIOR.ravel()
    ridge = strength * np.concatenate([1 / PRIOR_SD**2, np.full(len(INDEPENDENT), 1e-3)])
    change = np.linalg.solve(design.T @ design + np.diag(ridge), design.T @ rest)
    loss = ((rest - design @ change) ** 2).sum() + (ridge * change**2).sum()
    return PRIOR + change[: 3 * N_SOURCES].reshape(-1, 3), loss


def fit(beat, interval):
    """Times and moments of a recording."""
    start = START * np.array([1, 1, 1, 1, interval**0.42, 1, 1])

    def loss(step):
        times = start + step * SCALE
        outside = np.clip(LOW - times, 0, None) + np.clip(times - HIGH, 0, None)
        return (
            solve(np.clip(times, LOW, HIGH), beat)[1]
            + 0.01 * (outside**2).sum()
            + 0.002 * (step**2).sum()
        )

    simplex = np.vstack([np.zeros(7), np.eye(7)])
    best = minimize(
        loss, simplex[0], method="Nelder-Mead", options=dict(maxfev=150, initial_simplex=simplex)
    )
    times = np.clip(start + best.x * SCALE, LOW, HIGH)
    return times, solve(times, beat)[0]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder of PTB-XL")
    parser.add_argument("--n", type=int, default=160, help="recordings")
    args = parser.parse_args(arguments)
    real = load_ptbxl(args.data, task="all")
    names = list(real.target_names)
    wanted = real.target[:, [names.index("NORM"), names.index("SR")]].all(axis=1)
    rows = np.flatnonzero(wanted & (real.folds <= 8))[: args.n]
    fitted = [
        fit(beat[INDEPENDENT], interval)
        for beat, interval in (average_beat(real.data[i]) for i in rows)
    ]
    times = np.array([t for t, _ in fitted])
    moments = np.array([m.ravel() for _, m in fitted])
    for k, name in enumerate(TIMES):
        print(f"{name:12s} 5, 50, 95 %: {np.percentile(times[:, k], [5, 50, 95]).round(0)}")
    _, size, axes = np.linalg.svd(moments - moments.mean(axis=0), full_matrices=False)
    parts = axes[:N_COMPONENTS] * (size / np.sqrt(len(moments)))[:N_COMPONENTS, None]
    for row in (moments.mean(axis=0), *parts):
        print(" ".join(f"{1000 * value:.0f}" for value in row))


if __name__ == "__main__":
    main()
