"""MIMIC-IV-ECG: 800,035 ECGs of 161,352 patients with machine reports."""

import hashlib

import numpy as np

from ..records import ECGRecords
from ..records._sources import FileSource
from ..signals._leads import STANDARD_LEADS
from ._bunch import (
    check_errors,
    data_set_folder,
    make_bunch,
    paths_inside,
    read_table,
    whole_numbers,
)

_DESCR = """
MIMIC-IV-ECG: diagnostic electrocardiogram matched subset, version 1.0. About 800,000 12-lead ECGs
of 10 s at 500 Hz from about 160,000 patients of the Beth Israel Deaconess Medical Center, with the
statements of the machine. License: Open Data Commons Open Database License v1.0.
Gow et al., PhysioNet (2023), doi:10.13026/4nqg-sb35;
https://physionet.org/content/mimic-iv-ecg/1.0/
"""

_N_STATEMENTS = 18


def load_mimic_iv_ecg(path, *, min_words=4, errors="raise"):
    """Load MIMIC-IV-ECG from a local copy.

    Metadata are loaded eagerly, signals lazily.

    Parameters
    ----------
    path : str or path-like
        Folder with ``record_list.csv``, ``machine_measurements.csv`` and ``files``; a part of the
        records with their rows of ``record_list.csv`` will do.
    min_words : int, default=4
        Reports with fewer words count as missing, as in the literature.
    errors : {"raise", "skip"}, default="raise"
        Whether a record that cannot be used is an error on reading, or every record is read now
        and faulty ones are left out and listed in ``skipped``.

    Returns
    -------
    Bunch
        With the attributes

        - ``data`` : :class:`~merit_sk.ECGRecords` of shape (n, 12, 5000)
        - ``target`` : None: the set has no labels
        - ``target_names`` : empty list
        - ``reports`` : ndarray of shape (n,), str or None: the statements of the machine, see
          `clean_machine_report`. The literature drops records without:
          ``keep = [report is not None for report in reports]``
        - ``groups`` : ndarray of shape (n,), patients
        - ``folds`` : ndarray of shape (n,), folds 1 to 10 by patient, the same whatever part of
          the records is loaded. They are this library's: the set has no official ones
        - ``frame`` : DataFrame by ``study_id``: ``record_list.csv`` and the measurements
        - ``DESCR`` : str

    References
    ----------
    .. [1] Gow et al., "MIMIC-IV-ECG: Diagnostic Electrocardiogram Matched Subset", PhysioNet
       (2023).
    .. [2] Liu et al., "Zero-Shot ECG Classification with Multimodal Learning and Test-time
       Clinical Knowledge Enhancement", ICML (2024).

    Examples
    --------
    >>> from merit_sk.datasets import load_mimic_iv_ecg
    >>> ecg = load_mimic_iv_ecg("mimic-iv-ecg/")                               # doctest: +SKIP
    """
    check_errors(errors)
    folder = data_set_folder(
        path, "record_list.csv", "machine_measurements.csv", name="MIMIC-IV-ECG"
    )
    listed = folder / "record_list.csv"
    frame = read_table(listed, ["study_id", "subject_id", "path"]).set_index("study_id")
    measured = read_table(folder / "machine_measurements.csv", ["study_id"], low_memory=False)
    measured = measured.set_index("study_id")
    columns = [f"report_{i}" for i in range(_N_STATEMENTS) if f"report_{i}" in measured]
    statements = measured[columns].reindex(frame.index)
    measured = measured[measured.columns.difference([*columns, *frame.columns], sort=False)]
    reports = [clean_machine_report(row) for row in statements.to_numpy(dtype=object)]
    reports = [text if text and len(text.split()) >= min_words else None for text in reports]
    n = len(frame)
    source = FileSource(
        str(folder),
        paths_inside(frame["path"], listed),
        np.full(n, 500.0),
        np.full(n, 5000),
        STANDARD_LEADS,
    )
    groups = whole_numbers(frame["subject_id"], listed)
    return make_bunch(
        ECGRecords(
            source, sampling_rate=500.0, record_names=frame.index.astype(str), reports=reports
        ),
        None,
        [],
        groups=groups,
        folds=_folds(groups),
        frame=frame.join(measured),
        descr=_DESCR,
        errors=errors,
    )


def clean_machine_report(statements):
    """Join the statements of one machine report, as the literature does.

    Parameters
    ----------
    statements : sequence of str or NaN
        ``report_0`` to ``report_17``; those that are not text are passed over.

    Returns
    -------
    str
        One line in lower case: statements joined by ``". "`` with a full stop at the end, "ekg"
        written "ecg", asterisks, equals signs and hyphens at both ends removed. Empty if nothing
        is left.

    Examples
    --------
    >>> from merit_sk.datasets import clean_machine_report
    >>> clean_machine_report(["Sinus rhythm", "Borderline EKG ***", float("nan")])
    'sinus rhythm. borderline ecg.'
    """
    text = ". ".join([part for part in statements if isinstance(part, str)])
    text = text.lower().replace("ekg", "ecg").strip("* ").strip("=-")
    for blank in "\n\r\t":
        text = text.replace(blank, " ")
    return f"{text}." if text.split() else ""


def _folds(patients):
    """Assign folds 1 to 10 by the patient's number alone."""
    distinct, inverse = np.unique(patients, return_inverse=True)
    digests = [hashlib.sha256(str(patient).encode()).digest() for patient in distinct]
    fold = np.array([1 + int.from_bytes(digest[:8], "big") % 10 for digest in digests], dtype=int)
    return fold[inverse]
