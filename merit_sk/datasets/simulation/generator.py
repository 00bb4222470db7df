"""``make_ecg`` and the endless stream behind it."""

import numbers

import numpy as np
from sklearn.utils import Bunch, check_random_state

from .._statements import task_labels
from . import cases, findings, heart, noise, reports, waves
from .body import LEADS
from .draws import Draws
from .patient import healthy, settle
from .rhythm import ECTOPIC, beats

_BATCH = 64


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

    A heart of nine walls and two atria, with clocks of their own, is placed in a chest and recorded
    by electrodes; statements change the heart, the clocks or their connection, and reports say what
    was drawn. Record ``i`` depends on ``random_state`` and ``i`` only, not on ``n_samples``.

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
        Amount of noise relative to that of real recordings; 0 for none.
    random_state : int, RandomState instance or None, default=None
        Pass an int for reproducible recordings.

    Returns
    -------
    ecg : Bunch
        ``data`` (:class:`~merit_sk.ECGRecords` in mV), ``target`` (n_samples, n_classes),
        ``target_names``, ``reports``, ``groups`` (one patient a record), ``folds`` (1 to 10),
        ``frame`` (a DataFrame with the parameters of each record), ``DESCR``.

    Examples
    --------
    >>> from merit_sk.datasets import make_ecg
    >>> ecg = make_ecg(4, statements=["AFIB", "CLBBB"], random_state=0)
    >>> ecg.data.shape
    (4, 12, 1000)
    >>> ecg.target[:, ecg.target_names.index("AFIB")]
    array([1, 0, 1, 0])
    """
    import pandas as pd

    from ...records import ECGRecords
    from ...signals import STANDARD_LEADS

    seed = _seed(random_state)
    batches = [
        simulate(
            seed,
            first,
            min(_BATCH, n_samples - first),
            statements,
            sampling_rate,
            duration,
            language,
            noise,
        )
        for first in range(0, n_samples, _BATCH)
    ]
    signals = np.concatenate([b[0] for b in batches])
    shown = [codes for b in batches for codes in b[1]]
    texts = np.array([text for b in batches for text in b[2]], dtype=object)
    frame = pd.DataFrame(
        {key: np.concatenate([b[3][key] for b in batches]) for key in batches[0][3]}
    )
    labels = task_labels(task)
    names = sorted(set(labels.values()))
    column = {name: k for k, name in enumerate(names)}
    target = np.zeros((n_samples, len(names)), dtype=int)
    for i, codes in enumerate(shown):
        target[i, [column[labels[c]] for c in codes if c in labels]] = 1
    frame.insert(0, "statements", [tuple(sorted(codes)) for codes in shown])
    return Bunch(
        data=ECGRecords.from_array(
            signals,
            sampling_rate=sampling_rate,
            lead_names=STANDARD_LEADS,
            reports=texts,
            record_names=[f"simulated-{seed}-{i}" for i in range(n_samples)],
        ),
        target=target,
        target_names=names,
        reports=texts,
        groups=np.arange(n_samples),
        folds=frame.pop("fold").to_numpy(),
        frame=frame,
        DESCR=__doc__,
    )


def _seed(random_state):
    if isinstance(random_state, numbers.Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def simulate(seed, first, n, statements, rate, duration, language, level):
    """Simulate records ``first`` to ``first + n - 1`` of a seed.

    Returns signals (n, 12, n_times) in mV, statements, reports, and a dict of parameters.
    """
    draws = Draws(seed, first, n)
    fold = draws.uniform(1, 11).astype(int)
    words = draws.uniform(size=reports.N_NUMBERS)
    drawn = cases.draw_cases(draws)
    shown = cases.asked_cases(statements, first, n) if statements is not None else drawn
    p = healthy(draws)
    findings.apply(p, shown, draws)
    settle(p)
    built = heart.build(p, noise.electrode_shifts(draws) if level else None)
    timing = beats(p, draws, duration)
    n_times = round(duration * rate)
    potentials = waves.electrode_potentials(p, built, timing, rate, n_times)
    p["arms_swapped"] = noise.swap_limbs(draws, potentials) if level else np.zeros(n, bool)
    if level:
        potentials += noise.electrode_noise(draws, rate, n_times, level)
    signals = np.einsum("le,net->nlt", LEADS.astype(np.float32), potentials, optimize=True)
    signals = noise.record(draws, signals, level)
    p["axis"] = _axis(built)
    p["n_early"] = _count(timing, duration)
    texts = _reports(p, shown, words, language)
    truth = {name: value for name, value in p.items() if value.ndim == 1}
    return signals, shown, texts, {"fold": fold, **truth}


def _axis(built):
    """Frontal QRS axis in degrees, from the areas of the QRS in leads I and aVF."""
    area = np.einsum("nwe,nw->ne", built.qrs[:, 0], built.width[:, 0]) @ LEADS.T
    return np.degrees(np.arctan2(area[:, 5] * 2 / np.sqrt(3), area[:, 0]))


def _count(timing, duration):
    """Premature beats within the recording."""

    def inside(times, kind):
        return ((kind == ECTOPIC) & (times > 0) & (times < duration)).sum(axis=1)

    return inside(timing.ventricular, timing.ventricular_kind) + inside(
        timing.atrial, timing.atrial_kind
    )


_FACTS = (
    "hr rsa axis n_early flutter_ratio av_cycle av_step paced delta_z escape_rate acute"
).split()


def _reports(p, shown, words, language):
    columns = zip(*[p[name].tolist() for name in _FACTS], strict=True)
    return [
        reports.write(codes, dict(zip(_FACTS, row, strict=True)), numbers, language)
        for codes, row, numbers in zip(shown, columns, words.tolist(), strict=True)
    ]
