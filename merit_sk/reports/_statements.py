"""The statements that reports are made of."""

import re

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

    split = [split_statements(text) for text in texts]
    total = {}
    for parts, count in zip(split, counts, strict=True):
        for part in parts:
            total[part] = total.get(part, 0) + int(count)
    n_records = int(np.sum(counts))
    kept = [s for s, n in total.items() if MIN_STATEMENT_COUNT <= n < n_records]
    kept = sorted(kept, key=lambda s: -total[s])[:MAX_STATEMENTS]
    column = {s: j for j, s in enumerate(kept)}
    rows, columns = [], []
    for i, parts in enumerate(split):
        for part in parts:
            if part in column:
                rows.append(i)
                columns.append(column[part])
    ones = np.ones(len(rows), dtype=np.float32)
    return kept, csr_array((ones, (rows, columns)), shape=(len(texts), len(kept)))
