"""Random changes of training windows, inside each record's own length."""

import math

import torch
from torch.nn import functional as F

from ..nn.padding import blanked, held, inside
from ..signals._leads import STANDARD_LEADS

MAX_STRETCH = 0.1
CROP_SHARE = 0.5
_LIMB, _CHEST = STANDARD_LEADS[:6], STANDARD_LEADS[6:]
LEAD_SETS = (("I",), ("II",), ("I", "II"), _LIMB, ("I", "II", "V2"), _CHEST)
LEAD_SET_SHARE = 0.25


def vary(x, n_valid):
    """Shift in time, stretch and scale: the signal stays exactly predictable from its parts.

    Every record is shifted circularly by its own amount and every lead gets its own gain
    (standard deviation 10 %); half of the batches are stretched in time by up to 10 %. A record
    keeps its length: what a stretch pushes out is cut off, what it leaves is filled circularly.

    Parameters
    ----------
    x : tensor of shape (n, n_leads, n_times)
    n_valid : long tensor of shape (n,)
        Samples before the padding.

    Returns
    -------
    tensor of shape (n, n_leads, n_times)
        With zeros in the padding.

    Examples
    --------
    >>> import torch
    >>> from merit_sk.training.augment import vary
    >>> x = vary(torch.ones(2, 12, 1000), torch.tensor([1000, 400]))
    >>> (x != 0).all(dim=1).sum(dim=1)
    tensor([1000,  400])
    """
    n, n_leads, n_times = x.shape
    valid, length = inside(n_times, n_valid), n_valid[:, None]
    size = n_times
    if torch.rand(()) < 0.5:
        factor = 1 - MAX_STRETCH + 2 * MAX_STRETCH * torch.rand(()).item()
        size = max(round(n_times * factor), 1)
        x = F.interpolate(held(x, n_valid), size=size, mode="linear", align_corners=False)
        length = ((length * size + n_times // 2) // n_times).clamp(min=1)
    shift = torch.randint(size, (n, 1), device=x.device) * length // size
    index = (torch.arange(n_times, device=x.device) + shift) % length
    x = x.gather(2, index[:, None].expand(n, n_leads, n_times))
    gain = 1 + 0.1 * torch.randn(n, n_leads, 1, device=x.device)
    return blanked(x * gain, valid)


def crop(x, n_valid, multiple):
    """Leave half of the batches the first half of their windows; others stay.

    Crops are from anywhere in a recording once it was shifted by `vary`.

    Parameters
    ----------
    x : tensor of shape (n, n_leads, n_times)
    n_valid : long tensor of shape (n,)
        Samples before the padding.
    multiple : int
        Samples of a crop are a multiple of it; windows that are shorter than two stay.

    Returns
    -------
    x : tensor of shape (n, n_leads, n_times or less)
    n_valid : long tensor of shape (n,)

    Examples
    --------
    >>> import torch
    >>> from merit_sk.training.augment import crop
    >>> torch.manual_seed(0) and None
    >>> x, n_valid = crop(torch.ones(2, 12, 1000), torch.tensor([1000, 400]), 48)
    >>> x.shape[2], n_valid.tolist()
    (480, [480, 400])
    """
    n_times = x.shape[2] // 2 // multiple * multiple
    if n_times == 0 or torch.rand(()) >= CROP_SHARE:
        return x, n_valid
    return x[..., :n_times].contiguous(), n_valid.clamp(max=n_times)


def disturb(x, n_valid):
    """White noise, slow baseline wander and missing leads, as recordings have them.

    A lead that is missing stays missing, and one that is there is left.

    Parameters
    ----------
    x : tensor of shape (n, n_leads, n_times)
        Standardized leads.
    n_valid : long tensor of shape (n,)
        Samples before the padding.

    Returns
    -------
    tensor of shape (n, n_leads, n_times)
        With zeros in the padding.

    Examples
    --------
    >>> import torch
    >>> from merit_sk.training.augment import disturb
    >>> disturb(torch.ones(2, 12, 1000), torch.tensor([1000, 400])).shape
    torch.Size([2, 12, 1000])
    """
    n, n_leads, n_times = x.shape
    new = dict(device=x.device)
    valid = inside(n_times, n_valid)
    noise = 0.1 * torch.rand(n, 1, 1, **new) * torch.randn(x.shape, **new)
    cycles = 0.5 + 4 * torch.rand(n, 1, 1, **new)
    phase = 2 * math.pi * torch.rand(n, n_leads, 1, **new)
    time = torch.linspace(0, 2 * math.pi, n_times, **new)
    wander = 0.3 * torch.rand(n, n_leads, 1, **new) * torch.sin(cycles * time + phase)
    there = blanked(x, valid).any(dim=2, keepdim=True)
    draw = torch.rand(n, n_leads, 1, **new) * there
    kept = there & ((draw >= 0.1) | (draw == draw.amax(dim=1, keepdim=True)))
    return blanked((x + noise + wander) * kept, valid)


def keep_lead_set(x, leads):
    """Leave a quarter of recordings of the twelve leads only those that some device records.

    Lead I; II; both; the limb leads; I, II and V2; V1 to V6. Other recordings stay, and so do those
    that have none of these leads.

    Parameters
    ----------
    x : tensor of shape (n, n_leads, n_times)
    leads : sequence of str
        Their names; recordings of other than the twelve standard leads stay.

    Returns
    -------
    tensor of shape (n, n_leads, n_times)

    Examples
    --------
    >>> import torch
    >>> from merit_sk.signals import STANDARD_LEADS
    >>> from merit_sk.training.augment import keep_lead_set
    >>> keep_lead_set(torch.ones(1000, 12, 10), STANDARD_LEADS).any(dim=2).sum(dim=1).unique()
    tensor([ 1,  2,  3,  6, 12])
    """
    if set(leads) != set(STANDARD_LEADS):
        return x
    sets = torch.tensor([[lead in kept for lead in leads] for kept in LEAD_SETS], device=x.device)
    few = x * sets[torch.randint(len(sets), (len(x),))][..., None]
    chosen = (torch.rand(len(x), device=x.device) < LEAD_SET_SHARE) & few.flatten(1).any(dim=1)
    return torch.where(chosen[:, None, None], few, x)
