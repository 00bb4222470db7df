"""Finding the records of a collection that cannot be used."""

import itertools
import warnings

import numpy as np


def find_faulty(records, n_jobs=None):
    """Read every record and list those that fail.

    Parameters
    ----------
    records : ECGRecords
    n_jobs : int or None, default=None

    Returns
    -------
    DataFrame
        Columns ``record`` and ``reason``, indexed by position.
    """
    from joblib import Parallel, delayed

    parts = [records[start : start + 256] for start in range(0, len(records), 256)]
    reasons = Parallel(n_jobs=n_jobs)(delayed(_reasons)(part) for part in parts)
    reasons = enumerate(itertools.chain.from_iterable(reasons))
    return fault_table(records.record_names, {i: reason for i, reason in reasons if reason})


def _reasons(records):
    reasons = []
    for i in range(len(records)):
        try:
            records[i]
            reasons.append(None)
        except (OSError, ValueError) as error:
            reasons.append(str(error))
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
