"""Real recordings with simulated ones beside them, for pretraining."""

import numpy as np
from sklearn.utils import Bunch, check_random_state

from ..records import ECGRecords
from ..reports._check import check_reports
from .simulation.generator import make_ecg

_AT_ONCE = 500


def mix_simulated(records, reports=None, *, n_simulated=20_000, repeats=None, random_state=None):
    """Put simulated recordings beside real ones, with all that pretraining can use of them.

    Simulated recordings have reports in English and in German, 500 in turn, and it is known what
    they show. They have the rate, length and leads of the real ones.

    Parameters
    ----------
    records : ECGRecords of shape (n_samples, n_leads, n_times)
        In mV, all of one length; they are read into memory.
    reports : array-like of str of shape (n_samples,) or None, default=None
        By default those that the records carry.
    n_simulated : int, default=20_000
        Simulated recordings; 0.5 GB in 10,000 of ten seconds at 100 Hz.
    repeats : int or None, default=None
        How often a pass of training takes each real recording; None is about as often as makes
        them as many as the simulated ones, 20 at most.
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same simulated recordings.

    Returns
    -------
    Bunch
        With what ``MeritEmbedder.fit`` takes:

        - ``data`` : :class:`~merit_sk.ECGRecords`, the simulated recordings, then the real ones
        - ``reports`` : ndarray of str, ``""`` where there is none
        - ``sources`` : ndarray of str, ``"simulated, en"``, ``"simulated, de"``, ``"real"``
        - ``statements`` : DataFrame, what simulated recordings show; NaN for real ones

    Raises
    ------
    TypeError
        If the recordings are no ``ECGRecords``.
    ValueError
        If the recordings are of several lengths, there are not as many reports, or `n_simulated`
        is not positive.

    Examples
    --------
    >>> from merit_sk.datasets import make_ecg, mix_simulated
    >>> ecg = make_ecg(10, random_state=0)                 # say that these are real
    >>> more = mix_simulated(ecg.data, n_simulated=40, random_state=1)
    >>> more.data.shape, int(more.statements["AFIB"].sum())
    ((80, 12, 1000), 2)
    """
    import pandas as pd

    if not isinstance(records, ECGRecords):
        raise TypeError(
            "records must be ECGRecords, which know rate and leads: ECGRecords.from_array(X, "
            f"sampling_rate=...), got {type(records).__name__}"
        )
    if n_simulated < 1:
        raise ValueError(f"n_simulated must be positive, got {n_simulated}")
    if records.shape[2] is None:
        raise ValueError(
            "the recordings are of several lengths: records.with_duration(seconds) cuts them to one"
        )
    reports = records.reports if reports is None else reports
    n, rate = len(records), records.sampling_rate
    told = [""] * n if reports is None else check_reports(reports, n).tolist()
    if repeats is None:
        repeats = int(np.clip(round(n_simulated / n), 1, 20))
    X = np.empty((n_simulated + n, *records.shape[1:]), dtype=np.float32)
    X[n_simulated:] = records
    random = check_random_state(random_state)
    texts, sources, shown = [], [], []
    for start in range(0, n_simulated, _AT_ONCE):
        stop = min(start + _AT_ONCE, n_simulated)
        language = ("en", "de")[start // _AT_ONCE % 2]
        ecg = make_ecg(
            stop - start, language=language, sampling_rate=rate, duration=records.shape[2] / rate,
            random_state=random,
        )  # fmt: skip
        X[start:stop] = ecg.data.with_leads(records.lead_names)
        texts += ecg.reports.tolist()
        sources += [f"simulated, {language}"] * (stop - start)
        shown.append(ecg.target)
    n_real = repeats * n
    taken = np.concatenate([np.arange(n_simulated), np.tile(n_simulated + np.arange(n), repeats)])
    unknown = np.full((n_real, ecg.target.shape[1]), np.nan)
    found = ECGRecords.from_array(X, sampling_rate=rate, lead_names=records.lead_names)[taken]
    return Bunch(
        data=found,
        reports=np.array(texts + told * repeats, dtype=object),
        sources=np.array(sources + ["real"] * n_real),
        statements=pd.DataFrame(np.concatenate([*shown, unknown]), columns=ecg.target_names),
    )
