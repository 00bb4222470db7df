"""Simulated data sets: ``make_ecg``, and ``stream_ecg`` for endless batches."""

import itertools
import numbers

import numpy as np
from sklearn.utils import Bunch, check_random_state

from ...signals._leads import STANDARD_LEADS
from ...statements._codes import task_labels
from . import cases, findings, heart, noise, reports, truth, waves
from .body import LEADS
from .draws import Draws
from .patient import healthy, settle
from .rhythm import beats

_BATCH, _BATCH_SAMPLES = 256, 256_000  # records at once, and samples of each lead
_DESCR = """
Simulated 12-lead ECGs with PTB-XL statements and reports, made by merit_sk.
A dipole model of nine ventricular walls and two atria, with its own clocks, in a chest with
electrodes. Not recordings: no patient is behind them. ``frame`` holds what was drawn: statements,
parameters (times in ms, rates per minute, potentials in mV, angles in degrees), amplitudes of R and
S in each lead, and onsets of P waves and QRS complexes in s.
"""


def make_ecg(
    n_samples=100,
    *,
    statements=None,
    task="all",
    sampling_rate=100,
    duration=10,
    language="en",
    noise=1.0,
    random_state=None,
):
    """Simulate 12-lead ECGs with PTB-XL statements and reports.

    A dipole model of nine ventricular walls and two atria, each with its own rhythm, is recorded by
    electrodes on a chest. Statements change the walls, the rhythms or the conduction between them;
    reports are worded to match. Record ``i`` depends on ``random_state`` and ``i`` only, not on
    ``n_samples``.

    Parameters
    ----------
    n_samples : int, default=100
        Number of recordings.
    statements : list of str or of collections of str, optional
        What the recordings show: record ``i`` shows entry ``i`` (counted cyclically), a PTB-XL code
        or several that occur together, and a sinus rhythm unless it names another. By default,
        combinations are drawn with frequencies like those of PTB-XL, rare statements more often.
    task : {"all", "diagnostic", "subclass", "superclass", "form", "rhythm"}, default="all"
        Classes of ``target``, as in :func:`load_ptbxl`.
    sampling_rate : float, default=100
        In Hz.
    duration : float, default=10
        Length of a recording in s.
    language : {"en", "de"}, default="en"
        Language of the reports.
    noise : float, default=1.0
        Noise level relative to real recordings; 0 is no noise and no displaced electrodes.
    random_state : int, RandomState instance or None, default=None
        Pass an int for reproducible recordings.

    Returns
    -------
    Bunch
        With the attributes

        - ``data`` : :class:`~merit_sk.ECGRecords` of shape (n_samples, 12, n_times), in mV
        - ``target`` : ndarray of shape (n_samples, n_classes), 1 where a class applies
        - ``target_names`` : list of str
        - ``reports`` : ndarray of shape (n_samples,), str
        - ``groups`` : ndarray of shape (n_samples,), one patient a record
        - ``folds`` : ndarray of shape (n_samples,), 1 to 10 at random
        - ``frame`` : DataFrame, the true parameters of each record
        - ``DESCR`` : str

    See Also
    --------
    stream_ecg : The same recordings, batch by batch, without end.

    Examples
    --------
    >>> from merit_sk.datasets import make_ecg
    >>> ecg = make_ecg(4, statements=["AFIB", ("CLBBB", "1AVB")], random_state=0)
    >>> ecg.data.shape
    (4, 12, 1000)
    >>> ecg.target[:, ecg.target_names.index("AFIB")]
    array([1, 0, 1, 0])
    """
    n_samples = _positive(n_samples, "n_samples", numbers.Integral)
    settings = _check(statements, task, sampling_rate, duration, language, noise)
    return _bunch(_seed(random_state), 0, n_samples, settings)


def stream_ecg(
    batch_size=64,
    *,
    statements=None,
    task="all",
    sampling_rate=100,
    duration=10,
    language="en",
    noise=1.0,
    random_state=None,
):
    """Simulate ECGs in an endless sequence of batches.

    Parameters
    ----------
    batch_size : int, default=64
        Recordings in a batch.
    statements, task, sampling_rate, duration, language, noise, random_state
        As in :func:`make_ecg`, whose recordings these are, in the same order.

    Yields
    ------
    Bunch
        As :func:`make_ecg` returns it.

    Examples
    --------
    >>> from merit_sk.datasets import stream_ecg
    >>> batches = stream_ecg(8, random_state=0)
    >>> next(batches).data.shape
    (8, 12, 1000)
    """
    batch_size = _positive(batch_size, "batch_size", numbers.Integral)
    settings = _check(statements, task, sampling_rate, duration, language, noise)
    seed = _seed(random_state)
    return (_bunch(seed, first, batch_size, settings) for first in itertools.count(0, batch_size))


