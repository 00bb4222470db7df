"""From recordings of any rate, length and lead order to the windows a model sees."""

from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np

from ._amplitudes import N_QUARTILES, peak_voltages
from ._filters import bandpass, filtered, resample, resampled_length, standardized
from ._lead_map import LeadMap
from ._leads import canonical_lead_name
from ._quality import check_finite
from ._ranges import needed_range

PIECE_SECONDS = 600  # of a longer recording, filtered at once
MARGIN_SECONDS = 30  # around it: by then an edge has died away to 1e-20 of its height
SILENT = 1e-4  # of a lead's deviation: a window below it holds the rounding of the filter


@dataclass(frozen=True)
class WindowSpec:
    """The input of a model, stored with its weights and applied again at ``transform``.

    Parameters
    ----------
    sampling_rate : float
        In Hz.
    leads : tuple of str
        In the order of the model's channels.
    duration : float
        Length of a window in seconds.
    band : tuple of float, default=(0.5, 40.0)
        Pass band in Hz.

    Examples
    --------
    >>> from merit_sk.signals._windows import WindowSpec
    >>> WindowSpec(100.0, ("I", "II"), 10.0).n_times
    1000
    """

    sampling_rate: float
    leads: tuple
    duration: float
    band: tuple = (0.5, 40.0)

    @property
    def n_times(self):
        """Samples of a window."""
        return max(round(self.duration * self.sampling_rate), 1)

    def to_dict(self):
        """The specification as plain JSON types."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, saved):
        """Rebuild what ``to_dict`` described."""
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in saved.items()})

    def prepare(self, x, sampling_rate):
        """Sampling rate and pass band of the model for ``x`` of shape (..., n_leads, n_times)."""
        return bandpass(
            resample(x, sampling_rate, self.sampling_rate), self.sampling_rate, *self.band
        )

    def whole(self, x, sampling_rate):
        """The only windows of recordings no longer than one, as `cut` gives them."""
        x = resample(x, sampling_rate, self.sampling_rate)
        x, deviation = filtered(x, self.sampling_rate, *self.band, standardize=True)
        return self._pad(x), x.shape[-1], deviation

    def starts(self, n_times):
        """First samples of the windows that cover a recording; the last one ends with it."""
        last = n_times - self.n_times
        if last <= 0:
            return [0]
        return [*range(0, last, self.n_times), last]

    def cut(self, x, start):
        """Standardized window of ``x`` from ``start``, zero-padded; its length; its deviations."""
        window, deviation = standardized(x[..., start : start + self.n_times])
        return self._pad(window), window.shape[-1], deviation

    @property
    def n_voltages(self):
        """Numbers that `voltages` gives of a window."""
        return 2 * N_QUARTILES * len(self.leads)

    def voltages(self, signal, n_valid, deviation):
        """Peak voltages in mV of standardized windows, without what they are padded with."""
        out = np.empty((len(signal), self.n_voltages), dtype=np.float32)
        for n_times in np.unique(n_valid):
            rows = n_valid == n_times
            out[rows] = peak_voltages(signal[rows, :, :n_times], self.sampling_rate)
        return out * np.repeat(deviation, 2 * N_QUARTILES, axis=1)

    def _pad(self, x):
        missing = self.n_times - x.shape[-1]
        return np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, missing)]) if missing > 0 else x


class WindowSource:
    """Recordings made ready for a model: in memory when they fit, read anew when they do not.

    Recordings of more than ten minutes are read and filtered in pieces, with half a minute around
    each, so that memory does not depend on their length. The result is that of filtering all at
    once, to rounding, but for the first and last seconds of the recording: there the straight line
    that is taken out is that of the piece.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_leads, n_times) or ECGRecords
        Leads of `spec` that are not there are computed or taken as missing, with a warning.
    spec : WindowSpec
    on_invalid : {"raise", "repair"}, default="raise"
        What to do about NaN and infinite samples.
    keep : bool, default=False
        Hold what is read in memory if it takes less than 1 GiB: the windows, or the filtered
        recordings where these are longer than a window.
    sampling_rate : float or None, default=None
        Of an array, in Hz; None is that of `spec`.
    leads : sequence of str or None, default=None
        Of an array; None are those of `spec`.
    """

    memory = 2**30
    chunk = 256

    def __init__(self, X, spec, on_invalid="raise", keep=False, *, sampling_rate=None, leads=None):
        self.X, self.spec, self.on_invalid = X, spec, on_invalid
        if isinstance(X, np.ndarray):
            self.sampling_rate = float(sampling_rate or spec.sampling_rate)
            have = spec.leads if leads is None else tuple(map(canonical_lead_name, leads))
            self.leads = LeadMap(have, spec.leads)
            self._columns = [have.index(name) for name in self.leads.used]
        else:
            self.leads = LeadMap(X.lead_names, spec.leads)
            X = X.with_leads(self.leads.used)
            self.X = X.repaired() if on_invalid == "repair" else X
            self.sampling_rate = self.X.sampling_rate
        self.leads.warn()
        self._kept = self._windows = None
        if keep:
            size = 4 * len(spec.leads) * np.maximum(self.lengths, spec.n_times).sum()
            if size <= self.memory:
                self._keep(single=self.lengths.max() <= spec.n_times)

    def _keep(self, single):
        shape = (len(self), len(self.spec.leads), self.spec.n_times)
        windows = np.empty(shape, dtype=np.float32) if single else None
        n_valid, kept = np.empty(len(self), dtype=np.int64), []
        deviation = np.empty(shape[:2], dtype=np.float32)
        for rows in self.chunks():
            if single:
                found = self.windows(rows, lambda n_times: 0)
                windows[rows], n_valid[rows], deviation[rows] = found
            else:
                kept += self.signals(rows)
        if single:
            self._windows = windows, n_valid, deviation
        else:
            self._kept = kept

    def __len__(self):
        return len(self.X)

    @cached_property
    def n_times(self):
        """Samples of every recording as it is read."""
        array = isinstance(self.X, np.ndarray)
        return np.full(len(self.X), self.X.shape[-1]) if array else self.X.lengths

    @cached_property
    def lengths(self):
        """Samples of every recording at the model's rate."""
        return resampled_length(self.n_times, self.sampling_rate, self.spec.sampling_rate)

    def flat(self):
        """Which leads have no signal, of all recordings if they are in memory, else None."""
        if self._windows is not None:
            return self._windows[2] == 0
        as_it_is = isinstance(self.X, np.ndarray) and self.leads.complete
        return np.ptp(self.X[:, self._columns], axis=-1) == 0 if as_it_is else None

    def chunks(self):
        """Positions of all recordings, up to 256 at once; those that are long one by one."""
        room = self.memory / 8 / (4 * len(self.leads.used))
        start = total = 0
        for i, n_times in enumerate(self.n_times.tolist()):
            alone = self.is_long(i) or self.is_long(start)
            if i > start and (alone or total + n_times > room or i - start == self.chunk):
                yield np.arange(start, i)
                start, total = i, 0
            total += n_times
        yield np.arange(start, len(self))

    def read(self, key):
        """Recordings with the leads of the model; a list of arrays where lengths differ.

        Parameters
        ----------
        key : ndarray of int
        """
        if isinstance(self.X, np.ndarray):
            in_a_row = len(key) and (np.diff(key) == 1).all()
            return self._named(self.X[key[0] : key[-1] + 1] if in_a_row else self.X[key], key)
        records = self.X[key]
        if records.shape[2] is None:
            return [self.leads(x) for x in records]
        return self.leads(np.asarray(records))

    def read_range(self, i, start, stop):
        """Samples of one recording, as `read` gives them, without reading the others."""
        if not isinstance(self.X, np.ndarray):
            return self.leads(self.X.read_range(i, start, stop))
        return self._named(self.X[i : i + 1, :, start:stop], [i])[0]

    def _named(self, x, names):
        """Return the leads of the model from recordings of an array, which must be finite."""
        if self._columns != list(range(x.shape[1])):
            x = x[:, self._columns]
        x = check_finite(x, on_invalid=self.on_invalid, names=names)
        return x if self.leads.complete else self.leads(x)

    def first(self, i, n_times, strict=True):
        """Up to so many samples from the beginning of one recording.

        NaN are zeros, unless they are an error: where `on_invalid` says so and `strict` is True.
        """
        n_times = min(n_times, int(self.n_times[i]))
        if strict and self.on_invalid == "raise":
            return self.read_range(i, 0, n_times)
        array = isinstance(self.X, np.ndarray)
        x = self.X[i, :, :n_times] if array else self.X.read_range(i, 0, n_times, "keep")
        x = x[self._columns] if array else x
        return self.leads(np.nan_to_num(x, posinf=0, neginf=0))

    def name(self, i):
        """What to call one recording in messages."""
        return i if isinstance(self.X, np.ndarray) else self.X.record_names[i]

    def signals(self, indices):
        """Filtered recordings at the model's rate, each (n_leads, n_times)."""
        short = [i for i in indices if not self.is_long(i)]
        found = dict(zip(short, self.read(np.array(short)), strict=True)) if short else {}
        return [
            self.spec.prepare(found[i], self.sampling_rate) if i in found else self._whole(i)
            for i in indices
        ]

    def windows(self, indices, start):
        """One window a recording.

        Parameters
        ----------
        indices : ndarray of int
        start : callable
            From the length of a recording to the first sample of its window.

        Returns
        -------
        signal : ndarray of shape (n, n_leads, n_times), float32
            Standardized.
        n_valid : ndarray of shape (n,), int64
        deviation : ndarray of shape (n, n_leads), float32
            Standard deviation that a lead had, in mV.
        """
        if self._windows is not None:
            return tuple(part[indices] for part in self._windows)
        if self._kept is not None:
            kept = (self._kept[i] for i in indices)
            return _stacked([self._cut(x, [start(x.shape[-1])])[0] for x in kept])
        return self._load(indices, lambda n_times: [start(n_times)])[:3]

    def all_windows(self, indices, part=slice(None)):
        """Every window of the recordings, with the position of its recording in `indices`.

        Parameters
        ----------
        indices : ndarray of int
        part : slice, default=slice(None)
            Which windows of each, in the order of their starts.

        Returns
        -------
        signal, n_valid, deviation
            As `windows` gives them.
        owner : ndarray of shape (n_windows,), int64
        """
        return self._load(indices, lambda n_times: self.spec.starts(n_times)[part])

    def batches(self, rows, size):
        """What to pass to `all_windows`, piece by piece, to get every window of some recordings.

        Parameters
        ----------
        rows : ndarray of int
        size : int
            Windows in a batch. One recording of up to ten minutes, or a piece of that length of a
            longer one, may be more.

        Yields
        ------
        positions : ndarray of int
            In `rows`, in a row.
        part : slice
            Windows of each; all, but for pieces.
        """
        first = total = 0
        at_once = max(round(PIECE_SECONDS / self.spec.duration), 1)
        for at, (row, n) in enumerate(zip(rows, self.n_windows(rows), strict=True)):
            long = self.is_long(row)
            if at > first and (long or total + n > size):
                yield np.arange(first, at), slice(None)
                first, total = at, 0
            total += n
            if long:
                for i in range(0, n, at_once):
                    yield np.array([at]), slice(i, min(i + at_once, n))
                first, total = at + 1, 0
        if first < len(rows):
            yield np.arange(first, len(rows)), slice(None)

    def n_windows(self, rows):
        """Windows of each recording."""
        lengths, inverse = np.unique(self.lengths[rows], return_inverse=True)
        return np.array([len(self.spec.starts(n)) for n in lengths.tolist()])[inverse]

    def is_long(self, i):
        """Whether a recording is read in pieces."""
        return self.lengths[i] > PIECE_SECONDS * self.spec.sampling_rate

    def _stretch(self, i, start, stop):
        """Filtered samples of a long recording, and the deviations of what they were cut from."""
        rates = self.sampling_rate, self.spec.sampling_rate
        first, last, skip = needed_range(start, stop, int(self.n_times[i]), rates, MARGIN_SECONDS)
        x = self.spec.prepare(self.read_range(i, first, last), rates[0])
        return x[..., skip : skip + stop - start], x.std(axis=-1)

    def _whole(self, i):
        out = np.empty((len(self.spec.leads), self.lengths[i]), dtype=np.float32)
        step = round(PIECE_SECONDS * self.spec.sampling_rate)
        for start in range(0, out.shape[-1], step):
            stop = min(start + step, out.shape[-1])
            out[:, start:stop], _ = self._stretch(i, start, stop)
        return out

    def _load(self, indices, starts):
        indices = np.asarray(indices)
        if len(indices) and not any(self.is_long(i) for i in indices):
            x, rate = self.read(indices), self.sampling_rate
            if isinstance(x, np.ndarray) and self._is_short(x):
                signal, n_valid, deviation = self.spec.whole(x, rate)
                n_valid = np.full(len(x), n_valid, dtype=np.int64)
                return signal, n_valid, deviation, np.arange(len(x))
            cut = [
                [self.spec.whole(one, rate)]
                if self._is_short(one)
                else self._cut(self.spec.prepare(one, rate), starts(int(self.lengths[i])))
                for i, one in zip(indices, x, strict=True)
            ]
        else:
            cut = [self._load_one(i, starts) for i in indices]
        owner = np.repeat(np.arange(len(cut)), [len(one) for one in cut])
        return *_stacked([window for one in cut for window in one]), owner

    def _load_one(self, i, starts):
        if not self.is_long(i):
            found = self._load([i], starts)
            return list(zip(*found[:3], strict=True))
        starts = starts(int(self.lengths[i]))
        first, last = starts[0], starts[-1] + self.spec.n_times
        x, spread = self._stretch(i, first, last)
        return self._cut(x, [start - first for start in starts], spread)

    def _cut(self, x, starts, spread=None):
        """Windows of a filtered recording; what is silent in them stays silent."""
        floor = SILENT * (x.std(axis=-1) if spread is None else spread)
        cut = [self.spec.cut(x, start) for start in starts]
        for signal, _, deviation in cut:
            silent = deviation < floor
            signal[silent], deviation[silent] = 0, 0
        return cut

    def _is_short(self, x):
        rates = self.sampling_rate, self.spec.sampling_rate
        return resampled_length(x.shape[-1], *rates) <= self.spec.n_times


def _stacked(cut):
    signal, n_valid, deviation = zip(*cut, strict=True)
    return np.stack(signal), np.array(n_valid, dtype=np.int64), np.stack(deviation)
