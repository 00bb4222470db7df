"""Text towers: from features of a report to the space shared with the ECG."""

import torch
from torch import nn

from .rows import alone


class BagOfWordsTower(nn.Module):
    """Trained embedding of weighted terms, summed.

    Parameters
    ----------
    n_terms, dim : int

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.text import BagOfWordsTower
    >>> tower = BagOfWordsTower(n_terms=5, dim=3)
    >>> terms = {"terms": torch.tensor([[0, 4]]), "weights": torch.tensor([[0.6, 0.8]])}
    >>> tower(terms).shape
    torch.Size([1, 3])
    """

    def __init__(self, n_terms, dim):
        super().__init__()
        self.embedding = nn.Embedding(n_terms, dim)
        self.bias = nn.Parameter(torch.zeros(dim))
        nn.init.normal_(self.embedding.weight, std=dim**-0.5)
        nn.init.normal_(self.bias, std=0.1 * dim**-0.5)

    def forward(self, features):
        terms, weights = features["terms"], features["weights"]
        return (self.embedding(terms) * weights[..., None]).sum(dim=1) + self.bias


class SentenceTower(nn.Module):
    """Trained projection of a frozen language model's sentence embeddings."""

    def __init__(self, n_features, dim):
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(n_features), nn.Linear(n_features, 256), nn.GELU(), nn.Linear(256, dim)
        )

    def forward(self, features):
        return alone(self.body, features["sentence"], training=self.training)


def build_text_tower(kind, n_features, dim):
    """Tower for ``"terms"`` (vocabulary size) or ``"sentence"`` (embedding size) features."""
    return (BagOfWordsTower if kind == "terms" else SentenceTower)(n_features, dim)
