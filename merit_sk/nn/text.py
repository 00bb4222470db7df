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

    def grown(self, n_terms):
        """Return a tower with more terms: those there are as they were, the new ones say nothing.

        Zeros are learned from: of terms drawn at random, the bound of reports in a second language
        rose less in continued training, and the first language lost more.

        Parameters
        ----------
        n_terms : int
            Of features that were extended, whose new terms stand behind the old ones.

        Examples
        --------
        >>> from merit_sk.nn.text import BagOfWordsTower
        >>> BagOfWordsTower(n_terms=5, dim=3).grown(7).embedding.num_embeddings
        7
        """
        old = self.embedding.weight
        tower = BagOfWordsTower(n_terms, old.shape[1]).to(old.device)
        with torch.no_grad():
            tower.embedding.weight[: len(old)] = old
            tower.embedding.weight[len(old) :] = 0
            tower.bias.copy_(self.bias)
        return tower


class SentenceTower(nn.Module):
    """Trained projection of a frozen language model's sentence embeddings."""

    def __init__(self, n_features, dim):
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(n_features), nn.Linear(n_features, 256), nn.GELU(), nn.Linear(256, dim)
        )

    def forward(self, features):
        return alone(self.body, features["sentence"], training=self.training)

    def grown(self, n_features):
        """Return self: the language model knows every word."""
        return self


def build_text_tower(kind, n_features, dim):
    """Tower for ``"terms"`` (vocabulary size) or ``"sentence"`` (embedding size) features."""
    return (BagOfWordsTower if kind == "terms" else SentenceTower)(n_features, dim)
