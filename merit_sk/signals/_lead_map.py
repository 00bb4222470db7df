"""The leads of a model, made from those that a recording has."""

import numpy as np

from ._leads import canonical_lead_name
from ._warn import warn

# Each limb lead as a combination of I and II (Einthoven's law and Goldberger's definitions).
_LIMB = {
    "I": (1, 0),
    "II": (0, 1),
    "III": (-1, 1),
    "aVR": (-0.5, -0.5),
    "aVL": (1, -0.5),
    "aVF": (-0.5, 1),
}


class LeadMap:
    """How the leads of a model follow from those of recordings.

    A lead that is there is taken as it is. A limb lead that is not is computed if two others are
    there, which determine it exactly. Any other is zero, as flat leads are: missing.

    Parameters
    ----------
    have : sequence of str
        Leads of the recordings.
    want : sequence of str
        Leads of the model.

    Attributes
    ----------
    used : tuple of str
        Leads to read.
    computed, missing : list of str
    complete : bool
        Whether the model gets what is read as it is.

    Raises
    ------
    ValueError
        If no lead is there or can be computed.

    Examples
    --------
    >>> from merit_sk.signals._lead_map import LeadMap
    >>> leads = LeadMap(["I", "II"], ["I", "II", "III", "V1"])
    >>> leads.computed, leads.missing
    (['III'], ['V1'])
    >>> leads([[1.0], [3.0]])
    array([[1.],
           [3.],
           [2.],
           [0.]], dtype=float32)
    """

    def __init__(self, have, want):
        have = [canonical_lead_name(name) for name in have]
        names = [canonical_lead_name(name) for name in want]
        basis = [name for name in _LIMB if name in have][:2]
        absent = [name for name in names if name not in have]
        self.computed = [name for name in absent if len(basis) == 2 and name in _LIMB]
        self.missing = [name for name in absent if name not in self.computed]
        if len(self.missing) == len(names):
            raise ValueError(
                f"the recordings have none of the leads of this model: expected some of "
                f"{', '.join(want)}, given {', '.join(have) or 'none'}"
            )
        self.complete = not absent
        there = [name for name in names if name in have]
        self.used = tuple(dict.fromkeys(there + (basis if self.computed else [])))
        self._weights = np.zeros((len(names), len(self.used)), dtype=np.float32)
        for row, name in zip(self._weights, names, strict=True):
            if name in self.computed:
                row[[self.used.index(b) for b in basis]] = _in_terms_of(basis, name)
            elif name in self.used:
                row[self.used.index(name)] = 1
        self.present = self._weights.any(axis=1)
        self.given = np.array([name in have for name in names])

    def __call__(self, x):
        """Leads of the model from the leads used, ``x`` of shape (..., n_used, n_times)."""
        x = np.asarray(x, dtype=np.float32)
        return x if self.complete else self._weights @ x

    def warn(self):
        """Warn about leads that are missing."""
        if self.missing:
            warn(
                f"the recordings lack {len(self.missing)} of the model's {len(self._weights)} leads"
                f" ({', '.join(self.missing)}), which are taken as missing: embeddings are less "
                "sure than with all leads"
            )


def _in_terms_of(basis, name):
    """Coefficients of a limb lead in two others."""
    return np.linalg.solve(np.array([_LIMB[b] for b in basis], dtype=float).T, _LIMB[name])
