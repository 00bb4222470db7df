"""From the maps of an ECG to the soft prefix of a language model."""

import torch
from torch import nn
from torch.nn import functional as F

from ..signals._amplitudes import N_QUARTILES
from .rows import alone
from .shared_space import log_voltages

MAX_TOKENS = 48
INNER_WIDTH = 128


def ecg_tokens(features, valid):
    """Average a map over equal stretches of time, at most 48 of them.

    Parameters
    ----------
    features : tensor of shape (n, width, positions)
    valid : bool tensor of shape (n, positions)
        Positions before the padding; a stretch without any gives zeros.

    Returns
    -------
    tokens : tensor of shape (n, n_tokens, width)

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.prefix import ecg_tokens
    >>> ecg_tokens(torch.ones(2, 8, 63), torch.ones(2, 63, dtype=torch.bool)).shape
    torch.Size([2, 48, 8])
    """
    weight = valid[:, None].float()
    n_tokens = min(features.shape[-1], MAX_TOKENS)
    total = F.adaptive_avg_pool1d(features.float() * weight, n_tokens)
    share = F.adaptive_avg_pool1d(weight, n_tokens)
    return (total / share.clamp(min=1e-6)).transpose(1, 2)


class MapReader:
    """A MERIT model whose read-out is all that a prefix is made from.

    Takes the place of the model in ``inference.embed.embed_windows``. A recording is one row: the
    summary of all maps, with the peak voltages, then the tokens of the last map.

    Parameters
    ----------
    model : MeritModel
    voltages : bool, default=True
        Whether voltages are read, which see that of :func:`~merit_sk.nn.shared_space.log_voltages`.

    Attributes
    ----------
    n_summary : int
        Numbers before the tokens.
    """

    def __init__(self, model, voltages=True):
        self.encoder, self.summary, self.n_leads = model.encoder, model.summary, model.n_leads
        self.voltages = voltages
        self.n_summary = 3 * sum(model.encoder.stage_dims)
        if voltages:
            self.n_summary += 2 * N_QUARTILES * model.n_leads + 1

    def read_out(self, maps, kind, voltages):
        """Rows of shape (n, n_summary + n_tokens * width)."""
        parts = [self.summary(maps)]
        if self.voltages:
            parts.append(log_voltages(voltages, self.n_leads))
        return torch.cat([*parts, ecg_tokens(*maps[-1]).flatten(1)], dim=1)


class PrefixProjector(nn.Module):
    """Turn an ECG into a few vectors in the space of a language model's word embeddings.

    The summary sets queries, which attend to the tokens over time.

    Parameters
    ----------
    n_summary : int
        Numbers in the summary.
    token_width : int
        Width of a token; a row holds as many tokens as fit behind the summary.
    n_prefix : int
        Vectors to give.
    width : int
        Their width.
    scale : float, default=1.0
        Their initial size, that of a word embedding.
    dropout : float, default=0.0
        Of the summary's numbers.

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.prefix import PrefixProjector
    >>> PrefixProjector(12, token_width=4, n_prefix=3, width=16)(torch.zeros(2, 12 + 5 * 4)).shape
    torch.Size([2, 3, 16])
    """

    def __init__(self, n_summary, token_width, n_prefix, width, scale=1.0, dropout=0.0):
        super().__init__()
        self.n_summary, self.token_width, self.n_prefix = n_summary, token_width, n_prefix
        for part, size in {"summary": n_summary, "token": token_width}.items():
            self.register_buffer(f"{part}_mean", torch.zeros(size))
            self.register_buffer(f"{part}_spread", torch.ones(size))
        self.dropout = nn.Dropout(dropout)
        self.queries = nn.Linear(n_summary, n_prefix * INNER_WIDTH)
        self.tokens = nn.Linear(token_width, INNER_WIDTH)
        self.attention = nn.MultiheadAttention(INNER_WIDTH, 4, batch_first=True)
        self.project = nn.Sequential(
            nn.LayerNorm(INNER_WIDTH), nn.Linear(INNER_WIDTH, width), nn.LayerNorm(width)
        )
        nn.init.constant_(self.project[-1].weight, scale)

    def standardize(self, ecg):
        """Take mean and spread of summary and tokens from the rows of a training set."""
        summary, tokens = self.split(ecg)
        for part, values in {"summary": summary, "token": tokens.flatten(0, 1)}.items():
            spread = values.std(dim=0, correction=0)
            getattr(self, f"{part}_mean").copy_(values.mean(dim=0))
            getattr(self, f"{part}_spread").copy_(spread.where(spread > 1e-6, 1.0))

    def split(self, ecg):
        """Summary (n, n_summary) and tokens (n, n_tokens, token_width) of rows."""
        summary, tokens = ecg[:, : self.n_summary], ecg[:, self.n_summary :]
        return summary, tokens.unflatten(1, (-1, self.token_width))

    def neutral(self, ecg):
        """Rows like ``ecg`` that say nothing: the average of the training set in every place."""
        summary, tokens = (part.clone() for part in self.split(ecg))
        summary[:], tokens[:] = self.summary_mean, self.token_mean
        return torch.cat([summary, tokens.flatten(1)], dim=1)

    def forward(self, ecg):
        return alone(self._prefix, ecg, training=self.training)

    def _prefix(self, ecg):
        summary, tokens = self.split(ecg)
        summary = (summary - self.summary_mean) / self.summary_spread
        tokens = self.tokens((tokens - self.token_mean) / self.token_spread)
        queries = self.queries(self.dropout(summary.clamp(-5, 5)))
        queries = queries.unflatten(1, (self.n_prefix, INNER_WIDTH))
        attended, _ = self.attention(queries, tokens, tokens, need_weights=False)
        return self.project(queries + attended)
