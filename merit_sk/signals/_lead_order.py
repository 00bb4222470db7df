"""Whether recordings contradict the names of their leads."""

from itertools import permutations

import numpy as np

from ._lead_map import LIMB_LEADS
from ._leads import canonical_lead_name
from ._warn import warn

LIMB = ("I", "II", "III", "aVR", "aVL", "aVF")
_CHEST = tuple(f"V{i}" for i in range(1, 7))
_CONTRADICTS = 0.05  # share of the power that breaks the identities
_FITS = 0.01
_ALIKE = 0.3  # correlation below which leads are noise, not leads of one heart
_MIRRORED = -0.5  # correlation of I and V6, and skewness of I, of interchanged arms
_SAMPLES = 250  # below which a beat may be cut
_CHEST_RECORDINGS, _CHEST_GAIN = 16, 0.1
_TRIED = 16  # recordings in which other orders are tried, one by one


def check_lead_order(X, lead_names, record_names=None):
    """Warn where recordings say that their leads are not those named.

    Three things are looked at:

    - Limb leads are linear in two of them (II = I + III, aVR = -(I + II)/2 and so on). Where they
      do not add up, other orders are tried: any order of the limb leads, limb leads after V1-V6,
      V1-V6 after II, or one lead upside down.
    - A lead is most like its neighbors from V1 to V6, and I like V6: the average of 16 recordings
      or more gives the order of the chest leads.
    - I is the mirror image of V6, with P wave, QRS complex and T wave upside down, where arm
      electrodes were interchanged (or in dextrocardia). Such records are named.

    How often it warns, with reason and without: :ref:`table <how-often-fit-warns>`.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_leads, n_times), or sequence of (n_leads, n_times)
        Recordings without offset, best filtered, in any unit.
    lead_names : sequence of str
        What their leads are said to be.
    record_names : sequence of str or None, default=None
        What to call the recordings; their positions by default.

    Returns
    -------
    tuple of str
        The names that fit: `lead_names`, or, with a warning, the same in another order.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.datasets import make_ecg
    >>> from merit_sk.signals import check_lead_order
    >>> ecg = make_ecg(20, random_state=0).data
    >>> check_lead_order(np.asarray(ecg)[:, :6], ecg.lead_names[:6])
    ('I', 'II', 'III', 'aVR', 'aVL', 'aVF')
    """
    names = tuple(canonical_lead_name(name) for name in lead_names)
    record_names = range(len(X)) if record_names is None else record_names
    tables = LeadTables(names)
    for x, record in zip(X, record_names, strict=True):
        tables.add(np.asarray(x), record)
    return tables.judge()


def adds_up(x):
    """Return whether rows are I, II, III, aVR, aVL and aVF of one recording, in this order.

    Parameters
    ----------
    x : ndarray of shape (6, n_times)
    """
    x = np.asarray(x, dtype=float)
    x = x - x.mean(axis=1, keepdims=True)
    table = x @ x.T
    return bool((np.diag(table) > 0).all() and _broken(LIMB, table) < _FITS)


