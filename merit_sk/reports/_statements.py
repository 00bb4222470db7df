"""The statements that reports are made of."""

import re
from array import array

import numpy as np

MIN_STATEMENT_COUNT = 3
MAX_STATEMENTS = 2000
_END_OF_STATEMENT = re.compile(r"[;\n]|\.(?:\s|$)")


def split_statements(report):
    """The statements of a report, cut at full stops, semicolons and line ends.

    Examples
    --------
    >>> from merit_sk.reports._statements import split_statements
    >>> split_statements("sinus bradycardia; borderline ecg.")
    ['sinus bradycardia', 'borderline ecg']
    """
    parts = (part.strip(" .,:") for part in _END_OF_STATEMENT.split(report))
    return list(dict.fromkeys(part for part in parts if part))


def statement_bank(texts, counts):
    """Statements that recur, and where they stand.

    Parameters
    ----------
    texts : sequence of str
        Distinct reports.
    counts : array-like of int
        Records behind each text.

    Returns
    -------
    statements : list of str
        Those of at least three records and not of all, most frequent first, at most 2,000.
    present : csr_array of shape (n_texts, n_statements)
    """
    from scipy.sparse import csr_array

    number, found, starts = {}, array("i"), array("q", [0])
    for text in texts:
        found.extend(number.setdefault(part, len(number)) for part in split_statements(text))
        starts.append(len(found))
    found, starts, counts = np.asarray(found), np.asarray(starts), np.asarray(counts)
    total = np.bincount(found, np.repeat(counts, np.diff(starts)), minlength=len(number))
    recurs = np.flatnonzero((total >= MIN_STATEMENT_COUNT) & (total < counts.sum()))
    kept = recurs[np.argsort(-total[recurs], kind="stable")][:MAX_STATEMENTS]
    ones = np.ones(len(found), dtype=np.float32)
    present = csr_array((ones, found, starts), shape=(len(texts), len(number)))[:, kept]
    names = list(number)
    return [names[j] for j in kept], present
