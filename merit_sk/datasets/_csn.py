"""CSN: the Chapman-Shaoxing-Ningbo data set, 45,152 ECGs."""

import numpy as np

from ..statements._other_sets import CLASS_MEANINGS
from ._bunch import data_set_folder, indicator, read_table
from ._snomed import load_by_dx

_DESCR = """
A large-scale 12-lead electrocardiogram database for arrhythmia study (Chapman University,
Shaoxing People's Hospital, Ningbo First Hospital), version 1.0.0: 45,152 ECGs of 10 s at 500 Hz,
one per patient, with diagnoses as SNOMED CT codes. License: CC BY 4.0.
Zheng et al., Scientific Reports 10:2898 (2020), doi:10.1038/s41598-020-59821-7;
https://physionet.org/content/ecg-arrhythmia/1.0.0/
"""

_CONDITIONS = "ConditionNames_SNOMED-CT.csv"

# The 38 classes that the literature evaluates on, named as in the table of the data set.
CSN_CLASSES = sorted(CLASS_MEANINGS["csn"])


def load_csn(path, *, labels="correct", errors="raise"):
    """Load the Chapman-Shaoxing-Ningbo data set from a local copy.

    Headers are read eagerly, signals lazily.

    Parameters
    ----------
    path : str or path-like
        Folder with ``ConditionNames_SNOMED-CT.csv`` and ``WFDBRecords``.
    labels : {"correct", "merl"}, default="correct"
        How the 38 classes of the literature are assigned. "correct": a class applies if its code
        is among those of the record. "merl": the labels published with MERL [2]_, used by most
        later work. There a class applies as soon as its abbreviation is a part of the text of
        all abbreviations, so that AFIB implies AF, and STTC implies ST; records with a code that
        is not in the table, and records without any of the classes, are left out.
    errors : {"raise", "skip"}, default="raise"
        Whether a record that cannot be used is an error, or every record is read now and faulty
        ones are left out and listed in ``skipped``.

    Returns
    -------
    Bunch
        With the attributes

        - ``data`` : :class:`~merit_sk.ECGRecords` of shape (n, 12, 5000)
        - ``target`` : ndarray of shape (n, 38), 1 where a class applies. Records without any
          class are kept unless ``labels="merl"``; ``keep = target.any(axis=1)`` drops them
        - ``target_names`` : list of str, abbreviations in alphabetical order
        - ``reports`` : None
        - ``groups`` : ndarray of shape (n,), record names: there is one record per patient
        - ``folds`` : None
        - ``frame`` : DataFrame by record name, the comments of the headers
        - ``DESCR`` : str

    References
    ----------
    .. [1] Zheng et al., "A 12-lead electrocardiogram database for arrhythmia research covering
       more than 10,000 patients", Scientific Data 7:48 (2020).
    .. [2] Liu et al., "Zero-Shot ECG Classification with Multimodal Learning and Test-time
       Clinical Knowledge Enhancement", ICML (2024).

    Examples
    --------
    >>> from merit_sk.datasets import load_csn
    >>> ecg = load_csn("csn/")                                                 # doctest: +SKIP
    """
    if labels not in ("correct", "merl"):
        raise ValueError(f"labels must be 'correct' or 'merl', got {labels!r}")
    folder = data_set_folder(path, _CONDITIONS, name="CSN")
    acronym = _acronyms(folder / _CONDITIONS)
    merl = labels == "merl"

    def label(codes):
        rows = [[acronym[code] for code in row if code in acronym] for row in codes]
        if merl:
            rows = [[name for name in CSN_CLASSES if name in ",".join(row)] for row in rows]
        return indicator(rows, CSN_CLASSES), CSN_CLASSES

    def published(codes, target):
        known = np.array([all(code in acronym for code in row) for row in codes], dtype=bool)
        return known & target.any(axis=1)

    keep = published if merl else None
    return load_by_dx(folder, label, descr=_DESCR, errors=errors, keep=keep)


def _acronyms(file):
    """Read the abbreviation of each SNOMED CT code; the first one where it has several."""
    table = read_table(file, [], encoding="utf-8-sig", dtype=str)
    table.columns = [name.replace(" ", "") for name in table.columns]
    needed = ["Snomed_CT", "AcronymName"]
    if not set(needed) <= set(table.columns):
        raise ValueError(f"{file} has no columns {' and '.join(needed)}")
    table = table[needed].dropna().drop_duplicates("Snomed_CT")
    return dict(zip(table["Snomed_CT"].str.strip(), table["AcronymName"].str.strip(), strict=True))
