"""Sources of the signals of an `ECGRecords`: arrays in memory or files.

A source has the attributes ``rates`` and ``n_times`` (one value per record) and ``lead_names``,
and reads one record at a time: ``read(i, lead_names, out=None)`` returns the signal as it was
recorded, in mV with its leads in the order asked for, and whether it is known to hold no NaN;
``read_digital(i, lead_names)`` returns integers and their scales where there are such, else None;
``wrong_checksums()`` returns reasons by position; ``fingerprint()`` identifies the signals by what
they are, not by where they lie.
"""

import hashlib
import os

import numpy as np

from ..signals._leads import lead_indices
from . import _files, _wfdb_reader


class ArraySource:
    """Signals in memory.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_leads, n_times)
    rate : float
    lead_names : tuple of str
    index : ndarray of int or None
        Which samples of `X` are the records.
    """

    def __init__(self, X, rate, lead_names, index=None):
        self.X = X
        self.rate = float(rate)
        self.lead_names = lead_names
        self.index = np.arange(len(X)) if index is None else index

    @property
    def rates(self):
        return np.full(len(self.index), self.rate)

    @property
    def n_times(self):
        return np.full(len(self.index), self.X.shape[-1])

    def take(self, key):
        return ArraySource(self.X, self.rate, self.lead_names, self.index[key])

    def describe(self, i):
        return f"number {self.index[i]}"

    def read(self, i, lead_names, out=None):
        signal = self.X[self.index[i]]
        if lead_names != self.lead_names:
            signal = signal[lead_indices(self.lead_names, lead_names)]
        if out is None:
            return np.array(signal, dtype=np.float32), False
        out[...] = signal
        return out, False

    def read_digital(self, i, lead_names):
        return None

    def adc_step(self, i):
        return 0.0

    def wrong_checksums(self):
        return {}

    def fingerprint(self):
        head = (self.lead_names, self.rate, self.X.shape[1:], len(self.index))
        digest = hashlib.sha256(repr(head).encode())
        for i in self.index:
            digest.update(np.ascontiguousarray(self.X[i], dtype=np.float32))
        return digest.digest()

    def __getstate__(self):
        whole = len(self.index) == len(self.X) and np.array_equal(
            self.index, np.arange(len(self.X))
        )
        state = self.__dict__.copy()
        if not whole:
            state |= {"X": self.X[self.index], "index": np.arange(len(self.index))}
        return state


class FileSource:
    """Files of recordings, opened when they are read.

    Parameters
    ----------
    root : str
        Folder to which `paths` are relative.
    paths : ndarray of str objects
        WFDB records without extension, other files with it.
    rates, n_times : ndarray
        Sampling rate in Hz and length in samples of every record. A file that says otherwise is
        an error on reading.
    lead_names : tuple of str
        Leads that every record has.
    formats : ndarray of str objects or None, default=None
        Format of every file; None is WFDB, or EDF where a path ends so.
    """

    def __init__(self, root, paths, rates, n_times, lead_names, formats=None):
        self.root = root
        self.paths = paths
        self.rates = rates
        self.n_times = n_times
        self.lead_names = lead_names
        self.formats = formats

    def take(self, key):
        formats = None if self.formats is None else self.formats[key]
        return type(self)(
            self.root, self.paths[key], self.rates[key], self.n_times[key], self.lead_names, formats
        )

    def describe(self, i):
        return os.path.join(self.root, self.paths[i])

    def format(self, i):
        return _files.WFDB if self.formats is None else self.formats[i]

    def read(self, i, lead_names, out=None):
        path = self.describe(i)
        header, signal, finite = _files.read_record(path, self.format(i), lead_names, out)
        if header.rate != self.rates[i] or signal.shape[-1] != self.n_times[i]:
            raise ValueError(
                f"record {path}: {signal.shape[-1]} samples at {header.rate:g} Hz, expected "
                f"{self.n_times[i]} at {self.rates[i]:g} Hz"
            )
        return signal, finite

    def read_digital(self, i, lead_names):
        if self.format(i) not in _files.BY_PART:
            return None
        header = _wfdb_reader.read_header(self.describe(i), self.format(i))
        if header.file is None:
            return None
        samples = _wfdb_reader.read_digital(header).T
        leads = _wfdb_reader.find_leads(header, lead_names)
        if leads is None:
            return samples, header.scales
        return samples[leads], tuple(header.scales[lead] for lead in leads)

    def adc_step(self, i):
        if self.format(i) not in _files.BY_PART:
            return 0.0
        scales = _wfdb_reader.read_header(self.describe(i), self.format(i)).scales
        return min((abs(scale.unit / scale.gain) for scale in scales), default=0.0)

    def fingerprint(self):
        digest = hashlib.sha256(self.rates.tobytes() + self.n_times.tobytes())
        for i in range(len(self.paths)):
            digest.update(self.content(i))
        return digest.digest()

    def content(self, i):
        """Return a digest of what a record holds, whatever its folder."""
        return _files.content_digest(self.describe(i), self.format(i))

    def wrong_checksums(self):
        reasons = {}
        for i in range(len(self.paths)):
            if self.format(i) != _files.WFDB:
                continue
            try:
                wrong = _wfdb_reader.wrong_checksum(self.describe(i))
            except (OSError, ValueError):
                continue
            if wrong:
                reasons[i] = f"record {self.describe(i)}: checksum of lead {wrong} does not match"
        return reasons
