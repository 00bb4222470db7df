"""Reports and context as a language model gets them."""

import numpy as np

from ._check import check_reports


def carried_reports(X, y, reports):
    """Reports that were given, else those in ``y``, else those that ``X`` carries."""
    if reports is not None:
        return reports
    carried = getattr(X, "reports", None)
    if y is not None and (carried is None or _holds_text(y)):
        return y
    if carried is None:
        raise ValueError(
            "a report generator learns from and is scored by reports: pass reports=... "
            "(or as y), or ECGRecords that carry them"
        )
    return carried


def _holds_text(y):
    return any(isinstance(value, str) for value in np.asarray(y, dtype=object).ravel())


def written_reports(reports, n_samples):
    """Reports in their own spelling, in one line, ``""`` where there is none.

    Parameters
    ----------
    reports : array-like of str or None of shape (n_samples,)
    n_samples : int

    Returns
    -------
    reports : ndarray of object of shape (n_samples,)

    Raises
    ------
    ValueError
        If the length differs or all are empty.
    TypeError
        If an entry is not a string.

    Examples
    --------
    >>> from merit_sk.reports._context import written_reports
    >>> written_reports(["Sinus  Rhythm.", None], 2)
    array(['Sinus Rhythm.', ''], dtype=object)
    """
    there = check_reports(reports, n_samples) != ""
    texts = zip(np.asarray(reports, dtype=object), there, strict=True)
    return np.array([" ".join(text.split()) if ok else "" for text, ok in texts], dtype=object)


def check_context(context, n_samples):
    """Context as one text per record, or None.

    Parameters
    ----------
    context : array-like of str of shape (n_samples,), DataFrame or None
    n_samples : int

    Returns
    -------
    texts : ndarray of object of shape (n_samples,) or None

    Examples
    --------
    >>> import pandas as pd
    >>> from merit_sk.reports._context import check_context
    >>> check_context(pd.DataFrame({"age": [56.0, None], "sex": ["male", "female"]}), 2)
    array(['age 56, sex male', 'sex female'], dtype=object)
    """
    if context is None:
        return None
    if isinstance(context, str) or len(context) != n_samples:
        n_given = "one text" if isinstance(context, str) else f"{len(context)} entries"
        raise ValueError(f"context must hold one entry per record: {n_given} for {n_samples}")
    if hasattr(context, "columns"):
        rows = context.to_dict("records")
        return np.array([_describe(row) for row in rows], dtype=object)
    texts = np.asarray(context, dtype=object)
    if texts.ndim != 1 or not all(isinstance(text, str) for text in texts):
        raise TypeError("context must be one string per record, or a DataFrame with named columns")
    return np.array([" ".join(text.split()) for text in texts], dtype=object)


def _describe(row):
    known = {name: value for name, value in row.items() if value is not None and value == value}
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in known.items()
    )
