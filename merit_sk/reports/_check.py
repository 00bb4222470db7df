"""What is said of recordings: validation of reports and of known statements."""

import numpy as np

from ..statements._codes import PTBXL_STATEMENTS


def check_reports(reports, n_samples):
    """Reports as normalized strings, ``""`` where there is none.

    Parameters
    ----------
    reports : array-like of str or None of shape (n_samples,)
        None, NaN and blank strings mean that the record has no report.
    n_samples : int

    Returns
    -------
    reports : ndarray of object of shape (n_samples,)

    Raises
    ------
    ValueError
        If the length differs, or no report is left.
    TypeError
        If an entry is not a string.

    Examples
    --------
    >>> from merit_sk.reports._check import check_reports
    >>> check_reports(["Sinus  Rhythm.", None], 2)
    array(['sinus rhythm.', ''], dtype=object)
    """
    if isinstance(reports, str):
        raise TypeError("reports must hold one string per record, got a single string")
    reports = np.asarray(reports, dtype=object)
    if reports.shape != (n_samples,):
        raise ValueError(
            f"reports must hold one entry per record: X has {n_samples} records, "
            f"reports has shape {reports.shape}"
        )
    out = np.empty(n_samples, dtype=object)
    for i, report in enumerate(reports):
        if report is None or report is np.nan or report != report:
            report = ""
        if not isinstance(report, str):
            raise TypeError(
                f"reports must be strings (None where missing), but reports[{i}] is "
                f"{type(report).__name__} {report!r}"
            )
        out[i] = " ".join(report.lower().split())
    if not any(out):
        raise ValueError(
            "all reports are empty: pass reports=None to pretrain by masked modeling alone"
        )
    return out


def check_statements(statements, n_samples, reports):
    """Known statements as a float table.

    Parameters
    ----------
    statements : DataFrame of shape (n_samples, n_codes)
        1 where there, 0 where not, NaN where unknown; columns are PTB-XL codes.
    n_samples : int
    reports : ndarray of str or None
        Those of the same recordings.

    Returns
    -------
    statements : DataFrame of shape (n_samples, n_codes), float32

    Raises
    ------
    TypeError
        If it is not a DataFrame.
    ValueError
        If there are no reports, or for another length, an unknown code, or another value.

    Examples
    --------
    >>> import pandas as pd
    >>> from merit_sk.reports._check import check_statements
    >>> check_statements(pd.DataFrame({"AFIB": [1, None]}), 2, ["vorhofflimmern", "sr"])
       AFIB
    0   1.0
    1   NaN
    """
    if not hasattr(statements, "columns"):
        raise TypeError(
            "statements must be a DataFrame whose columns are PTB-XL codes, got "
            f"{type(statements).__name__}: pd.DataFrame(ecg.target, columns=ecg.target_names)"
        )
    if reports is None:
        raise ValueError("statements are learned beside reports: pass reports=... as well")
    if len(statements) != n_samples:
        raise ValueError(
            f"statements must hold one row per record: X has {n_samples} records, statements "
            f"has {len(statements)} rows"
        )
    unknown = [str(code) for code in statements.columns if code not in PTBXL_STATEMENTS]
    if unknown:
        raise ValueError(
            f"statements has columns that are no PTB-XL code: {', '.join(unknown[:5])}; rename "
            "or drop them"
        )
    statements = statements.astype(np.float32)
    values = statements.to_numpy()
    wrong = ~(np.isnan(values) | (values == 0) | (values == 1))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(
            f"statements must be 0, 1 or NaN, but {statements.columns[column]} of record {row} "
            f"is {values[row, column]:g}"
        )
    return statements
