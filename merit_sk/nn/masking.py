"""Which parts of a window the structure branch hides."""

import torch


def hide_blocks(n_records, n_leads, n_times, *, block, ratio, device=None):
    """Draw hidden lead x time blocks, the same number in every record.

    Parameters
    ----------
    n_records, n_leads, n_times : int
    block : int
        Samples of a block.
    ratio : float
        Share of the blocks to hide; at least one is hidden and one left visible.
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
    count = min(max(round(ratio * total), 1), max(total - 1, 1))
    order = torch.rand(n_records, total, device=device).argsort(dim=1)
    hidden = (order < count).reshape(n_records, n_leads, n_blocks)
    return hidden.repeat_interleave(block, dim=2)[..., :n_times]
