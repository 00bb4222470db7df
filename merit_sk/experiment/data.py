"""The recordings of an evaluation: PTB-XL or simulated ones, and data sets to transfer to."""

import hashlib
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from ..datasets import load_cpsc2018, load_csn, load_georgia, load_ptbxl, make_ecg
from ..datasets._bunch import data_set_folder
from ..datasets._ptbxl import _parse_codes, _reports, ptbxl_target
from ..records import ECGRecords
from ..signals._filters import bandpass, zscore
from ..statements import task_labels
from .config import OTHER_SETS

RATE, SECONDS = 100, 10
_LOADERS = {"cpsc2018": load_cpsc2018, "csn": load_csn, "georgia": load_georgia}


def load_main(config):
    """The recordings that models are trained and tested on, with all 71 statements.

    Returns
    -------
    Bunch
        As a loader gives it; ``paper`` are recordings in mV, the first of ``data``.
    """
    if config.ptbxl is None:
        ecg = make_ecg(config.simulated, random_state=0)
    else:
        ecg = load_ptbxl(config.ptbxl, task="all", reports=config.reports[0])
        for source in config.reports[1:]:
            ecg.reports = _joined(ecg.reports, _reports(ecg.frame, source))
    ecg.paper = ecg.data
    if config.standardized:
        ecg = _with_standardized(ecg, config)
    ecg.reports = _thinned(ecg, config)
    train = np.isin(ecg.folds, config.train_folds)
    if not any(isinstance(r, str) and r.strip() for r in ecg.reports[train]):
        raise ValueError(
            f"no training record has a report in {', '.join(config.reports)}: give --reports "
            "another column of ptbxl_database.csv, or a csv with ecg_id and text_en"
        )
    return ecg


def load_others(config):
    """Data sets to transfer to, by name; at the sampling rate of the main set."""
    others = {}
    for name in OTHER_SETS:
        folder = getattr(config, name)
        if folder is None:
            continue
        ecg = _LOADERS[name](folder)
        ecg.data = ecg.data.resampled(RATE)
        if config.standardized:
            ecg.data = _standardised(ecg.data.with_duration(SECONDS))
        others[name] = ecg
    return others


def task_bunch(ecg, task):
    """The same recordings with the classes of one task, from their 71 statements."""
    labels = task_labels(task)
    names = sorted(set(labels.values()))
    target = np.zeros((len(ecg.target), len(names)), dtype=np.int64)
    for column, code in zip(ecg.target.T, ecg.target_names, strict=True):
        if code in labels:
            k = names.index(labels[code])
            target[:, k] |= column
    return Bunch(**ecg | {"target": target, "target_names": names})


def with_folds(ecg, random_state=0):
    """A data set without official folds, in ten folds of its patients drawn at random."""
    names, member = np.unique(ecg.groups, return_inverse=True)
    order = np.random.default_rng(random_state).permutation(len(names))
    return Bunch(**ecg | {"folds": (order % 10 + 1)[member]})


def load_standardized(folder, table, reports):
    """Recordings of PTB-XL that were published as standardised arrays.

    Parameters
    ----------
    folder : path-like
        With ``ecg_id.npy`` and ``signals_int16.npy`` of shape (n, 12, 1000): 10 s at 100 Hz in the
        standard order of leads, each lead's z-score times 500.
    table : path-like
        ``ptbxl_database.csv`` with the rows of these recordings.
    reports : sequence of str
        As in ``RunConfig``.

    Returns
    -------
    Bunch
        ``data`` (ndarray), ``frame``, ``reports``.
    """
    import pandas as pd

    files = "ecg_id.npy", "signals_int16.npy"
    folder = data_set_folder(folder, *files, name="standardised recordings")
    if not Path(table).is_file():
        raise FileNotFoundError(f"{table} is no file: give ptbxl_database.csv after {folder}")
    ids, signals = (np.load(folder / file) for file in files)
    frame = pd.read_csv(table, index_col="ecg_id")
    missing = np.setdiff1d(ids, frame.index)
    if len(missing):
        raise ValueError(
            f"{table} lacks {len(missing)} of the {len(ids)} recordings in {folder}, first "
            f"{missing[:5].tolist()}: give the table of the whole data set"
        )
    frame = frame.loc[ids]
    frame["scp_codes"] = frame["scp_codes"].map(_parse_codes)
    texts = _reports(frame, reports[0])
    for source in reports[1:]:
        texts = _joined(texts, _reports(frame, source))
    return Bunch(data=signals.astype(np.float32) / 500, frame=frame, reports=texts)


def _with_standardized(ecg, config):
    """Raw recordings, standardised as the others were, and the others."""
    import pandas as pd

    more = load_standardized(*config.standardized, config.reports)
    new = ~more.frame.index.isin(ecg.frame.index)
    statements = pd.read_csv(Path(config.ptbxl) / "scp_statements.csv", index_col=0)
    frame = pd.concat([ecg.frame, more.frame[new]])
    target, names = ptbxl_target(frame["scp_codes"], statements, "all")
    raw = np.asarray(_standardised(ecg.data))
    return Bunch(
        data=ECGRecords.from_array(
            np.concatenate([raw, more.data[new]]), sampling_rate=RATE,
            record_names=frame.index.astype(str),
        ),
        target=target,
        target_names=names,
        reports=np.concatenate([ecg.reports, more.reports[new]]),
        groups=frame["patient_id"].to_numpy().astype(np.int64),
        folds=frame["strat_fold"].to_numpy(),
        frame=frame,
        paper=ecg.paper,
        DESCR=ecg.DESCR,
    )  # fmt: skip


def _standardised(records):
    signals = zscore(bandpass(np.asarray(records), RATE, 0.5, 40))
    return ECGRecords.from_array(signals, sampling_rate=RATE, record_names=records.record_names)


def _joined(texts, more):
    """Two columns of texts as one."""
    both = [[t for t in pair if isinstance(t, str) and t.strip()] for pair in zip(texts, more)]  # noqa: B905
    return np.array(["; ".join(pair) or None for pair in both], dtype=object)


def _thinned(ecg, config):
    """Reports of a share of the training patients; those of other folds stay."""
    if config.report_fraction == 1:
        return ecg.reports
    names, member = np.unique(ecg.groups, return_inverse=True)
    order = np.random.default_rng(0).permutation(len(names))
    shown = order < round(config.report_fraction * len(names))
    hidden = np.isin(ecg.folds, config.train_folds) & ~shown[member]
    return np.where(hidden, None, ecg.reports)


def fingerprint(ecg):
    """Digest of which recordings, labels, folds and reports a data set holds."""
    parts = (ecg.data.record_names, ecg.target, ecg.folds, ecg.reports)
    text = repr([None if part is None else np.asarray(part).tolist() for part in parts])
    return hashlib.sha256(text.encode()).hexdigest()[:12]
