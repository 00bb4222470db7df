"""Read any ECG files."""

import os
import re
import warnings
from collections import Counter

import numpy as np

from ..records import ECGRecords
from ..records._files import read_header
from ..records._recording import number_or_none
from ..signals._leads import STANDARD_LEADS
from ._bunch import check_errors, make_bunch
from ._by_name import given_labels, given_reports
from ._find_files import find_files

_PART = 64
_TELLS_WHO = re.compile(
    r"name|birth|address|phone|date|time|\b(?:id|mrn|dob|ssn)\b|patient(?!.*(?:age|sex))", re.I
)
_SEX = {"m": "male", "f": "female", "male": "male", "female": "female"}


def read_ecg(path, *, reports=None, labels=None, errors="raise", n_jobs=None, with_identity=False):
    """Open ECG files of any format, recognized by what they hold.

    WFDB, EDF, GE MUSE XML, Philips XML, Mortara XML, HL7 aECG, DICOM, SCP-ECG and ISHNE, in any
    mixture. All but WFDB, EDF and ISHNE need ``pip install merit_sk[formats]``. What is read is the
    rhythm strip, never a median beat; limb leads that a file leaves out follow from I and II;
    values are in mV.

    Parameters
    ----------
    path : str, path-like or sequence of these
        File, folder (searched with the folders in it), pattern such as ``"exports/**/*.xml"``, or
        a list of these. WFDB records may be given with or without extension.
    reports : path-like, DataFrame, Series, mapping or sequence, or None, default=None
        Reports by record name (of a table or csv file, whose first column has the names: the
        column ``report`` or the only one), or one for every record of a list. By default those in
        the files.
    labels : path-like, DataFrame, Series, mapping or sequence, or None, default=None
        By record name, or one for every record of a list: a column of 0 and 1 for each class, or
        one column of class names or lists of these.
    errors : {"raise", "skip"}, default="raise"
        Whether a file that cannot be used is an error, or all are read now and such ones are left
        out, with one warning, and listed in ``skipped``.
    n_jobs : int or None, default=None
        Processes that read the files, as in joblib.
    with_identity : bool, default=False
        Whether `frame` has the columns ``patient_id``, ``patient_name``, ``birth_date`` and
        ``acquired``, as far as files tell.

    Returns
    -------
    Bunch
        With the attributes

        - ``data`` : :class:`~merit_sk.ECGRecords` with the 12 standard leads if all files have
          them, otherwise with those that all have
        - ``reports`` : ndarray of shape (n,), str or None; or None if there is none at all
        - ``target`` : ndarray of shape (n, n_classes), int64, and ``target_names`` : list of str,
          from `labels`; otherwise None and empty
        - ``groups`` : ndarray of shape (n,), equal where files name the same patient
        - ``frame`` : DataFrame by record name, with ``path``, ``format``, ``sampling_rate``, and
          what files tell: ``age`` in years, ``sex``, ``device``, ``heart_rate`` per minute,
          ``pr_interval``, ``qrs_duration``, ``qt_interval`` and ``qtc_interval`` in ms, ``p_axis``,
          ``r_axis`` and ``t_axis`` in degrees, ``original_report`` (before it was edited, GE)
        - ``skipped`` : DataFrame with ``record`` and ``reason``, only with ``errors="skip"``
        - ``folds`` : None

    Raises
    ------
    FileNotFoundError
        If there is no recording.
    ValueError
        If a file is damaged, or not what its extension says; in a folder also if it is a link
        that leads outside. If `reports` or `labels` do not fit.
    ImportError
        If the package that reads a format is not installed.

    Notes
    -----
    Texts of reports are given as they are and may name physicians. File names are kept as names of
    records.

    Examples
    --------
    >>> import tempfile
    >>> import wfdb
    >>> from merit_sk import read_ecg
    >>> from merit_sk.datasets import make_ecg
    >>> ecg = make_ecg(1, sampling_rate=500, random_state=0).data
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     wfdb.wrsamp(
    ...         "mine", fs=500, units=["mV"] * 12, sig_name=list(ecg.lead_names),
    ...         p_signal=ecg[0].T.astype(float), fmt=["16"] * 12, write_dir=folder,
    ...     )
    ...     found = read_ecg(folder)
    >>> found.data, found.frame["format"].item()
    (ECGRecords(1 x 12 leads x 5000 samples at 500 Hz), 'WFDB')
    >>> found = read_ecg("exports/**/*.xml", errors="skip", n_jobs=4)          # doctest: +SKIP
    """
    check_errors(errors)
    root, found = find_files(path)
    headers, kept, faults = _scan(root, found, errors, n_jobs)
    if not headers:
        first = next(iter(faults.values()), "the list is empty")
        raise FileNotFoundError(f"there is no recording that can be read: {first}")
    names = [found[i].name for i in kept]
    paths = np.array([found[i].path for i in kept], dtype=object)
    if reports is None:
        texts = [header.report for header in headers]
        texts = texts if any(texts) else None
    else:
        texts = given_reports(_of_kept(reports, kept, len(found)), names)
    target, target_names = None, []
    if labels is not None:
        target, target_names = given_labels(_of_kept(labels, kept, len(found)), names)
    records = ECGRecords._from_headers(headers, root, paths, reports=texts, record_names=names)
    _warn(headers, names, records.lead_names)
    where = path if isinstance(path, str | os.PathLike) else "a list"
    return make_bunch(
        records,
        target,
        target_names,
        groups=_groups(headers),
        frame=_frame(headers, names, paths, with_identity),
        descr=f"{len(records)} records of {where}",
        errors=errors,
        faults=faults,
        n_jobs=n_jobs,
    )


