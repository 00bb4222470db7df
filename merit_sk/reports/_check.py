"""Reports as text: validation, statements, and features for the text tower."""

import numpy as np


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
