"""Which parts of a window the structure branch hides."""

import torch

from .padding import inside


def hide_blocks(n_records, n_leads, n_times, *, block, ratio, n_valid=None, device=None):
    """Draw hidden lead x time blocks, the same number in every record.

    Parameters
    ----------
    n_records, n_leads, n_times : int
    block : int
        Samples of a block.
    ratio : float
        Share of the blocks to hide; at least one is hidden and one left visible.
    n_valid : long tensor of shape (n_records,) or None, default=None
        Samples before the padding; None is all. The same share is hidden before the padding, and
        of the padding as much as makes the numbers equal.
    device : torch.device or None, default=None

    Returns
    -------
    hidden : bool tensor of shape (n_records, n_leads, n_times)

    Examples
    --------
    >>> from merit_sk.nn.masking import hide_blocks
    >>> hidden = hide_blocks(2, 12, 1000, block=50, ratio=0.75)
    >>> hidden.float().mean().item()
    0.75
    """
    n_blocks = -(-n_times // block)
    total = n_leads * n_blocks
    rank = torch.rand(n_records, total, device=device).argsort(dim=1)
    count, n_signal, n_hidden = _n_hidden(total, ratio), total, _n_hidden(total, ratio)
    if n_valid is not None:
        signal = inside(n_blocks, -(-n_valid // block)).repeat(1, n_leads)
        rank = (rank + total * ~signal).argsort(dim=1).argsort(dim=1)
        n_signal = signal.sum(dim=1, keepdim=True)
        n_hidden = _n_hidden(n_signal, ratio)
    padding = (rank >= n_signal) & (rank < n_signal + count - n_hidden)
    hidden = ((rank < n_hidden) | padding).reshape(n_records, n_leads, n_blocks)
    return hidden.repeat_interleave(block, dim=2)[..., :n_times]


def _n_hidden(n_blocks, ratio):
    n_blocks = torch.as_tensor(n_blocks)
    return (ratio * n_blocks).round().long().clamp(min=1).minimum((n_blocks - 1).clamp(min=0))