def _scan(root, found, errors, n_jobs):
    """Read all headers.

    Returns
    -------
    headers : list of Header
    kept : list of int
        Position in `found` of each.
    faults : dict of str to str
        Reason by path of the others.
    """
    from joblib import Parallel, delayed

    parts = [found[start : start + _PART] for start in range(0, len(found), _PART)]
    results = Parallel(n_jobs=n_jobs)(delayed(_headers)(root, part, errors) for part in parts)
    headers, kept, faults = [], [], {}
    for i, header in enumerate(header for part in results for header in part):
        if isinstance(header, Exception):
            faults[found[i].path] = str(header)
        else:
            headers.append(header)
            kept.append(i)
    return headers, kept, faults


def _headers(root, part, errors):
    headers = []
    for item in part:
        try:
            if item.fault is not None:
                raise item.fault
            headers.append(read_header(os.path.join(root, item.path), item.format))
        except (OSError, ValueError) as error:
            if errors == "raise":
                raise
            headers.append(error)
    return headers


def _of_kept(values, kept, n):
    """Choose of a sequence the entries of the files that can be read."""
    if isinstance(values, str | os.PathLike) or hasattr(values, "keys"):
        return values
    values = list(values)
    return [values[i] for i in kept] if len(values) == n else values


def _groups(headers):
    numbers, groups = {}, []
    for i, header in enumerate(headers):
        patient = header.identity.get("patient_id") or i
        groups.append(numbers.setdefault(patient, len(numbers)))
    return np.array(groups, dtype=np.int64)


def _frame(headers, names, paths, with_identity):
    import pandas as pd

    rows = []
    for header, path in zip(headers, paths, strict=True):
        row = {"path": path, "format": header.format, "sampling_rate": header.rate}
        row |= header.facts
        for comment in header.comments:
            key, colon, value = comment.partition(":")
            if colon and (with_identity or not _TELLS_WHO.search(key)):
                key = key.strip()
                row[key.lower() if key.lower() in ("age", "sex") else key] = value.strip()
        if "age" in row:
            row["age"] = number_or_none(row["age"])
        if "sex" in row:
            row["sex"] = _SEX.get(str(row["sex"]).strip().lower())
        if with_identity:
            row |= header.identity
        rows.append(row)
    return pd.DataFrame(rows, index=pd.Index(names, name="record"))


def _warn(headers, names, lead_names):
    notes = Counter(note for header in headers for note in dict.fromkeys(header.notes))
    for note, count in notes.items():
        warnings.warn(f"{count} of {len(headers)} files hold {note}", UserWarning, stacklevel=3)
    whole = [set(STANDARD_LEADS) <= set(header.lead_names) for header in headers]
    if any(whole) and not all(whole):
        name = names[whole.index(False)]
        warnings.warn(
            f"{len(whole) - sum(whole)} of {len(whole)} records, the first is {name}, lack some of "
            f"the 12 standard leads: all records are read with the leads {', '.join(lead_names)}. "
            "Read these records by themselves to keep the others whole.",
            UserWarning,
            stacklevel=3,
        )
