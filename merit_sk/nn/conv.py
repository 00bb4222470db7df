"""Convolutions over time, computed with the channels of a moment side by side in memory.

Maps keep the shape (n, channels, times) of ``torch.nn.Conv1d``; their strides are those of the
channels-last format of images one pixel high, in which convolutions need no reordering.
"""

import torch
from torch import nn
from torch.nn import functional as F


def conv_over_time(x, weight, bias=None, stride=1, padding=0):
    """As ``torch.nn.functional.conv1d``, by a convolution of images one pixel high.

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.conv import conv_over_time
    >>> x, weight = torch.rand(2, 12, 100), torch.rand(16, 12, 5)
    >>> y = conv_over_time(x, weight, stride=2, padding=2)
    >>> torch.allclose(y, torch.conv1d(x, weight, stride=2, padding=2), atol=1e-5)
    True
    """
    image = x.unsqueeze(2).contiguous(memory_format=torch.channels_last)
    return F.conv2d(image, weight.unsqueeze(2), bias, (1, stride), (0, padding)).squeeze(2)


class TimeConv(nn.Conv1d):
    """``torch.nn.Conv1d`` without dilation and groups, see `conv_over_time`."""

    def forward(self, x):
        return self._convolved(x, self.weight, self.bias)

    def normed(self, x, norm, valid):
        """Return ``norm(self(x), valid)``, computed as one convolution where nothing is trained.

        Parameters
        ----------
        x : tensor of shape (n, in_channels, times)
        norm : JointBatchNorm1d
        valid : bool tensor of shape (n, positions) or None
            See the norm.
        """
        if self.training or norm.training:
            return norm(self(x), valid)
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        weight, bias = self.weight * scale[:, None, None], norm.bias - norm.running_mean * scale
        return self._convolved(x, weight, bias if self.bias is None else bias + self.bias * scale)

    def _convolved(self, x, weight, bias):
        if self.in_channels == 1 and not self.training and x.device.type == "cpu":
            # one channel is a matrix product whose rows, shared out among threads, round by their
            # place; beside one of zeros it is a convolution, in which each window is by itself
            x, weight = F.pad(x, (0, 0, 0, 1)), F.pad(weight, (0, 0, 0, 1))
        return conv_over_time(x, weight, bias, self.stride[0], self.padding[0])


class HalveTime(nn.Module):
    """Mean of neighbors, as ``AvgPool1d(2, ceil_mode=True)``, by adding every other sample."""

    def forward(self, x):
        if x.shape[-1] % 2:
            x = F.pad(x, (0, 1), mode="replicate")
        return (x[..., ::2] + x[..., 1::2]) / 2


class ShortcutConv(nn.Sequential):
    """Mean of neighbors and a convolution of kernel size 1, computed as one of kernel size 2."""

    def __init__(self, n_in, n_out):
        super().__init__(HalveTime(), nn.Conv1d(n_in, n_out, 1, bias=False))

    def forward(self, x):
        if x.shape[-1] % 2:
            x = torch.cat([x, x[..., -1:]], dim=-1)
        return conv_over_time(x, (self[1].weight / 2).expand(-1, -1, 2), stride=2)
