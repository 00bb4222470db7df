"""Find the records of a collection that cannot be used."""

import warnings

import numpy as np

_PART = 1024


def find_faulty(records, n_jobs=None, *, checksums=True):
    """Read every record and list those that fail.

    Parameters
    ----------
    records : ECGRecords
    n_jobs : int or None, default=None
    checksums : bool, default=True
        Whether a checksum that does not match is a fault.

    Returns
    -------
    DataFrame
        Columns ``record`` and ``reason``, indexed by position.
    """
    from joblib import Parallel, delayed

    parts = [records[start : start + _PART] for start in range(0, len(records), _PART)]
    found = Parallel(n_jobs=n_jobs)(delayed(_reasons)(part, checksums) for part in parts)
    reasons = {
        k * _PART + i: reason for k, part in enumerate(found) for i, reason in sorted(part.items())
    }
    return fault_table(records.record_names, reasons)


def _reasons(records, checksums):
    reasons = records._source.wrong_checksums() if checksums else {}
    for i in range(len(records)):
        try:
            records[i]
        except (OSError, ValueError) as error:
            reasons[i] = str(error)
    return reasons


def fault_table(names, reasons):
    """Make the table of faulty records from their names and ``{position: reason}``."""
    import pandas as pd

    names = np.asarray(names, dtype=object)
    return pd.DataFrame(
        {"record": names[list(reasons)], "reason": list(reasons.values())},
        index=list(reasons),
        dtype=object,
    )


def warn_of_skipped(skipped, total):
    """Warn once of records that were left out."""
    if len(skipped):
        warnings.warn(
            f"{len(skipped)} of {total} records cannot be read and were left out, the first "
            f"because: {skipped['reason'].iloc[0]}",
            UserWarning,
            stacklevel=5,
        )
