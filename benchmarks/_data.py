"""Real recordings that several benchmarks read: PTB-XL in mV, and more of it as z-scores.

A folder DATA holds ``ptb-xl/`` (a PTB-XL folder), ``ptb-xl-standardized/`` (``ecg_id.npy`` and
``signals_int16.npy`` of shape (n, 12, 1000): 10 s at 100 Hz in the standard order of leads, each
lead's z-score times 500), ``metadata/ptbxl_database.csv`` with the rows of all of them, and
``metadata/ptbxl_12sl_statements_text_en.csv``. It may hold ``cpsc2018/``, ``cpsc2018_extra/``,
``csn/`` and ``georgia/``. Joined, all recordings are standardized in the same way, and embeddings
of them go without voltages: ``readout="stages"``.
"""

import hashlib
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from merit_sk import ECGRecords
from merit_sk.datasets import load_ptbxl
from merit_sk.experiment import MODELS, load_experiment
from merit_sk.signals import bandpass, zscore

RATE, SECONDS = 100, 10
OTHER_SETS = {"cpsc2018": "CPSC2018", "csn": "CSN", "georgia": "Georgia"}


def statements_of(data):
    """Return the csv file of English machine statements."""
    return Path(data) / "metadata" / "ptbxl_12sl_statements_text_en.csv"


def standardized(signals):
    """Filter signals in mV and standardize every lead."""
    return zscore(bandpass(np.asarray(signals), RATE, 0.5, 40))


def load_all(data, reports="report", n=None):
    """Load all recordings at hand, standardized, as ``load_ptbxl`` gives them.

    Parameters
    ----------
    data : path-like
        Folder DATA.
    reports : str or path-like, default="report"
        As for `load_ptbxl`.
    n : int or None, default=None
        About as many recordings, of all folds; None takes all.

    Returns
    -------
    Bunch
        With all 71 statements. Recordings that are there in mV come first.
    """
    data = Path(data)
    raw = load_ptbxl(data / "ptb-xl", task="all")
    ids = np.load(data / "ptb-xl-standardized" / "ecg_id.npy")
    scores = np.load(data / "ptb-xl-standardized" / "signals_int16.npy").astype(np.float32) / 500
    new = ~np.isin(ids, raw.frame.index)
    whole = _tables(data, reports)
    rows = whole.frame.index.get_indexer([*raw.frame.index, *ids[new]])
    if (rows < 0).any():
        raise ValueError(f"{data}/metadata/ptbxl_database.csv lacks {(rows < 0).sum()} recordings")
    signals = np.concatenate([standardized(raw.data), scores[new]])
    few = np.arange(len(rows))[:: max(1, len(rows) // n) if n else 1]
    rows = rows[few]
    frame = whole.frame.iloc[rows]
    records = ECGRecords.from_array(
        signals[few], sampling_rate=RATE, record_names=frame.index.astype(str)
    )
    kept = {name: whole[name][rows] for name in ("target", "reports", "groups", "folds")}
    return Bunch(data=records, target_names=whole.target_names, frame=frame, **kept)


def _tables(data, reports):
    """PTB-XL as ``load_ptbxl`` reads it, without its signals."""
    with tempfile.TemporaryDirectory() as folder:
        tables = data / "metadata" / "ptbxl_database.csv", data / "ptb-xl" / "scp_statements.csv"
        for table in tables:
            (Path(folder) / table.name).symlink_to(table.resolve())
        return load_ptbxl(folder, task="all", reports=reports)


def load_all_experiment(data, reports="report", n=None):
    """Load all recordings at hand for an experiment, with the data sets to transfer to.

    Returns
    -------
    data : ExperimentData
    """
    data = Path(data)
    there = {name: data / name for name in OTHER_SETS if (data / name).is_dir()}
    found = load_experiment(ptbxl=data / "ptb-xl", reports=reports, **there)
    others = {name: _whole_windows(ecg) for name, ecg in found.others.items()}
    source = found.source | {"standardized": str(data / "ptb-xl-standardized")}
    return replace(found, main=load_all(data, reports, n), others=others, source=source)


def _whole_windows(ecg):
    records = ecg.data.with_duration(SECONDS)
    names = records.record_names
    signals = ECGRecords.from_array(standardized(records), sampling_rate=RATE, record_names=names)
    return Bunch(**ecg | {"data": signals})


def minirocket_is_there():
    """Whether MiniRocket can be run; says so if not."""
    from importlib.util import find_spec

    there = find_spec("aeon") is not None
    if not there:
        print(f"left out: {MODELS['minirocket']}, which needs merit_sk[benchmark]")
    return there


def digest(settings):
    """Return a short name of settings in JSON types."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
