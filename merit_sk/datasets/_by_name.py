"""Reports and labels that a user gives, by the names of records."""

import os
from collections.abc import Mapping

import numpy as np

from ._bunch import indicator, read_table
from ._find_files import without_extension


def given_reports(values, names):
    """Return the report of every record.

    Parameters
    ----------
    values : path-like, DataFrame, Series, mapping or sequence
    names : list of str

    Returns
    -------
    ndarray of shape (n,), objects
    """
    table = _table(values, names, "reports")
    if "report" not in table and table.shape[1] != 1:
        raise ValueError(f"reports has no column report, but {', '.join(map(str, table.columns))}")
    column = table["report"] if "report" in table else table.iloc[:, 0]
    column = column.astype(object)
    return column.where(column.notna(), None).to_numpy(dtype=object)


def given_labels(values, names):
    """Return a label matrix and the names of its columns.

    Parameters
    ----------
    values : path-like, DataFrame, Series, mapping or sequence
        One column of class names or lists of these, or a column of 0 and 1 for every class.
    names : list of str

    Returns
    -------
    target : ndarray of shape (n, n_classes), int64
    target_names : list of str
    """
    table = _table(values, names, "labels")
    bare = table.isna().all(axis=1).to_numpy()
    if bare.any():
        missing = np.asarray(names, dtype=object)[bare]
        raise ValueError(
            f"labels has nothing about {bare.sum()} of {len(names)} records, the first is "
            f"{missing[0]}: give them, or leave the records out"
        )
    numbers = table.isin([0, 1]).all(axis=None)
    if numbers and (table.shape[1] > 1 or table.columns[0] != 0):
        return table.to_numpy(dtype=np.int64), [str(name) for name in table.columns]
    if table.shape[1] != 1:
        wrong = table.columns[~table.isin([0, 1]).all()][0]
        raise ValueError(f"labels must be 0 or 1 in every column, but are not in {wrong}")
    rows = [
        [value] if isinstance(value, str | int | np.integer) else list(value)
        for value in table.iloc[:, 0]
    ]
    rows = [[str(name) for name in row] for row in rows]
    classes = sorted({name for row in rows for name in row})
    return indicator(rows, classes), classes


def joined(texts, more):
    """Return two columns of texts as one; None where both have none."""
    both = [
        [text for text in pair if isinstance(text, str) and text.strip()]
        for pair in zip(texts, more, strict=True)
    ]
    return np.array(["; ".join(pair) or None for pair in both], dtype=object)


def _table(values, names, what):
    """Make a table with one row for each record, in their order."""
    import pandas as pd

    if isinstance(values, str | os.PathLike):
        first = read_table(values, [], nrows=0).columns[0]
        values = read_table(values, [], dtype={first: str}).set_index(first)  # "007" is no number
    elif isinstance(values, Mapping):
        values = pd.Series(dict(values), dtype=object)
    elif not isinstance(values, pd.DataFrame | pd.Series):
        values = list(values)
        if len(values) != len(names):
            raise ValueError(
                f"{what} must have one entry for each of the {len(names)} records, got "
                f"{len(values)}"
            )
        column = pd.Series(values, dtype=object)
        return column.to_frame(0)
    if isinstance(values, pd.Series):
        values = values.to_frame(values.name if values.name is not None else 0)
    known, index = set(names), [str(name) for name in values.index]
    index = [name if name in known else without_extension(name) for name in index]
    values = values.set_axis(index, axis=0)
    for given, of in ((index, what), (names, "records")):
        repeated = pd.Index(given).duplicated()
        if repeated.any() and set(np.asarray(given, dtype=object)[repeated]) & known:
            twice = np.asarray(given, dtype=object)[repeated][0]
            raise ValueError(f"{of} has {twice} more than once: {what} by name would be ambiguous")
    if not set(index) & known:
        raise ValueError(
            f"{what} has no row with the name of a record: records are named {_some(names)}, "
            f"rows {_some(index)}"
        )
    return values.reindex(names)


def _some(names):
    shown = ", ".join(repr(name) for name in names[:3]) or "none"
    return shown + (", ..." if len(names) > 3 else "")
