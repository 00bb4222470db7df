"""Checks of signals: invalid samples, rates, leads, units, flat leads."""

import zlib

import numpy as np

from ._filters import bandpass
from ._lead_order import LeadTables
from ._sampling_rate import MAX_RECORDINGS, check_sampling_rate
from ._warn import warn


def check_finite(x, *, on_invalid="raise", names=None):
    """Apply the rule for NaN and infinite samples.

    Parameters
    ----------
    x : ndarray of shape (n_samples, n_leads, n_times), float
        Signals.
    on_invalid : {"raise", "repair"}, default="raise"
        Whether invalid samples are an error or are interpolated in time between their valid
        neighbors (the nearest valid value at the ends; zero in a lead without any), with a
        warning that counts them.
    names : sequence of str of length n_samples or None, default=None
        What to call the records in messages; their positions by default.

    Returns
    -------
    ndarray of shape (n_samples, n_leads, n_times)
        `x` itself if all of it is finite, otherwise a repaired copy.

    Raises
    ------
    ValueError
        If samples are invalid and `on_invalid="raise"`; the message names the records.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.signals import check_finite
    >>> check_finite(np.array([[[0.0, np.nan, 2.0]]]), names=["A0001"])
    Traceback (most recent call last):
        ...
    ValueError: 1 NaN or infinite samples in record A0001...
    """
    if on_invalid not in ("raise", "repair"):
        raise ValueError(f"on_invalid must be 'raise' or 'repair', got {on_invalid!r}")
    if np.isfinite(x.sum()):
        return x
    valid = np.isfinite(x)
    bad = np.flatnonzero(~valid.all(axis=(1, 2)))
    if not bad.size:
        return x
    shown = ", ".join(str(i if names is None else names[i]) for i in bad[:5])
    shown += f" and {bad.size - 5} more" if bad.size > 5 else ""
    found = f"{x.size - np.count_nonzero(valid)} NaN or infinite samples in record"
    found += f"{'s' if bad.size > 1 else ''} {shown}"
    if on_invalid == "raise":
        raise ValueError(f"{found}; leave them out or pass on_invalid='repair' to interpolate")
    warn(f"{found} were interpolated")
    x = x.copy()
    time = np.arange(x.shape[-1])
    for lead, ok in zip(x.reshape(-1, x.shape[-1]), valid.reshape(-1, x.shape[-1]), strict=True):
        if not ok.all():
            lead[~ok] = np.interp(time[~ok], time[ok], lead[ok]) if ok.any() else 0
    return x


FLAT = 1e-6  # mV
MOST_MILLIVOLT, LEAST_MILLIVOLT = 20.0, 0.005  # median deviation of leads
N_LOOKED_AT = 64
SECONDS_LOOKED_AT = 60
BAND = (0.5, 40.0)
EXACT = 1e-6
LEAST_SAMPLES = 50  # of which extremes tell something
LEAST_RATE = 100  # in Hz, at which leads can be compared in this band


def warn_about_signals(source):
    """Warn about what recordings show of wrong rates, leads, units and scales, and of flat leads.

    Up to 64 recordings, spread over all, are looked at, the first minute of each; for flat leads
    all recordings that are in memory. This is what every ``fit`` does once.

    Parameters
    ----------
    source : WindowSource

    Returns
    -------
    seen : int
        What `warn_at_a_glance` knows the same recordings by.
    """
    look = _Look(source, _spread(len(source), N_LOOKED_AT))
    check_sampling_rate(look.heads, look.rate)
    warn_about_unit(look.deviations)
    look.judge_scale_and_leads()
    flat = source.flat()
    flat = (look.deviations < FLAT if flat is None else flat)[:, source.leads.present]
    if flat.any() and source.n_times.max() > 1:
        which = "" if len(flat) == len(source) else " that were looked at"
        warn(
            f"{flat.sum()} flat leads in {flat.any(axis=1).sum()} of {len(flat)} recordings{which} "
            "are taken as missing"
        )
    return _known_by(source)


