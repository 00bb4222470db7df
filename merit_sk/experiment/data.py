"""The recordings of an experiment: PTB-XL or simulated ones, and data sets to transfer to."""

import hashlib
from dataclasses import dataclass, field

import numpy as np
from sklearn.utils import Bunch

from ..datasets import load_cpsc2018, load_csn, load_georgia, load_ptbxl, make_ecg
from ..datasets._by_name import joined
from ..statements import task_labels

RATE = 100
_LOADERS = {"cpsc2018": load_cpsc2018, "csn": load_csn, "georgia": load_georgia}


@dataclass(frozen=True)
class ExperimentData:
    """Recordings of an experiment.

    Attributes
    ----------
    title : str
        Name of the main data set in tables and reports.
    main : Bunch
        Recordings on which models are trained and tested, as
        :func:`~merit_sk.datasets.load_ptbxl` gives them with ``task="all"``: ``data``, ``target``,
        ``target_names``, ``reports``, ``groups`` and ``folds`` 1 to 10.
    others : dict of Bunch
        Data sets to transfer to, by ``"cpsc2018"``, ``"csn"`` or ``"georgia"``, at the sampling
        rate of `main`.
    source : dict
        Where the recordings come from, in JSON types.
    """

    title: str
    main: Bunch
    others: dict = field(default_factory=dict)
    source: dict = field(default_factory=dict)


def load_experiment(
    *, ptbxl=None, simulated=None, cpsc2018=None, csn=None, georgia=None, reports="report"
):
    """Load the recordings of an experiment.

    Parameters
    ----------
    ptbxl : str, path-like or None, default=None
        Folder of PTB-XL.
    simulated : int or None, default=None
        Number of recordings to simulate instead.
    cpsc2018, csn, georgia : str, path-like or None, default=None
        Folders of data sets to transfer to.
    reports : str, path-like or sequence of these, default="report"
        Text that goes with each recording of PTB-XL, see
        :func:`~merit_sk.datasets.load_ptbxl`; texts of several sources are joined.

    Returns
    -------
    data : ExperimentData

    Raises
    ------
    FileNotFoundError
        If a folder is not what it should be.

    Examples
    --------
    >>> from merit_sk.experiment import load_experiment
    >>> data = load_experiment(simulated=50)
    >>> data.main.data
    ECGRecords(50 x 12 leads x 1000 samples at 100 Hz)
    >>> data.main.target.shape
    (50, 71)
    """
    if (ptbxl is None) == (simulated is None):
        raise ValueError("give either ptbxl=, a folder, or simulated=, a number of recordings")
    folders = {"cpsc2018": cpsc2018, "csn": csn, "georgia": georgia}
    folders = {name: folder for name, folder in folders.items() if folder is not None}
    if ptbxl is None:
        title, main = "simulated recordings", make_ecg(simulated, random_state=0)
        source = {"simulated": simulated}
    else:
        sources = [reports] if isinstance(reports, str) or not np.iterable(reports) else reports
        title, main = "PTB-XL", load_ptbxl(ptbxl, task="all", reports=sources[0])
        for more in sources[1:]:
            again = load_ptbxl(ptbxl, task="all", reports=more)
            main.reports = joined(main.reports, again.reports)
        source = {"ptbxl": str(ptbxl), "reports": [str(text) for text in sources]}
    others = {}
    for name, folder in folders.items():
        others[name] = _LOADERS[name](folder)
        others[name].data = others[name].data.resampled(RATE)
    source |= {name: str(folder) for name, folder in folders.items()}
    return ExperimentData(title, main, others, source)


def select_task(ecg, task):
    """Return recordings with the classes of one PTB-XL task.

    Parameters
    ----------
    ecg : Bunch
        With PTB-XL statements as its classes, such as ``ExperimentData.main``.
    task : {"superclass", "subclass", "diagnostic", "form", "rhythm", "all"}

    Returns
    -------
    ecg : Bunch
        The same recordings; ``target`` and ``target_names`` are those of the task.

    Examples
    --------
    >>> from merit_sk.datasets import make_ecg
    >>> from merit_sk.experiment import select_task
    >>> select_task(make_ecg(5, random_state=0), "superclass").target_names
    ['CD', 'HYP', 'MI', 'NORM', 'STTC']
    """
    labels = task_labels(task)
    names = sorted(set(labels.values()))
    target = np.zeros((len(ecg.target), len(names)), dtype=np.int64)
    for column, code in zip(ecg.target.T, ecg.target_names, strict=True):
        if code in labels:
            k = names.index(labels[code])
            target[:, k] |= column
    return Bunch(**ecg | {"target": target, "target_names": names})


def with_folds(ecg, random_state=0):
    """Split a data set without official folds into ten folds of its patients, at random."""
    names, member = np.unique(ecg.groups, return_inverse=True)
    order = np.random.default_rng(random_state).permutation(len(names))
    return Bunch(**ecg | {"folds": (order % 10 + 1)[member]})


def with_fewer_reports(ecg, settings):
    """Hide the reports of some training patients; those of other folds stay.

    Raises
    ------
    ValueError
        If no training recording has a report, here or from the start.
    """
    reports, train = ecg.reports, np.isin(ecg.folds, settings.train_folds)
    if settings.report_fraction < 1:
        names, member = np.unique(ecg.groups, return_inverse=True)
        order = np.random.default_rng(0).permutation(len(names))
        shown = order < round(settings.report_fraction * len(names))
        reports = np.where(train & ~shown[member], None, reports)
    if not any(isinstance(r, str) and r.strip() for r in reports[train]):
        raise ValueError(
            "no training record has a report: name another column of ptbxl_database.csv, or a csv "
            "file with ecg_id and text_en, as reports"
        )
    return Bunch(**ecg | {"reports": reports})


def fingerprint(ecg):
    """Return a digest of the recordings, labels, folds and reports of a data set."""
    parts = (ecg.data.record_names, ecg.target, ecg.folds, ecg.reports)
    text = repr([None if part is None else np.asarray(part).tolist() for part in parts])
    return hashlib.sha256((ecg.data._fingerprint() + text).encode()).hexdigest()[:12]
