"""What stands behind the end of a record that is shorter than its window."""

import torch


def inside(n_times, n_valid):
    """Return which samples are before the padding.

    Parameters
    ----------
    n_times : int
    n_valid : long tensor of shape (n,)

    Returns
    -------
    bool tensor of shape (n, n_times)

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.padding import inside
    >>> inside(4, torch.tensor([2])).tolist()
    [[True, True, False, False]]
    """
    return torch.arange(n_times, device=n_valid.device) < n_valid[:, None]


def blanked(x, valid):
    """Return ``x`` with zeros in the padding.

    Parameters
    ----------
    x : tensor of shape (n, width, positions)
    valid : bool tensor of shape (n, positions) or None
        None: there is no padding.

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.padding import blanked, inside
    >>> blanked(torch.ones(1, 1, 4), inside(4, torch.tensor([2]))).tolist()
    [[[1.0, 1.0, 0.0, 0.0]]]
    """
    if valid is None:
        return x
    return x.clone().masked_fill_(~valid[:, None], 0.0)  # in the same order in memory


def held(x, n_valid):
    """Return ``x`` with the last sample of every record in the place of its padding.

    Parameters
    ----------
    x : tensor of shape (n, n_leads, n_times)
    n_valid : long tensor of shape (n,)

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.padding import held
    >>> held(torch.tensor([[[1.0, 2.0, 0.0, 0.0]]]), torch.tensor([2])).tolist()
    [[[1.0, 2.0, 2.0, 2.0]]]
    """
    last = (n_valid - 1).clamp(min=0)
    index = torch.minimum(torch.arange(x.shape[-1], device=x.device), last[:, None])
    return x.gather(2, index[:, None].expand_as(x))
