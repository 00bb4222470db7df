"""Load a folder of ECG files, or the root of a data set that has tables."""

from pathlib import Path

import numpy as np

from ._by_name import given_reports, joined
from ._cpsc2018 import load_cpsc2018
from ._mimic import load_mimic_iv_ecg
from ._ptbxl import load_ptbxl, ptbxl_reports
from ._read_ecg import read_ecg

_SETS = {
    "ptbxl_database.csv": ("PTB-XL", load_ptbxl, {"task": "all"}),
    "record_list.csv": ("MIMIC-IV-ECG", load_mimic_iv_ecg, {}),
    "REFERENCE.csv": ("CPSC2018", load_cpsc2018, {}),
}


def load_any(path, *, reports=None, errors="raise", n_jobs=None):
    """Load recordings and their reports from wherever they are.

    Parameters
    ----------
    path : str or path-like
        Root of PTB-XL, MIMIC-IV-ECG or CPSC2018, recognized by their tables; otherwise files as
        :func:`read_ecg` takes them.
    reports : sequence of str or None, default=None
        Csv files by record name, of PTB-XL also columns of its table or files by ``ecg_id``; texts
        of several are joined. None takes those that come with the recordings.
    errors : {"raise", "skip"}, default="raise"
    n_jobs : int or None, default=None

    Returns
    -------
    title : str
        What it is.
    ecg : Bunch
        As the loaders return it.
    """
    known = next((k for table, k in _SETS.items() if (Path(path) / table).is_file()), None)
    if known is None:
        title, ecg = str(path), read_ecg(path, errors=errors, n_jobs=n_jobs)
    else:
        title, load, options = known
        ecg = load(path, errors=errors, **options)
    for k, source in enumerate(reports or ()):
        if title == "PTB-XL":
            texts = np.asarray(ptbxl_reports(ecg.frame, source), dtype=object)
        else:
            texts = given_reports(source, list(ecg.data.record_names))
        ecg.reports = joined(ecg.reports, texts) if k else texts
    return title, ecg
