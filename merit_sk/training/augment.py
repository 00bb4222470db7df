"""Random changes that leave the diagnosis alone."""

import math

import torch
from torch.nn import functional as F


def vary(x):
    """Shift in time, stretch and scale: the signal stays exactly predictable from its parts.

    Every record is shifted circularly by its own amount and every lead gets its own gain
    (standard deviation 10 %); half of the batches are stretched in time by up to 10 %.

    Parameters
    ----------
    x : tensor of shape (n, n_leads, n_times)

    Returns
    -------
    tensor of shape (n, n_leads, n_times)

    Examples
    --------
    >>> import torch
    >>> from merit_sk.training.augment import vary
    >>> vary(torch.zeros(2, 12, 1000)).shape
    torch.Size([2, 12, 1000])
    """
    n, n_leads, n_times = x.shape
    if torch.rand(()) < 0.5:
        size = max(round(n_times * (0.9 + 0.2 * torch.rand(()).item())), 1)
        x = F.interpolate(x, size=size, mode="linear", align_corners=False)
    shift = torch.randint(x.shape[-1], (n, 1), device=x.device)
    index = (torch.arange(n_times, device=x.device) + shift) % x.shape[-1]
    x = x.gather(2, index[:, None].expand(n, n_leads, n_times))
    return x * (1 + 0.1 * torch.randn(n, n_leads, 1, device=x.device))


def disturb(x):
    """White noise, slow baseline wander and missing leads, as recordings have them.

    Parameters
    ----------
    x : tensor of shape (n, n_leads, n_times)
        Standardised leads.

    Returns
    -------
    tensor of shape (n, n_leads, n_times)

    Examples
    --------
    >>> import torch
    >>> from merit_sk.training.augment import disturb
    >>> disturb(torch.zeros(2, 12, 1000)).shape
    torch.Size([2, 12, 1000])
    """
    n, n_leads, n_times = x.shape
    new = dict(device=x.device)
    noise = 0.1 * torch.rand(n, 1, 1, **new) * torch.randn(x.shape, **new)
    cycles = 0.5 + 4 * torch.rand(n, 1, 1, **new)
    phase = 2 * math.pi * torch.rand(n, n_leads, 1, **new)
    time = torch.linspace(0, 2 * math.pi, n_times, **new)
    wander = 0.3 * torch.rand(n, n_leads, 1, **new) * torch.sin(cycles * time + phase)
    kept = torch.rand(n, n_leads, 1, **new) >= 0.1
    return (x + noise + wander) * kept
