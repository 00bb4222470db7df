"""What is said of recordings: rate, leads, names, and whatever has one entry for each."""

import numpy as np

from ..signals._leads import STANDARD_LEADS, canonical_lead_name


def default_leads(names):
    """Return the standard leads if all of them are among `names`, otherwise `names`."""
    return STANDARD_LEADS if set(STANDARD_LEADS) <= set(names) else tuple(names)


def common_leads(headers):
    """Return the leads that all of some files have, in the order of the first."""
    kinds = list(dict.fromkeys(header.lead_names for header in headers))
    common = [name for name in kinds[0] if all(name in kind for kind in kinds)] if kinds else []
    if kinds and not common:
        raise ValueError(
            "the records have no lead in common: "
            + "; ".join(", ".join(names) for names in kinds[:5])
        )
    return tuple(dict.fromkeys(common))


def canonical_leads(names):
    """Return lead names as the library writes them."""
    if isinstance(names, str):
        raise ValueError(f"lead_names must be a sequence of names, got the string {names!r}")
    return tuple(canonical_lead_name(name) for name in names)


def positive_rate(rate):
    """Return a sampling rate, which must be positive."""
    if not 0 < rate < np.inf:
        raise ValueError(f"sampling_rate must be positive, got {rate}")
    return float(rate)


def record_names_of(values, n):
    """Return names of `n` records as a column of strings; their positions by default."""
    values = range(n) if values is None else values
    column = column_of(values, n, "record_names")
    column[:] = [str(name) for name in column]
    return column


def one_rate(rates):
    """Return the sampling rate of all records, which must have one."""
    found = np.unique(rates)
    if len(found) > 1:
        raise ValueError(f"records have the sampling rates {found.tolist()}: choose one")
    return float(found[0]) if len(found) else 1.0


def column_of(values, n, name):
    """Return what is said of each of `n` records as an array of objects, NaN as None."""
    if values is None:
        return None
    column = np.empty(n, dtype=object)
    values = list(values)
    if len(values) != n:
        raise ValueError(
            f"{name} must have one entry for each of the {n} records, got {len(values)}"
        )
    column[:] = [None if isinstance(value, float) and value != value else value for value in values]
    return column
