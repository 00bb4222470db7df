"""PTB-XL: 21,799 ECGs of 18,869 patients with reports and 71 statements."""

import json
from pathlib import Path

import numpy as np

from ..records import ECGRecords
from ..records._sources import FileSource
from ..signals._leads import STANDARD_LEADS
from ._bunch import (
    check_errors,
    data_set_folder,
    indicator,
    make_bunch,
    paths_inside,
    read_table,
    whole_numbers,
)

TASKS = ("superclass", "subclass", "diagnostic", "form", "rhythm", "all")

_DESCR = """
PTB-XL, a large publicly available electrocardiography data set, version 1.0.3.
21,799 clinical 12-lead ECGs of 10 s from 18,869 patients, with the cardiologist's report (mostly
German) and up to 71 SCP-ECG statements each. License: CC BY 4.0.
Wagner et al., Scientific Data 7:154 (2020), doi:10.1038/s41597-020-0495-6;
https://physionet.org/content/ptb-xl/1.0.3/
"""


def load_ptbxl(
    path,
    *,
    task="superclass",
    sampling_rate=100,
    min_likelihood=0,
    reports="report",
    errors="raise",
):
    """Load PTB-XL from a local copy.

    Metadata are loaded eagerly, signals lazily.

    Parameters
    ----------
    path : str or path-like
        Folder with ``ptbxl_database.csv``, ``scp_statements.csv`` and ``records100`` or
        ``records500``; a part of the records with their rows of the table will do.
    task : {"superclass", "subclass", "diagnostic", "form", "rhythm", "all"}, \
            default="superclass"
        Which statements are the classes: 5, 23, 44, 19, 12 or 71 of them, in alphabetical order,
        named as in ``scp_statements.csv``.
    sampling_rate : {100, 500}, default=100
        Which of the two published versions of each signal, in Hz.
    min_likelihood : float, default=0
        Likelihood in percent that a diagnostic statement must reach to count. At 0 a statement
        counts whatever its likelihood, as in published benchmarks (0 stands for an unknown
        likelihood in this data set). Form and rhythm statements carry none and always count.
    reports : str, path-like, Series or None, default="report"
        Text that goes with each ECG: a column of ``ptbxl_database.csv``; or the path of a csv
        file with the columns ``ecg_id`` and ``text_en`` (or ``report``), such as machine
        statements of PTB-XL+; or a Series by ``ecg_id``.
    errors : {"raise", "skip"}, default="raise"
        Whether a record that cannot be used is an error on reading, or every record is read now
        and faulty ones are left out and listed in ``skipped``.

    Returns
    -------
    Bunch
        With the attributes

        - ``data`` : :class:`~merit_sk.ECGRecords` of shape (n, 12, 1000) or (n, 12, 5000)
        - ``target`` : ndarray of shape (n, n_classes), 1 where a class applies. Records without
          any class of the task are kept; the literature drops them:
          ``keep = target.any(axis=1)``
        - ``target_names`` : list of str
        - ``reports`` : ndarray of shape (n,), str or None
        - ``groups`` : ndarray of shape (n,), patients
        - ``folds`` : ndarray of shape (n,), official folds 1 to 10. By convention 1 to 8 are for
          training, 9 for validation and 10 for testing
        - ``frame`` : DataFrame, the table by ``ecg_id``
        - ``DESCR`` : str

    Raises
    ------
    FileNotFoundError
        If `path` is not a folder of PTB-XL.

    References
    ----------
    .. [1] Wagner et al., "PTB-XL, a large publicly available electrocardiography dataset",
       Scientific Data 7:154 (2020).
    .. [2] Strodthoff et al., "Deep Learning for ECG Analysis: Benchmarks and Insights from
       PTB-XL", IEEE Journal of Biomedical and Health Informatics 25(5) (2021).

    Examples
    --------
    >>> from merit_sk.datasets import load_ptbxl
    >>> ecg = load_ptbxl("ptb-xl/", task="rhythm")                             # doctest: +SKIP
    >>> ecg.data                                                               # doctest: +SKIP
    ECGRecords(21799 x 12 leads x 1000 samples at 100 Hz)
    """
    check_errors(errors)
    if task not in TASKS:
        raise ValueError(f"task must be one of {', '.join(TASKS)}, got {task!r}")
    if sampling_rate not in (100, 500):
        raise ValueError(f"sampling_rate must be 100 or 500, got {sampling_rate!r}")
    folder = data_set_folder(path, "ptbxl_database.csv", "scp_statements.csv", name="PTB-XL")
    path_column = "filename_lr" if sampling_rate == 100 else "filename_hr"
    database = folder / "ptbxl_database.csv"
    needed = ["ecg_id", "patient_id", "scp_codes", "strat_fold", path_column]
    frame = read_table(database, needed).set_index("ecg_id")
    needed = ["diagnostic", "form", "rhythm", "diagnostic_class", "diagnostic_subclass"]
    statements = read_table(folder / "scp_statements.csv", needed, index_col=0)
    _check_statements(statements, folder / "scp_statements.csv")
    paths = paths_inside(frame[path_column], database)
    frame["scp_codes"] = _parsed_codes(frame["scp_codes"], database)
    groups = whole_numbers(frame["patient_id"], database)
    target, target_names = ptbxl_target(frame["scp_codes"], statements, task, min_likelihood)
    records = _records(folder, paths, sampling_rate, ptbxl_reports(frame, reports))
    return make_bunch(
        records,
        target,
        target_names,
        groups=groups,
        folds=frame["strat_fold"].to_numpy(),
        frame=frame,
        descr=_DESCR,
        errors=errors,
    )