class LeadTables:
    """Products of the leads of recordings, one recording after the other, and what they say.

    Parameters
    ----------
    names : tuple of str
        Canonical.
    """

    def __init__(self, names):
        self.names, self.products, self.skewness, self.records = names, [], [], []

    def add(self, x, record):
        """Take note of a recording of shape (n_leads, n_times); flat leads are left out."""
        x = np.nan_to_num(x, posinf=0, neginf=0)
        x = x / max(np.abs(x).max(initial=0), np.finfo(np.float32).tiny)
        products = (x @ x.T).astype(np.float64)
        size = np.sqrt(np.diag(products))
        self.products.append(products)
        lead = x[self.names.index("I")] if "I" in self.names else x[0]
        deviation = lead.std() if x.shape[-1] >= _SAMPLES else 0
        third = np.cbrt(np.mean(lead * lead * lead))
        self.skewness.append(third / deviation if deviation > 0 else 0.0)
        self.records.append((record, size > 1e-6 * max(size.max(), 1e-30)))

    def judge(self):
        """Warn, and return the names that fit."""
        products, heard = np.array(self.products), np.array([h for _, h in self.records])
        names = self._limb_leads(products, heard)
        if names == self.names:
            names = self._chest_leads(products, heard)
        if names == self.names:
            self._arms(products)
        return names

    def _limb_leads(self, products, heard):
        at = [i for i, name in enumerate(self.names) if name in LIMB_LEADS]
        whole = heard[:, at].all(axis=1)
        if len(at) < 3 or not whole.any():
            return self.names
        limb = [self.names[i] for i in at]
        table = products[whole]
        table = table / np.trace(table, axis1=1, axis2=2)[:, None, None]
        broken = _broken(limb, table[:, at][:, :, at]) > _CONTRADICTS
        if not broken.any():
            return self.names
        count = f"{broken.sum()} of {whole.sum()} recordings"
        mean = table[broken].mean(axis=0)
        said = f"the limb leads of {count} contradict their names"
        inverted = _inverted(limb, mean[np.ix_(at, at)])
        if broken.mean() > 0.5 and inverted is None:
            order = _other_order(self.names, at, mean)
            if order is not None:
                warn(
                    f"{said} and add up in the order {', '.join(order)}: name them, with leads= "
                    "or ECGRecords.from_array(X, lead_names=...), and they are put in order"
                )
                return order
        named = [r for (r, _), w in zip(self.records, whole, strict=True) if w]
        named = [r for r, b in zip(named, broken, strict=True) if b]
        if inverted is not None:
            warn(f"{said}: {inverted} is upside down in {_list(named)}")
        else:
            self._limb_leads_of_some(said, at, table[broken], named)
        return self.names

    def _limb_leads_of_some(self, said, at, tables, records):
        """Warn about recordings whose limb leads do not add up, nor in one other order."""
        exchanged = self._exchanged(at, tables, records)
        n_exchanged = sum(map(len, exchanged.values()))
        limb, mean = [self.names[i] for i in at], tables.mean(axis=0)[np.ix_(at, at)]
        standardized = np.mean([_scaled(limb, table[np.ix_(at, at)]) for table in tables]) > 0.5
        if standardized and n_exchanged <= min(len(tables), _TRIED) / 2:
            warn(
                f"{said} (I - II + III is not 0) but would add up in other sizes: each lead seems "
                "to be standardized by itself, so that voltages are lost. Pass signals in mV."
            )
        elif exchanged:
            leads = "; ".join(f"{leads} in {_list(found)}" for leads, found in exchanged.items())
            warn(
                f"{said}, which seem to be exchanged: {leads}. Leave these recordings out, or put "
                "their leads in order."
            )
        elif _correlated(mean):
            warn(f"{said}, as they do not add up: {_list(records)}")

    def _exchanged(self, at, tables, records):
        """Return which limb leads would add up, exchanged, and in which recordings."""
        found = {}
        for table, record in zip(tables[:_TRIED], records, strict=False):
            order = _other_order(self.names, at, table)
            if order is not None:
                pairs = zip(self.names, order, strict=True)
                leads = ", ".join(name for name, other in pairs if name != other)
                found.setdefault(leads, []).append(record)
        return found

    def _chest_leads(self, products, heard):
        if not {"I", *_CHEST} <= set(self.names):
            return self.names
        at = [self.names.index(name) for name in (*_CHEST, "I")]
        whole = heard[:, at].all(axis=1)
        if whole.sum() < _CHEST_RECORDINGS:
            return self.names
        table = products[whole][:, at][:, :, at]
        size = np.sqrt(np.einsum("nii->ni", table))
        table = np.mean(table / (size[:, :, None] * size[:, None, :]), axis=0)
        if not _correlated(table):
            return self.names
        orders = np.array(list(permutations(range(6))))
        chain = table[orders[:, :-1], orders[:, 1:]].sum(axis=1)
        towards = table[orders[:, -1], 6] > table[orders[:, 0], 6]
        chain = np.where(towards, chain, -np.inf)
        best = orders[chain.argmax()]
        backwards = table[5, 6] < table[0, 6]
        gain = chain.max() - table[range(5), range(1, 6)].sum()
        if gain < _CHEST_GAIN and not backwards:
            return self.names
        order = list(self.names)
        for place, channel in enumerate(best):
            order[at[channel]] = _CHEST[place]
        warn(
            f"the chest leads of {whole.sum()} recordings are alike in the order "
            f"{', '.join(order)}: if they are not named as they were recorded, name them, with "
            "leads= or ECGRecords.from_array(X, lead_names=...)"
        )
        return tuple(order)

    def _arms(self, products):
        if not {"I", "V6"} <= set(self.names):
            return
        one, six = self.names.index("I"), self.names.index("V6")
        size = np.sqrt(products[:, one, one] * products[:, six, six])
        alike = products[:, one, six] / np.where(size > 0, size, 1)
        mirrored = (alike < _MIRRORED) & (np.array(self.skewness) < _MIRRORED)
        if mirrored.any():
            named = [r for (r, _), m in zip(self.records, mirrored, strict=True) if m]
            warn(
                f"lead I is the mirror image of V6 in {_list(named)}: arm electrodes seem to be "
                "interchanged there (or lead I is upside down, or the heart on the right)"
            )


