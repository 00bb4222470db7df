"""Bunches that loaders return, and checks that they share."""

import re
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from ..records._faults import fault_table, find_faulty, warn_of_skipped


def make_bunch(
    records,
    target,
    target_names,
    *,
    groups,
    frame,
    descr,
    folds=None,
    errors="raise",
    faults=None,
    n_jobs=None,
):
    """Put a loaded data set together.

    Parameters
    ----------
    records : ECGRecords
    target : ndarray of shape (n_samples, n_classes) or None
    target_names : list of str
    groups : array-like of shape (n_samples,)
        Patient of every record.
    frame : DataFrame
        Metadata, one row a record.
    descr : str
        Source, license and citation.
    folds : array-like of shape (n_samples,) or None
    errors : {"raise", "skip"}
        With "skip", every record is read and the faulty ones are left out.
    faults : dict of str to str or None
        Reason by name of records that were left out before.
    n_jobs : int or None, default=None
        Processes that read the records with "skip".

    Returns
    -------
    Bunch
    """
    bunch = Bunch(
        data=records,
        target=None if target is None else np.asarray(target, dtype=np.int64),
        target_names=list(target_names),
        reports=records.reports,
        groups=np.asarray(groups),
        folds=None if folds is None else np.asarray(folds),
        frame=frame,
        DESCR=descr.strip(),
    )
    return bunch if errors == "raise" else _without_faulty(bunch, faults or {}, n_jobs)


def check_errors(errors):
    """Refuse a value of `errors` that is not known."""
    if errors not in ("raise", "skip"):
        raise ValueError(f"errors must be 'raise' or 'skip', got {errors!r}")


def _without_faulty(bunch, faults, n_jobs):
    total = len(bunch.data) + len(faults)
    faulty = find_faulty(bunch.data, n_jobs, checksums=False)
    if len(faulty):
        keep = np.setdiff1d(np.arange(len(bunch.data)), faulty.index.to_numpy(dtype=int))
        for name in ("data", "target", "reports", "groups", "folds"):
            if bunch[name] is not None:
                bunch[name] = bunch[name][keep]
        bunch.frame = bunch.frame.iloc[keep]
    faults = faults | dict(zip(faulty["record"], faulty["reason"], strict=True))
    bunch.skipped = fault_table(list(faults), dict(enumerate(faults.values())))
    warn_of_skipped(bunch.skipped, total)
    return bunch


def data_set_folder(path, *needed, name):
    """Check that `path` is a folder that holds the files `needed`, and return it as a Path."""
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder: give the folder of {name}")
    missing = [file for file in needed if not (folder / file).exists()]
    if missing:
        raise FileNotFoundError(
            f"{folder} does not look like {name}: there is no {' and no '.join(missing)}"
        )
    return folder


def read_table(file, needed, **options):
    """Read a csv file of a data set.

    Parameters
    ----------
    file : Path
    needed : sequence of str
        Columns that it must have.
    **options
        Passed on to ``pandas.read_csv``.

    Returns
    -------
    DataFrame
    """
    import pandas as pd

    try:  # the other precisions of pandas < 3 crash on "1e3090000001"
        table = pd.read_csv(file, float_precision="round_trip", **options)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from None
    missing = [name for name in needed if name not in table and name != table.index.name]
    if missing:
        raise ValueError(f"{file} has no column {', '.join(missing)}")
    return table


def paths_inside(paths, file):
    """Check that the paths in a table stay in the folder of the data set.

    Parameters
    ----------
    paths : sequence
        Column of the table.
    file : path-like
        The table.

    Returns
    -------
    ndarray of str objects
    """
    for path in paths:
        if not isinstance(path, str) or not path:
            raise ValueError(f"{file} has {path!r} where the path of a record must be")
        if path[0] == "/" or ".." in path.split("/") or re.search(r"[\\:\0]", path):
            raise ValueError(f"{file} names the record {path!r}, which is outside its folder")
    return np.array(list(paths), dtype=object)


def whole_numbers(column, file):
    """Check that a column of a table holds whole numbers, and return them.

    Parameters
    ----------
    column : Series
    file : path-like
        The table.

    Returns
    -------
    ndarray of int64
    """
    numbers = column.to_numpy()
    if numbers.dtype.kind not in "iuf" or not (np.abs(numbers) < 2**53).all():
        raise ValueError(f"{file} has something else than numbers in {column.name}")
    return numbers.astype(np.int64)


def indicator(rows, classes):
    """Make a label matrix.

    Parameters
    ----------
    rows : sequence of collections of str
        Classes of every record; names not in `classes` are passed over.
    classes : sequence of str

    Returns
    -------
    ndarray of shape (len(rows), len(classes)), int64
    """
    column = {name: j for j, name in enumerate(classes)}
    target = np.zeros((len(rows), len(column)), dtype=np.int64)
    for i, names in enumerate(rows):
        for name in names:
            if name in column:
                target[i, column[name]] = 1
    return target
