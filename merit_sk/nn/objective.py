"""The objective: two lower bounds on mutual information, in nats."""

import math

import torch
from torch.nn import functional as F

from .collective import total

STEADY = 1e-8  # added to variances, so that a constant channel is one of zeros


def info_nce(signal, text, text_index, scale):
    """Compute symmetric InfoNCE with records of equal text as positives of each other.

    Parameters
    ----------
    signal : tensor of shape (n, dim)
        Unit vectors, one a record.
    text : tensor of shape (n, dim)
        Unit vectors, one a record's report.
    text_index : long tensor of shape (n,)
        Index of each record's report; equal reports have equal indices.
    scale : scalar tensor
        Inverse temperature.

    Returns
    -------
    loss : scalar tensor
    bound : scalar tensor
        ``log n - loss``, a lower bound on the mutual information in nats [1]_, at most ``log n``.

    References
    ----------
    .. [1] A. van den Oord, Y. Li, O. Vinyals, "Representation learning with contrastive
       predictive coding", arXiv:1807.03748, 2018.

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.objective import info_nce
    >>> z = torch.eye(3)
    >>> loss, bound = info_nce(z, z, torch.arange(3), torch.tensor(50.0))
    >>> round(bound.item(), 3)
    1.099
    """
    logits = scale * signal @ text.T
    same = text_index[:, None] == text_index[None]
    target = same / same.sum(dim=1, keepdim=True)
    loss = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
    return loss, math.log(len(signal)) - loss


def statement_loss(signal, statements, present, scale, bias, scored=None):
    """Compute the sigmoid loss of every record over the statement vocabulary, summed over it [1]_.

    Parameters
    ----------
    signal : tensor of shape (n, dim)
    statements : tensor of shape (n_statements, dim)
    present : tensor of shape (n, n_statements)
        1 where the record's report contains the statement.
    scale, bias : scalar tensors
    scored : tensor of shape (n, n_statements) or None, default=None
        Weight of each entry of `present`, 0 where it is not known; None is 1 for all.

    Returns
    -------
    loss : scalar tensor

    References
    ----------
    .. [1] X. Zhai et al., "Sigmoid loss for language image pre-training", ICCV 2023.

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.objective import statement_loss
    >>> z = torch.eye(2)
    >>> loss = statement_loss(z, z, torch.eye(2), torch.tensor(20.0), torch.tensor(-10.0))
    >>> loss.item() < 1e-3
    True
    """
    logits = scale * signal @ statements.T + bias
    total = F.binary_cross_entropy_with_logits(logits, present, scored, reduction="sum")
    return total / len(signal)


def normalize_blocks(x, block, floor=0.1):
    """Standardize every block of ``block`` samples by its own mean and standard deviation.

    Parameters
    ----------
    x : tensor of shape (n, n_leads, n_times)
    block : int
    floor : float, default=0.1
        Added to the standard deviation, so that noise on an isoelectric line is not amplified.

    Returns
    -------
    normalized, mean, scale : tensors of shape (n, n_leads, n_times)

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.objective import normalize_blocks
    >>> z, mean, scale = normalize_blocks(torch.arange(8.0).reshape(1, 1, 8), block=4)
    >>> mean[0, 0].tolist()
    [1.5, 1.5, 1.5, 1.5, 5.5, 5.5, 5.5, 5.5]
    """
    n_times = x.shape[-1]
    padded = F.pad(x, (0, -n_times % block), mode="replicate")
    blocks = padded.unflatten(-1, (-1, block))
    mean = blocks.mean(dim=-1, keepdim=True).expand_as(blocks).flatten(-2)[..., :n_times]
    spread = blocks.std(dim=-1, keepdim=True, correction=0) + floor
    spread = spread.expand_as(blocks).flatten(-2)[..., :n_times]
    return (x - mean) / spread, mean, spread


def standardize_channels(x, scored):
    """Standardize every channel over the scored positions of the joint batch.

    Parameters
    ----------
    x : tensor of shape (n, channels, positions)
    scored : bool tensor of shape (n, channels, positions)

    Returns
    -------
    tensor of shape (n, channels, positions)
        Zeros where nothing is scored; a constant channel stays one.

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.objective import standardize_channels
    >>> x = torch.tensor([[[1.0, 3.0, 9.0]]])
    >>> standardize_channels(x, x < 5)
    tensor([[[-1.,  1.,  0.]]])
    """

    def mean(values):
        return total(torch.where(scored, values, 0.0).sum(dim=(0, 2))) / count

    count = total(scored.sum(dim=(0, 2))).clamp(min=1)
    centered = x - mean(x)[:, None]
    spread = (mean(centered.square()) + STEADY).sqrt()
    return torch.where(scored, centered / spread[:, None], 0.0)


def masked_likelihood(prediction, target, scored, log_sigma):
    """Compute the Gaussian log-likelihood of masked samples (Barber-Agakov bound).

    Parameters
    ----------
    prediction, target : tensors of shape (n, n_leads, n_times)
        Or any other three dimensions, such as those of feature maps.
    scored : bool tensor of shape (n, n_leads, n_times)
    log_sigma : scalar tensor
        Logarithm of the learned standard deviation of the residuals.

    Returns
    -------
    loss : scalar tensor
        Negative log-likelihood per masked sample, in nats, without its constant.
    bound : scalar tensor
        ``log(var / mse) / 2``: the Gaussian predictive information [1]_ of the unmasked signal
        about a masked sample, in nats, over the best constant predictor; zero for a decoder that
        predicts the mean.

    References
    ----------
    .. [1] Y. Xu et al., "A theory of usable information under computational constraints",
       ICLR 2020.

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.objective import masked_likelihood
    >>> x = torch.tensor([[[1.0, -1.0]]])
    >>> hidden = torch.ones_like(x, dtype=torch.bool)
    >>> masked_likelihood(0 * x, x, hidden, torch.tensor(0.0))[1].item()
    0.0
    """
    error = torch.where(scored, prediction.float() - target, 0.0)
    target = torch.where(scored, target, 0.0)
    count, first, squares = total(torch.stack([scored.sum(), target.sum(), error.square().sum()]))
    n = count.clamp(min=1)
    spread = torch.where(scored, target - first / n, 0.0).square().sum()
    mse, variance = squares / n, total(spread) / n
    loss = (mse / (2 * torch.exp(2 * log_sigma)) + log_sigma) * (count > 0)
    tiny = torch.finfo(mse.dtype).tiny
    bound = 0.5 * torch.log((variance + tiny) / (mse + tiny))
    return loss, bound