def _list(names):
    shown = ", ".join(map(str, names[:5])) + (f" and {len(names) - 5} more" if names[5:] else "")
    return f"record{'s' if len(names) > 1 else ''} {shown}"


def _identities(limb):
    """Projection of limb leads onto what is 0 in each: their part that is not linear in two."""
    basis, _ = np.linalg.qr(np.array([LIMB_LEADS[name] for name in limb], dtype=float))
    return np.eye(len(limb)) - basis @ basis.T


def _broken(limb, table):
    """Share of the power of limb leads that breaks the identities, of tables of products.

    It is NaN for leads without power.
    """
    power = np.trace(table, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore"):
        return np.einsum("ij,...ij->...", _identities(limb), table) / power


def _other_order(names, at, table):
    """The same names in an order in which the limb leads add up, or None."""
    limb = [names[i] for i in at]
    found = []
    for block in _blocks(names, at):
        orders = np.array(list(permutations(block)))
        broken = _broken(limb, table[orders[:, :, None], orders[:, None, :]])
        moved = (orders != np.array(at)).sum(axis=1)
        good = np.flatnonzero(broken < max(_FITS, 2 * broken.min()))
        good = good[broken[good] < _FITS]
        found += [(moved[i], tuple(orders[i])) for i in good]
    if not found:
        return None
    channels = min(found)[1]
    order = [None] * len(names)
    for name, channel in zip(limb, channels, strict=True):
        order[channel] = name
    rest = iter([name for name in names if name not in limb])
    return tuple(next(rest) if name is None else name for name in order)


def _blocks(names, at):
    """Which channels may be the limb leads: those named, the last ones, or I, II and the last."""
    n, k = len(names), len(at)
    return {tuple(at), tuple(range(n - k, n)), (0, 1, *range(n - k + 2, n))}


def _inverted(limb, table):
    for i, name in enumerate(limb):
        sign = np.ones(len(limb))
        sign[i] = -1
        if _broken(limb, table * np.outer(sign, sign)) < _FITS:
            return name
    return None


def _scaled(limb, table):
    """Whether I, II and III do not add up, but would if each had another size."""
    if not {"I", "II", "III"} <= set(limb):
        return False
    at = [limb.index(name) for name in ("I", "II", "III")]
    table = table[np.ix_(at, at)]
    if _broken(["I", "II", "III"], table) < _FITS:
        return False
    size = np.sqrt(np.diag(table))
    values, vectors = np.linalg.eigh(table / np.outer(size, size))
    signs = np.sign(vectors[:, 0]) * np.sign(vectors[0, 0])
    return values[0] < _FITS and signs.tolist() == [1, -1, 1]


def _correlated(table):
    size = np.sqrt(np.diag(table))
    alike = np.abs(table / np.outer(size, size))
    return np.max(alike - np.eye(len(alike))) > _ALIKE
