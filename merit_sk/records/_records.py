"""ECGRecords: many recordings that behave like one array and are read when they are needed."""

import hashlib
import os
from collections import Counter

import numpy as np

from ..signals._filters import resample, resampled_length
from ..signals._leads import STANDARD_LEADS, lead_indices
from ..signals._quality import check_finite
from ._arguments import (
    canonical_leads,
    column_of,
    common_leads,
    default_leads,
    one_rate,
    positive_rate,
    record_names_of,
)
from ._as_array import read_all
from ._sources import ArraySource, FileSource

__all__ = ["ECGRecords"]


class ECGRecords:
    """Array-like collection of recordings that are read when they are needed.

    Slicing (``records[:100]``, an index array, a boolean mask) gives another lazy collection
    whose record names and reports are sliced along, so that every splitter and every
    cross-validation of scikit-learn takes it as ``X``. An integer gives one recording, and
    ``numpy.asarray(records)`` reads them all. Signals are float32 in mV with leads ordered by
    name, whatever the files hold.

    Make one with `from_array`, `from_wfdb` or the loaders of `merit_sk.datasets`.

    Attributes
    ----------
    shape : tuple
        ``(n_samples, n_leads, n_times)``; `n_times` is None if lengths differ, or are less than
        the duration asked for by `with_duration`.
    lengths : ndarray of shape (n_samples,)
        Number of samples in time that every record has, without any padding.
    sampling_rate : float
        Samples per second.
    lead_names : tuple of str
        Leads, in order.
    record_names : ndarray of shape (n_samples,), str objects
        Names of the records.
    reports : ndarray of shape (n_samples,), objects, or None
        Report of every record, None where there is none.
    on_invalid : {"raise", "repair"}
        What is done about NaN when signals are read; see `repaired`.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk import ECGRecords
    >>> X = np.random.default_rng(0).standard_normal((5, 12, 1000))
    >>> records = ECGRecords.from_array(X, sampling_rate=100)
    >>> records
    ECGRecords(5 x 12 leads x 1000 samples at 100 Hz)
    >>> records[[0, 2]].with_leads(["V1", "II"]).shape
    (2, 2, 1000)
    >>> np.asarray(records[:2]).dtype
    dtype('float32')
    """

    ndim = 3
    dtype = np.dtype(np.float32)

    def __init__(
        self,
        source,
        *,
        sampling_rate=None,
        lead_names=None,
        record_names=None,
        reports=None,
        duration=None,
        on_invalid="raise",
    ):
        n = len(source.n_times)
        self._source = source
        self.sampling_rate = one_rate(source.rates) if sampling_rate is None else sampling_rate
        self.lead_names = tuple(source.lead_names if lead_names is None else lead_names)
        self.record_names = record_names_of(record_names, n)
        self.reports = None if reports is None else column_of(reports, n, "reports")
        self.duration = duration
        self.on_invalid = on_invalid

    @classmethod
    def from_array(cls, X, *, sampling_rate, lead_names=None, reports=None, record_names=None):
        """Wrap an array of signals.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_leads, n_times)
            Signals in mV.
        sampling_rate : float
            Samples per second.
        lead_names : sequence of str or None, default=None
            Leads in the order of `X`; by default the 12 standard leads, in standard order.
        reports : array-like of shape (n_samples,) or None, default=None
            Report of every record.
        record_names : array-like of shape (n_samples,) or None, default=None
            Names; by default ``"0"``, ``"1"`` and so on.

        Returns
        -------
        ECGRecords
            With the leads in standard order if all 12 are there, otherwise as given.
        """
        X = X if isinstance(X, np.ndarray) else np.asarray(X, dtype=np.float32)
        if X.ndim != 3:
            one = ": one recording is X[None]" if X.ndim == 2 else ""
            raise ValueError(
                f"X must have the shape (n_samples, n_leads, n_times), got {X.shape}{one}"
            )
        if lead_names is None:
            if X.shape[1] != 12:
                raise ValueError(f"X has {X.shape[1]} leads: pass lead_names=, one name for each")
            lead_names = STANDARD_LEADS
        if X.dtype.kind not in "fiu":
            raise ValueError(f"X must hold real numbers, got an array of {X.dtype}")
        names = canonical_leads(lead_names)
        if len(names) != X.shape[1] or len(set(names)) != len(names):
            raise ValueError(
                f"lead_names must name each of the {X.shape[1]} leads of X once, got {names}"
            )
        return cls(
            ArraySource(X, positive_rate(sampling_rate), names),
            lead_names=default_leads(names),
            record_names=record_names,
            reports=reports,
        )

    @classmethod
    def from_wfdb(cls, paths, *, root="", reports=None, record_names=None, lead_names=None):
        """Open WFDB records; their headers are read at once, their signals later.

        Parameters
        ----------
        paths : sequence of str or path-like
            Records, without extension.
        root : str or path-like, default=""
            Folder to which `paths` are relative.
        reports : array-like of shape (n_samples,) or None, default=None
            Report of every record.
        record_names : array-like of shape (n_samples,) or None, default=None
            Names; by default the last part of each path.
        lead_names : sequence of str or None, default=None
            Leads wanted; by default the 12 standard ones if every record has them, otherwise
            those that every record has.

        Returns
        -------
        ECGRecords
            At the sampling rate that the most records have; others are resampled.

        Raises
        ------
        FileNotFoundError
            If a header is missing.
        ValueError
            If a header cannot be parsed, or the records have no lead in common.
        """
        from ._wfdb_reader import read_header

        root = os.fspath(root)
        paths = np.array([os.fspath(path) for path in paths], dtype=object)
        headers = [read_header(os.path.join(root, path)) for path in paths]
        return cls._from_headers(
            headers, root, paths, reports=reports, record_names=record_names, lead_names=lead_names
        )

    @classmethod
    def _from_headers(
        cls, headers, root, paths, *, reports=None, record_names=None, lead_names=None
    ):
        rates = np.array([header.rate for header in headers], dtype=float)
        n_times = np.array([header.n_times for header in headers], dtype=np.int64)
        common = common_leads(headers)
        if lead_names is None:
            lead_names = default_leads(common)
        else:
            lead_names = canonical_leads(lead_names)
            lead_indices(common, lead_names)
        formats = np.array([header.format for header in headers], dtype=object)
        source = FileSource(root, paths, rates, n_times, common, formats)
        if record_names is None:
            record_names = [os.path.basename(path) for path in paths]
        rate = Counter(rates.tolist()).most_common(1)[0][0] if len(rates) else 1.0
        return cls(
            source,
            sampling_rate=rate,
            lead_names=lead_names,
            record_names=record_names,
            reports=reports,
        )

    @classmethod
    def from_cache(cls, folder, *, reports=None):
        """Open a folder made by `cache`.

        Parameters
        ----------
        folder : str or path-like
            Cache.
        reports : array-like of shape (n_samples,) or None, default=None
            Report of every record; a cache holds signals and names only.

        Returns
        -------
        ECGRecords
        """
        from ._cache import CacheSource

        source = CacheSource.open(folder)
        return cls(source, record_names=source.names(), reports=reports)

    @property
    def lengths(self):
        source = self._source
        lengths = np.array(source.n_times)
        for rate in np.unique(source.rates[source.rates != self.sampling_rate]):
            at_rate = source.rates == rate
            lengths[at_rate] = resampled_length(lengths[at_rate], rate, self.sampling_rate)
        return lengths if self.duration is None else np.minimum(lengths, self._most_times)

    @property
    def _most_times(self):
        return round(self.duration * self.sampling_rate)

    @property
    def shape(self):
        lengths = self.lengths
        n_times = int(lengths[0]) if len(lengths) else 0
        if len(lengths) and self.duration is not None:
            n_times = self._most_times
        same = (lengths == n_times).all()
        return len(lengths), len(self.lead_names), n_times if same else None

    def __len__(self):
        return len(self.record_names)

    def __repr__(self):
        n, n_leads, n_times = self.shape
        if n_times is None:
            shortest, longest = self.lengths.min(), self.lengths.max()
            n_times = f"{shortest}-{longest}" if shortest < longest else shortest
        return f"ECGRecords({n} x {n_leads} leads x {n_times} samples at {self.sampling_rate:g} Hz)"

    def _repr_html_(self):
        from ._html import records_html

        return records_html(self)

    def __getitem__(self, key):
        if isinstance(key, tuple):
            if not key or any(part not in (Ellipsis, slice(None)) for part in key[1:]):
                raise IndexError(
                    "records are indexed along the first axis only: use with_leads for leads, or "
                    "numpy.asarray(records) for an array"
                )
            key = key[0]
        if np.ndim(key) == 0 and not isinstance(key, slice) and key is not Ellipsis:
            return self._read_one(range(len(self))[key])
        key = slice(None) if key is Ellipsis else key
        if not isinstance(key, slice):
            key = np.asarray(key)
            key = key.astype(np.intp) if key.size == 0 else key
        return self._like(
            source=self._source.take(key),
            record_names=self.record_names[key],
            reports=None if self.reports is None else self.reports[key],
        )

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("records are read from their source: copy=False is not possible")
        return read_all(self).astype(dtype or self.dtype, copy=False)

    def with_leads(self, lead_names):
        """Return the same records with these leads, in this order.

        Parameters
        ----------
        lead_names : sequence of str
            Leads, by name, in any notation that `merit_sk.signals.canonical_lead_name` knows.

        Returns
        -------
        ECGRecords
        """
        names = canonical_leads(lead_names)
        lead_indices(self._source.lead_names, names)
        return self._like(lead_names=names)

    def with_duration(self, seconds):
        """Return the records cut to their first `seconds`.

        Shorter records stay as they are: `lengths` says how long, and estimators of this library
        take them so. Only ``numpy.asarray``, whose result needs one length, pads them with zeros
        at the end, and warns, because nothing in an array tells padding from signal.

        Parameters
        ----------
        seconds : float
            Duration that no record exceeds.

        Returns
        -------
        ECGRecords

        Examples
        --------
        >>> import numpy as np
        >>> from merit_sk import ECGRecords
        >>> records = ECGRecords.from_array(np.ones((2, 12, 500)), sampling_rate=100)
        >>> records.with_duration(3).lengths.tolist(), records.with_duration(9).lengths.tolist()
        ([300, 300], [500, 500])
        """
        if not seconds * self.sampling_rate >= 1:
            raise ValueError(f"the duration must be at least one sample, got {seconds} s")
        return self._like(duration=float(seconds))

    def resampled(self, sampling_rate):
        """Return the records at another sampling rate.

        Parameters
        ----------
        sampling_rate : float
            Samples per second.

        Returns
        -------
        ECGRecords
        """
        return self._like(sampling_rate=positive_rate(sampling_rate))

    def repaired(self):
        """Return the records with NaN interpolated in time when they are read.

        Without it, reading a record with invalid samples is an error. A warning counts what was
        interpolated; a lead without any valid sample becomes zero.

        Returns
        -------
        ECGRecords
        """
        return self._like(on_invalid="repair")

    def read_range(self, i, start, stop, on_invalid=None):
        """Read part of one record, without reading the rest of it.

        Parameters
        ----------
        i : int
            Which record.
        start, stop : int
            Samples, as ``records[i][:, start:stop]`` counts them.
        on_invalid : {"raise", "repair", "keep"} or None, default=None
            What is done about NaN; None is what the records do, ``"keep"`` leaves them.

        Returns
        -------
        ndarray of shape (n_leads, stop - start), float32
            In mV; equal to the slice to rounding where the record is resampled.

        Examples
        --------
        >>> import numpy as np
        >>> from merit_sk import ECGRecords
        >>> X = np.random.default_rng(0).standard_normal((1, 12, 100_000))
        >>> ECGRecords.from_array(X, sampling_rate=100).read_range(0, 5000, 6000).shape
        (12, 1000)
        """
        from ._ranges import read_range

        i = range(len(self))[i]
        start, stop, _ = slice(start, stop).indices(int(self.lengths[i]))
        signal = read_range(self, i, start, max(start, stop))
        if on_invalid == "keep":
            return signal
        rule, names = on_invalid or self.on_invalid, [self._source.describe(i)]
        return check_finite(signal[None], on_invalid=rule, names=names)[0]

    def cache(self, folder, *, n_jobs=None):
        """Write all signals, as they are seen here, to a folder that is fast to read.

        The folder holds 16-bit integers in a few large files: the very integers of the recording
        where leads and sampling rate are those of WFDB files in format 16, otherwise a rounding
        to 15 bits of each record's peak. Limb leads that follow from I and II to within the
        recording's own step are computed on reading. Memory stays bounded by a few records.

        A build that is interrupted, even killed, goes on where it was when it is called again; of
        several processes that call it at once, one builds and the others wait. Nothing but what a
        build has written is ever deleted or overwritten.

        A folder that is complete is opened if it holds these very records, wherever they lie now.
        What records hold is known from the checksums and sizes that their WFDB headers tell;
        where there are none, as in arrays, from all their samples. `from_cache` opens a cache
        without its recordings.

        Parameters
        ----------
        folder : str or path-like
            Where the cache is, or will be.
        n_jobs : int or None, default=None
            Processes that build it, as in joblib.

        Returns
        -------
        ECGRecords
            The same records, names and reports, read from `folder`.

        Raises
        ------
        ValueError
            If a recording is faulty (see `check`), or `folder` holds a cache of other records or
            a damaged one.
        OSError
            If `folder` cannot be written, for example because the disk is full. What is written
            is kept and the next call goes on from there.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> from merit_sk import ECGRecords
        >>> X = np.random.default_rng(0).standard_normal((5, 12, 1000))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     records = ECGRecords.from_array(X, sampling_rate=100).cache(folder + "/ecg")
        ...     error = np.abs(np.asarray(records) - X).max()
        >>> bool(error < 0.001)
        True
        """
        from ._cache import build

        source = build(self, folder, n_jobs)
        return self._like(
            source=source,
            sampling_rate=float(self.sampling_rate),
            on_invalid="raise",
        )

    def check(self, *, n_jobs=None):
        """Read every record and list those that cannot be used, or have a wrong checksum.

        Checksums are those of WFDB headers or of the cache. Reading a record does not look at
        them, nor do loaders with ``errors="skip"``.

        Parameters
        ----------
        n_jobs : int or None, default=None
            Processes that read, as in joblib.

        Returns
        -------
        DataFrame
            One row for each faulty record: its position (the index), ``record`` and ``reason``.
            ``records[numpy.setdiff1d(range(len(records)), faulty.index)]`` are the good ones.
        """
        from ._faults import find_faulty

        return find_faulty(self, n_jobs)

    def summary(self, *, n_jobs=None):
        """Describe every record: length, leads, amplitude, heart rate, and what disturbs it.

        Records are read one at a time, long ones in stretches of ten minutes, at the rate at which
        they were recorded and with NaN as they are. Every ten seconds the leads are measured for
        silence, clipping, noise above 20 Hz and a baseline that wanders below 0.5 Hz, the kinds of
        disturbance of Jekova et al. [1]_ with thresholds of our own. These are hints where to
        look, not judgments.

        Parameters
        ----------
        n_jobs : int or None, default=None
            Processes that read, as in joblib.

        Returns
        -------
        DataFrame
            One row a record, indexed by position, with the columns

            - ``record``: name;
            - ``duration``: in seconds;
            - ``sampling_rate``: at which it was recorded, in Hz;
            - ``n_leads``: leads with signal, all that are not flat;
            - ``flat_leads``: leads without signal, at least half of whose samples are invalid or
              part of a second or more without change;
            - ``clipped_leads``: an extreme of some ten seconds, 0.2 mV or more from the median, is
              a plateau of 20 ms to 1 s;
            - ``noisy_leads``: more than 0.0125 mV (root mean square) from 20 to 100 Hz between the
              waves, more than half of the time. Recordings that were resampled to 100 Hz have lost
              part of their noise;
            - ``wandering_leads``: a range of more than 1 mV, 10 mm on paper, below 0.5 Hz, more
              than half of the time;
            - ``invalid``: fraction of the samples that are NaN;
            - ``amplitude``: range of a lead from 0.5 to 40 Hz in ten seconds, in mV, median over
              time and leads;
            - ``heart_rate``: beats per minute by the median RR interval, see
              :func:`~merit_sk.signals.find_beats`; NaN for fewer than two beats or less than
              50 Hz;
            - ``fault``: why the record cannot be read, else ``""``.

            Leads are given by their names, joined with commas, ``""`` for none.

        See Also
        --------
        ECGRecords.check : Records that cannot be used, with checksums.

        References
        ----------
        .. [1] I. Jekova, V. Krasteva, I. Christov, R. Abächerli, "Threshold-based system for noise
           detection in multilead ECG recordings", Physiological Measurement 33, 2012.

        Examples
        --------
        >>> import numpy as np
        >>> from merit_sk import ECGRecords
        >>> from merit_sk.datasets import make_ecg
        >>> X = np.array(make_ecg(2, statements=["NORM"], random_state=0).data)
        >>> X[0, 6] = 0
        >>> X[1, 1] = X[1, 1].clip(max=0.4)
        >>> table = ECGRecords.from_array(X, sampling_rate=100).summary()
        >>> table[["duration", "n_leads", "flat_leads", "clipped_leads"]]
           duration  n_leads flat_leads clipped_leads
        0      10.0       11         V1
        1      10.0       12                       II
        """
        from ._tables import summary

        return summary(self, n_jobs)

    def to_pandas(self):
        """Read all samples into a table: a row a sample, a column a lead.

        Records follow one another, so that lengths may differ. ``table.loc["A0001"]`` is one
        record over time and ``table.stack()`` has a row for each lead. The table takes three
        times the memory of the signals; choose records first, ``records[:100].to_pandas()``.

        Returns
        -------
        DataFrame
            In mV, float32, with the name of the record and the time in seconds as its index.

        Raises
        ------
        ValueError
            If a record is faulty, or has invalid samples and `on_invalid` is ``"raise"``.

        Examples
        --------
        >>> import numpy as np
        >>> from merit_sk import ECGRecords
        >>> X = np.arange(8.0).reshape(2, 2, 2)
        >>> records = ECGRecords.from_array(X, sampling_rate=100, lead_names=["I", "II"])
        >>> records.to_pandas()
        lead           I   II
        record time
        0      0.00  0.0  2.0
               0.01  1.0  3.0
        1      0.00  4.0  6.0
               0.01  5.0  7.0
        """
        from ._tables import to_pandas

        return to_pandas(self)

    def _like(self, **changes):
        new = object.__new__(type(self))
        source = changes.pop("source", self._source)
        new.__dict__.update(self.__dict__, _source=source, **changes)
        return new

    def _read_one(self, i):
        source = self._source
        signal, finite = source.read(i, self.lead_names)
        if not finite:
            names = [source.describe(i)]
            signal = check_finite(signal[None], on_invalid=self.on_invalid, names=names)[0]
        signal = resample(signal, source.rates[i], self.sampling_rate)
        return signal if self.duration is None else signal[:, : self._most_times]

    def _read_digital(self, i):
        """Read the integers of a record as it is seen here; None if its source has others."""
        source = self._source
        cut = self.duration is not None and source.n_times[i] > self._most_times
        if cut or source.rates[i] != self.sampling_rate:
            return None
        digital = source.read_digital(i, self.lead_names)
        return None if digital is None or digital[0].min() == -32768 else digital

    def _adc_step(self, i):
        return self._source.adc_step(i)

    def _fingerprint(self):
        view = (self.lead_names, float(self.sampling_rate), self.duration, self.on_invalid)
        digest = hashlib.sha256(self._source.fingerprint())
        digest.update(repr((view, self.record_names.tolist())).encode())
        return digest.hexdigest()