def warn_at_a_glance(source, seen=None):
    """Warn about wrong rates, leads and scales where recordings are read without a ``fit``.

    One recording and another of every 40 are looked at, 64 at most, spread over all, so that it
    takes little beside embedding.

    Parameters
    ----------
    source : WindowSource
    seen : int or None, default=None
        Of recordings that ``fit`` has looked at, about which nothing is said again.
    """
    if seen is not None and seen == _known_by(source):
        return
    n_looked_at = min(1 + len(source) // 40, N_LOOKED_AT)
    look = _Look(source, _spread(len(source), n_looked_at), quick=True)
    check_sampling_rate(look.heads, look.rate)
    look.judge_scale_and_leads()


def _spread(n, n_taken):
    return np.unique(np.linspace(0, n - 1, n_taken).round().astype(int)).tolist()


def _known_by(source):
    """Checksum of how many recordings there are, of their rate, and of three of them."""
    n_times = round(SECONDS_LOOKED_AT * source.sampling_rate)
    heads = [source.first(i, n_times, strict=False) for i in _spread(len(source), 3)]
    parts = repr((len(source), float(source.sampling_rate), source.leads.used)).encode(), *heads
    found = 0
    for part in parts:
        found = zlib.crc32(np.ascontiguousarray(part), found)
    return found


class _Look:
    """The first minute of some recordings, and what checks need of it.

    Parameters
    ----------
    source : WindowSource
    rows : list of int
    quick : bool, default=False
        Whether to take only as many samples as leads need to be compared, and to leave invalid
        ones to what comes after.

    Attributes
    ----------
    rate : float
    heads : list of ndarray
        Signals of up to 16 of them, as they are; if `quick`, of half of them, at least one.
    tables : LeadTables
        Of all.
    deviations : ndarray of shape (n_rows, n_leads)
    scales : list of {"recording", "lead", None}
        What was scaled to its smallest and largest value in each recording, see `_scaled`.
    """

    def __init__(self, source, rows, quick=False):
        self.rate, self.heads = float(source.sampling_rate), []
        given = source.leads.given
        self.tables = LeadTables(tuple(np.array(source.spec.leads)[given]))
        n_times, deviations, self.scales = round(SECONDS_LOOKED_AT * self.rate), [], []
        step = max(int(self.rate / LEAST_RATE), 1) if quick else 1
        n_heads = min(max(len(rows) // 2, 1), MAX_RECORDINGS) if quick else MAX_RECORDINGS
        some = {rows[k] for k in _spread(len(rows), n_heads)}
        for i in rows:
            x = source.first(i, n_times, strict=not quick)
            self.scales.append(_scaled(x[given]))
            if i in some:
                self.heads.append(x[given])
            x = bandpass(x[:, ::step], self.rate / step, *BAND)
            deviations.append(x.std(axis=-1))
            self.tables.add(x[given], source.name(i))
        self.deviations = np.array(deviations)

    def judge_scale_and_leads(self):
        """Warn where most recordings are scaled to their extremes, and where leads are others."""
        scales = [scale for scale in self.scales if scale is not None]
        if len(scales) > len(self.scales) / 2:
            each = "lead" if "lead" in scales else "recording"
            warn(
                f"the smallest and largest value of each {each} are exactly 0 and 1, or -1 and 1, "
                f"in {len(scales)} of {len(self.scales)} recordings looked at: they seem to be "
                "scaled (min-max), so that voltages are lost. Pass signals in mV."
            )
            if each == "lead":
                return  # leads that are scaled one by one add up in no order
        self.tables.judge()


def _scaled(x):
    """Tell whether each lead, or a recording, extends exactly from 0 to 1, or leads from -1 to 1.

    No signal in mV has such extremes in all leads but by a rare chance, nor, as a QRS complex
    points up in some leads and down in others, the extremes 0 and 1 over all leads.
    """
    x = x[np.ptp(x, axis=-1) > 0]
    if not len(x) or x.shape[-1] < LEAST_SAMPLES:
        return None
    low, high = x.min(axis=-1), x.max(axis=-1)
    if np.abs(high - 1).max() < EXACT and min(np.abs(low).max(), np.abs(low + 1).max()) < EXACT:
        return "lead"
    return "recording" if abs(low.min()) < EXACT and abs(high.max() - 1) < EXACT else None


def warn_about_unit(deviation):
    """Warn where standard deviations of leads, said to be in mV, look like another unit.

    Parameters
    ----------
    deviation : ndarray
        Zero where there is no signal.
    """
    spread = np.median(deviation[deviation > 0]) if (deviation > 0).any() else 1
    if spread > MOST_MILLIVOLT:
        warn(
            f"signals spread over {spread:.0f} mV, a thousand times what an ECG has: they look "
            "like µV, or like the integers of a converter. Divide by 1000, or by their number per "
            "mV; ECGRecords convert by the unit in the file."
        )
    elif spread < LEAST_MILLIVOLT:
        warn(
            f"signals spread over {spread:.1g} mV, a hundredth of what an ECG has: they look like "
            "V. Multiply by 1000; ECGRecords convert by the unit in the file."
        )