def ptbxl_target(scp_codes, statements, task, min_likelihood=0):
    """Make the label matrix of one task.

    Parameters
    ----------
    scp_codes : sequence of dict
        Likelihood in percent by statement, for every record.
    statements : DataFrame
        ``scp_statements.csv`` by statement.
    task : str
        One of `TASKS`.
    min_likelihood : float, default=0

    Returns
    -------
    target : ndarray of shape (n_records, n_classes)
    target_names : list of str
    """
    diagnostic = statements.index[statements["diagnostic"] == 1]
    if task == "superclass":
        class_of = statements.loc[diagnostic, "diagnostic_class"].to_dict()
    elif task == "subclass":
        class_of = statements.loc[diagnostic, "diagnostic_subclass"].to_dict()
    elif task == "all":
        class_of = {name: name for name in statements.index}
    else:
        class_of = {name: name for name in statements.index[statements[task] == 1]}
    graded = set(diagnostic)
    rows = [
        [
            class_of[name]
            for name, likelihood in codes.items()
            if name in class_of and (likelihood >= min_likelihood or name not in graded)
        ]
        for codes in scp_codes
    ]
    target_names = sorted(set(class_of.values()))
    return indicator(rows, target_names), target_names


def _parse_codes(text):
    """Parse ``{'NORM': 100.0, 'SR': 0.0}``."""
    return json.loads(text.replace("'", '"'))


def _check_statements(statements, file):
    classes = statements.loc[
        statements["diagnostic"] == 1, ["diagnostic_class", "diagnostic_subclass"]
    ]
    words = [*statements.index, *classes.to_numpy().ravel()]
    if not all(isinstance(word, str) for word in words):
        raise ValueError(f"{file} has a statement or a diagnostic class without a name")


def _parsed_codes(column, file):
    parsed = []
    for ecg_id, text in column.items():
        try:
            codes = {name: float(likelihood) for name, likelihood in _parse_codes(text).items()}
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise ValueError(f"{file} has scp_codes {text!r} for the record {ecg_id}") from None
        parsed.append(codes)
    return parsed


def ptbxl_reports(frame, reports):
    """Return the text of every record of the table; see `reports` of `load_ptbxl`."""
    import pandas as pd

    if reports is None:
        return None
    if isinstance(reports, str) and reports in frame:
        return frame[reports].to_numpy(dtype=object)
    if not isinstance(reports, pd.Series):
        if not Path(reports).is_file():
            raise FileNotFoundError(
                f"reports={str(reports)!r} is neither a column of ptbxl_database.csv nor a file"
            )
        table = read_table(reports, ["ecg_id"]).set_index("ecg_id")
        column = next((name for name in ("text_en", "report") if name in table), None)
        if column is None:
            raise ValueError(f"{reports} has neither a column text_en nor report")
        reports = table[column]
    return reports.reindex(frame.index).to_numpy(dtype=object)


def _records(folder, paths, sampling_rate, reports):
    n = len(paths)
    source = FileSource(
        str(folder),
        paths,
        rates=np.full(n, float(sampling_rate)),
        n_times=np.full(n, 10 * sampling_rate),
        lead_names=STANDARD_LEADS,
    )
    names = [path.rpartition("/")[2] for path in paths]
    return ECGRecords(source, record_names=names, reports=reports)
