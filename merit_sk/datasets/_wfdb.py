"""Any collection of WFDB or EDF records."""

import os
import re
from pathlib import Path

import numpy as np

from ..records import ECGRecords
from ..records._wfdb_reader import read_header
from ._bunch import check_errors, make_bunch, read_table

_EXTENSIONS = (".hea", ".edf")


def read_wfdb(
    path, *, table=None, report_column="report", lead_names=None, recursive=True, errors="raise"
):
    """Open any collection of WFDB or EDF records.

    Parameters
    ----------
    path : str, path-like or sequence of these
        Folder, searched for ``.hea`` and ``.edf`` files; or records, with or without extension.
    table : DataFrame, path-like or None, default=None
        Metadata, one row a record, indexed by record name (or a csv file whose first column is
        the record name): the last part of the path, without the extension of a header. Records
        without a row get missing values.
    report_column : str, default="report"
        Column of `table` with the report of each record; without such a column there are no
        reports.
    lead_names : sequence of str or None, default=None
        Leads wanted; by default the 12 standard ones if every record has them, otherwise those
        that every record has.
    recursive : bool, default=True
        Whether folders inside the folder are searched as well.
    errors : {"raise", "skip"}, default="raise"
        Whether a record that cannot be used is an error (at once for a faulty header, on reading
        for faulty signals), or every record is read now and faulty ones are left out and listed
        in ``skipped``.

    Returns
    -------
    Bunch
        With the attributes

        - ``data`` : :class:`~merit_sk.ECGRecords`
        - ``reports`` : ndarray of shape (n,), str or None; or None
        - ``groups`` : ndarray of shape (n,), each record on its own
        - ``frame`` : DataFrame by record name: `table`, and what ``#key: value`` comments of the
          headers say
        - ``skipped`` : DataFrame with ``record`` and ``reason``, only with ``errors="skip"``
        - ``target``, ``folds`` : None, and ``target_names`` : empty list

    Raises
    ------
    FileNotFoundError
        If there is no record.
    ValueError
        If a header is faulty, or names a file outside its folder; or if no row of `table` has the
        name of a record.

    Examples
    --------
    >>> from merit_sk.datasets import read_wfdb
    >>> ecg = read_wfdb("my-ecgs/", table="reports.csv")                       # doctest: +SKIP
    """
    check_errors(errors)
    root, paths = find_records(path, recursive=recursive)
    headers, paths, faults = scan(root, paths, errors)
    frame = header_frame(headers, paths)
    reports = None
    if table is not None:
        frame = frame.join(_matching_table(table, frame.index), rsuffix="_table")
        if report_column in frame:
            reports = frame[report_column].to_numpy(dtype=object)
    records = ECGRecords._from_headers(headers, root, paths, reports=reports, lead_names=lead_names)
    return make_bunch(
        records,
        None,
        [],
        groups=np.arange(len(records)),
        frame=frame,
        descr=f"{len(records)} records of {path if isinstance(path, str | Path) else 'a list'}",
        errors=errors,
        faults=faults,
    )


def find_records(path, *, recursive=True):
    """List records.

    Parameters
    ----------
    path : str, path-like or sequence of these
        Folder or records.
    recursive : bool, default=True

    Returns
    -------
    root : str
        Folder to which the paths are relative.
    paths : ndarray of str objects
        Sorted; WFDB records without extension, EDF files with it.
    """
    if not isinstance(path, str | os.PathLike):
        paths = [os.path.abspath(os.fspath(item)) for item in path]
        return "", np.array([re.sub(r"\.hea$", "", item) for item in paths], dtype=object)
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder")
    paths = []
    for where, folders, files in os.walk(folder):
        if not recursive:
            folders.clear()
        for file in files:
            stem, extension = os.path.splitext(file)
            if extension.lower() in _EXTENSIONS:
                name = stem if extension == ".hea" else file
                paths.append(os.path.relpath(os.path.join(where, name), folder))
    if not paths:
        raise FileNotFoundError(f"there is no WFDB header (.hea) nor EDF file in {folder}")
    return str(folder), np.array(sorted(paths), dtype=object)


def scan(root, paths, errors):
    """Read headers.

    Returns
    -------
    headers : list of Header
    paths : ndarray of str objects
        Those whose header could be read.
    faults : dict of str to str
        Reason by path of the others; with ``errors="raise"`` the first one is raised.
    """
    headers, good, faults = [], [], {}
    for path in paths:
        try:
            headers.append(read_header(os.path.join(root, path)))
            good.append(path)
        except (OSError, ValueError) as error:
            if errors == "raise":
                raise
            faults[os.path.basename(path)] = str(error)
    return headers, np.array(good, dtype=object), faults


def header_frame(headers, paths):
    """Make a table of the ``#key: value`` comments of headers, by record name."""
    import pandas as pd

    rows = []
    for header in headers:
        pairs = [comment.partition(":") for comment in header.comments]
        rows.append({key.strip(): value.strip() for key, colon, value in pairs if colon})
    names = [os.path.basename(path) for path in paths]
    return pd.DataFrame(rows, index=pd.Index(names, name="record"), dtype=object)


def _matching_table(table, names):
    if isinstance(table, str | os.PathLike):
        first = read_table(table, [], nrows=0).columns[0]
        table = read_table(table, [], dtype={first: str}).set_index(first)  # "007" is no number
    table = table.set_axis(table.index.map(str), axis=0)
    if len(names) and not table.index.isin(names).any():
        raise ValueError(
            f"no row of the table has the name of a record: records are named "
            f"{_some(names)}, rows {_some(table.index)}"
        )
    if table.index.has_duplicates:
        twice = table.index[table.index.duplicated()][0]
        raise ValueError(f"the table has several rows for the record {twice}")
    return table


def _some(names):
    shown = ", ".join(map(repr, names[:3])) or "none"
    return shown + (", ..." if len(names) > 3 else "")
