"""Batches for pretraining: windows of recordings with their reports."""

import numpy as np
import torch
from torch.utils.data import Dataset

from .._reports import statement_bank


def tensors(features):
    """Features of texts as tensors."""
    return {name: torch.from_numpy(values) for name, values in features.items()}


class Reports:
    """Distinct reports of a training set, their features, and the statements in them.

    Parameters
    ----------
    reports : ndarray of str
        Normalised reports, ``""`` for none.
    features : callable
        From a list of texts to a dict of arrays, one row a text.
    """

    def __init__(self, reports, features):
        texts, inverse, counts = np.unique(
            reports.astype(str), return_inverse=True, return_counts=True
        )
        empty = int(texts[0] == "")
        self.index = inverse.ravel() - empty
        self.texts = texts[empty:].tolist()
        self.features = tensors(features(self.texts))
        self.bank, self.present = statement_bank(self.texts, counts[empty:])

    def batch(self, indices):
        """Text part of a batch: which text each report is (-1: none), features, statements."""
        index = self.index[indices]
        row = np.maximum(index, 0)
        out = {
            "text_index": torch.from_numpy(index),
            "text": {name: values[row] for name, values in self.features.items()},
        }
        if self.bank:
            out["present"] = torch.from_numpy(self.present[row].toarray())
        return out


class WindowDataset(Dataset):
    """Windows of recordings; longer ones give a window at random each time.

    Parameters
    ----------
    source : WindowSource
    indices : array-like of int
        Records that belong to this data set.
    reports : Reports or None
        Of all records of ``source``.
    random_start : bool
        Whether windows of longer recordings are drawn at random (else the first).
    """

    def __init__(self, source, indices, reports, random_start):
        self.source, self.indices, self.reports = source, np.asarray(indices), reports
        self.random_start = random_start

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, i):
        return self.__getitems__([i])

    def __getitems__(self, rows):
        records = self.indices[np.asarray(rows)]
        signal, n_valid = self.source.windows(records, self._start)
        inputs = {"signal": torch.from_numpy(signal), "n_valid": torch.from_numpy(n_valid)}
        if self.reports is not None:
            inputs |= self.reports.batch(records)
        return inputs, torch.zeros(len(rows))

    def _start(self, n_times):
        room = n_times - self.source.spec.n_times
        if room <= 0 or not self.random_start:
            return 0
        return int(torch.randint(room + 1, ()))
