"""The net and the batches that train a report generator."""

import numpy as np
from torch.utils.data import Dataset

from ..nn.language_model import IGNORED, padded
from .net import PretrainNet

SIMILAR = 8  # tokens that texts of a batch differ by


class ReportNet(PretrainNet):
    """Neural net for ECGs that were read before, and their reports."""

    def views(self, inputs):
        return {}


class ReportDataset(Dataset):
    """ECGs with the tokens of what comes before the report and of the report, in batches.

    Parameters
    ----------
    ecg : tensor of shape (n, n_features)
    before, reports : list of list of int
        Token ids; the reports end with the token for the end.
    """

    def __init__(self, ecg, before, reports):
        self.ecg, self.before, self.reports = ecg, before, reports

    def __len__(self):
        return len(self.ecg)

    def groups(self):
        """Return rows by the length of their text, so that little of a batch is padding."""
        length = np.array([len(a) + len(b) for a, b in zip(self.before, self.reports, strict=True)])
        kind = length // SIMILAR
        return [(np.flatnonzero(kind == k), 1) for k in np.unique(kind)]

    def batch(self, rows, generator=None):
        """Return the inputs of the model for some rows; nothing is drawn."""
        ids = [self.before[i] + self.reports[i] for i in rows]
        labels = [[IGNORED] * len(self.before[i]) + self.reports[i] for i in rows]
        return {
            "ecg": self.ecg[rows],
            "ids": padded(ids, 0),
            "mask": padded([[1] * len(row) for row in ids], 0),
            "labels": padded(labels, IGNORED),
        }