def _positive(value, name, kind=numbers.Real):
    if not isinstance(value, kind) or isinstance(value, bool) or not value > 0:
        raise ValueError(
            f"{name} must be a positive {kind.__name__.lower()} number; got {value!r}."
        )
    return value


def _check(statements, task, sampling_rate, duration, language, noise):
    if language not in ("en", "de"):
        raise ValueError(f'language must be "en" or "de"; got {language!r}.')
    if isinstance(statements, str):
        raise ValueError(f"statements must be a list: write [{statements!r}].")
    if noise < 0:
        raise ValueError(f"noise must not be negative; got {noise!r}.")
    return {
        "asked": None if statements is None else cases.check_asked(statements),
        "labels": task_labels(task),
        "rate": _positive(sampling_rate, "sampling_rate"),
        "duration": _positive(duration, "duration"),
        "language": language,
        "level": noise,
    }


def _seed(random_state):
    if isinstance(random_state, numbers.Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def _bunch(seed, first, n, settings):
    import pandas as pd

    from ...records import ECGRecords

    settings = settings.copy()
    labels = settings.pop("labels")
    n_times = max(round(settings["duration"] * settings["rate"]), 1)
    at_once = max(1, min(_BATCH, _BATCH_SAMPLES // n_times))
    parts = [
        simulate(seed, start, min(at_once, first + n - start), **settings)
        for start in range(first, first + n, at_once)
    ]
    signals, shown, texts, frames = zip(*parts, strict=True)
    shown = list(itertools.chain.from_iterable(shown))
    texts = np.array(list(itertools.chain.from_iterable(texts)), dtype=object)
    frame = pd.DataFrame({k: np.concatenate([f[k] for f in frames]) for k in frames[0]})
    frame.insert(0, "statements", [tuple(sorted(codes)) for codes in shown])
    names = sorted(set(labels.values()))
    column = {name: k for k, name in enumerate(names)}
    target = np.zeros((n, len(names)), dtype=int)
    for i, codes in enumerate(shown):
        target[i, [column[labels[c]] for c in codes if c in labels]] = 1
    data = ECGRecords.from_array(
        np.concatenate(signals),
        sampling_rate=settings["rate"],
        lead_names=STANDARD_LEADS,
        reports=texts,
        record_names=[f"simulated-{seed}-{i}" for i in range(first, first + n)],
    )
    return Bunch(
        data=data,
        target=target,
        target_names=names,
        reports=texts,
        groups=np.arange(first, first + n),
        folds=frame.pop("fold").to_numpy(),
        frame=frame,
        DESCR=_DESCR,
    )


def simulate(seed, first, n, asked, rate, duration, language, level):
    """Simulate records ``first`` to ``first + n - 1`` of a seed.

    Returns signals (n, 12, n_times) in mV, statements, reports, and a dict of true parameters.
    """
    draws = Draws(seed, first, n)
    fold = draws.uniform(1, 11).astype(int)
    words = draws.uniform(size=reports.N_NUMBERS)
    drawn = cases.draw_cases(draws)
    shown = drawn if asked is None else [asked[i % len(asked)] for i in range(first, first + n)]
    p = healthy(draws)
    findings.apply(p, shown, draws)
    settle(p)
    timing = beats(p, draws, duration)
    shifts = noise.electrode_shifts(draws)
    swapped = noise.swapped_arms(draws) & (level > 0)
    built = heart.build(p, shifts if level else None)
    potentials = waves.electrode_potentials(p, built, timing, rate, round(duration * rate))
    potentials[swapped, :2] = potentials[swapped, 1::-1]
    if level:
        potentials += noise.electrode_noise(draws, rate, potentials.shape[2], level)
    signals = noise.record(draws, LEADS.astype(np.float32) @ potentials, level)
    known = truth.measure(p, built, timing, duration)
    texts = reports.write_all(shown, p | known, words, language)
    scalars = {name: value for name, value in p.items() if value.ndim == 1}
    return signals, shown, texts, {"fold": fold, "arms_swapped": swapped, **scalars, **known}
