"""The one-dimensional xresnet of the PTB-XL benchmark."""

import torch
from torch import nn
from torch.nn import functional as F

from .collective import JointBatchNorm1d, world_size
from .conv import HalveTime, TimeConv
from .padding import blanked, inside
from .pooling import pool
from .rows import alone

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
WIDTH, KERNEL, HIDDEN = 64, 5, 128


def _convolution(n_in, n_out, kernel, stride=1, relu=True):
    parts = [
        TimeConv(n_in, n_out, kernel, stride, kernel // 2, bias=False),
        JointBatchNorm1d(n_out),
    ]
    return nn.Sequential(*parts, *([nn.ReLU()] if relu else []))


class _Block(nn.Module):
    """Two convolutions, or with ``expansion`` 4 a bottleneck of three, beside a shortcut."""

    def __init__(self, n_in, expansion, stride):
        super().__init__()
        n_out = expansion * WIDTH
        if expansion == 1:
            self.body = nn.Sequential(
                _convolution(n_in, WIDTH, KERNEL, stride),
                _convolution(WIDTH, n_out, KERNEL, relu=False),
            )
        else:
            self.body = nn.Sequential(
                _convolution(n_in, WIDTH, 1),
                _convolution(WIDTH, WIDTH, KERNEL, stride),
                _convolution(WIDTH, n_out, 1, relu=False),
            )
        nn.init.zeros_(self.body[-1][1].weight)
        shortcut = [HalveTime()] if stride > 1 else []
        if n_in != n_out:
            shortcut.append(_convolution(n_in, n_out, 1, relu=False))
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


class XResNet1d(nn.Module):
    """Residual network with the refinements of He et al. [1]_, as the benchmark [2]_ uses it.

    A stem of three convolutions, averaging before strided shortcuts, blocks that begin as the
    identity; kernels of 5 samples and 64 channels (four times that between bottlenecks) at every
    depth.

    Parameters
    ----------
    n_leads : int
    depth : {18, 34, 50, 101}

    References
    ----------
    .. [1] T. He et al., "Bag of tricks for image classification with convolutional neural
       networks", CVPR 2019.
    .. [2] N. Strodthoff et al., "Deep learning for ECG analysis: Benchmarks and insights from
       PTB-XL", IEEE Journal of Biomedical and Health Informatics 25(5), 2021.

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.xresnet import XResNet1d
    >>> [(features, valid)] = XResNet1d(12, 18)(torch.zeros(2, 12, 250), torch.full((2,), 250))
    >>> features.shape
    torch.Size([2, 64, 8])
    """

    windows_at_once = 128

    def __init__(self, n_leads, depth):
        super().__init__()
        expansion = 4 if depth >= 50 else 1
        self.stem = nn.Sequential(
            _convolution(n_leads, 32, KERNEL, stride=2),
            _convolution(32, 32, KERNEL),
            _convolution(32, WIDTH, KERNEL),
            nn.MaxPool1d(3, 2, 1),
        )
        blocks, n_in = [], WIDTH
        for stage, n_blocks in enumerate(BLOCKS[depth]):
            for i in range(n_blocks):
                blocks.append(_Block(n_in, expansion, 2 if stage and i == 0 else 1))
                n_in = expansion * WIDTH
        self.blocks = nn.Sequential(*blocks)
        self.n_features = n_in
        self.apply(_initialize)

    def forward(self, x, n_valid):
        """The last map, as the only one: ``[(features (n, width, positions), valid)]``."""
        x = self.blocks(self.stem(blanked(x, inside(x.shape[-1], n_valid))))
        return [(x, inside(x.shape[-1], -(-n_valid // 32)))]


class ConcatPoolHead(nn.Module):
    """Mean and maximum over time, then one hidden layer, with dropout.

    Parameters
    ----------
    n_features, n_classes : int
    """

    def __init__(self, n_features, n_classes):
        super().__init__()
        self.layers = nn.Sequential(
            _RowNorm(2 * n_features), nn.Dropout(0.25), nn.Linear(2 * n_features, HIDDEN),
            nn.ReLU(), _RowNorm(HIDDEN), nn.Dropout(0.5), nn.Linear(HIDDEN, n_classes),
        )  # fmt: skip
        self.apply(_initialize)

    def forward(self, maps, voltages):
        mean, maximum, _ = pool(*maps[-1])
        x = torch.cat([mean, maximum], dim=1)
        for layer in self.layers:
            linear = isinstance(layer, nn.Linear)
            x = alone(layer, x, training=self.training) if linear else layer(x)
        return x


class _RowNorm(JointBatchNorm1d):
    """Batch normalization of rows; a batch of one row is normalized by the running statistics."""

    def forward(self, x):
        if self.training and len(x) * world_size() == 1:
            return F.batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(x[..., None])[..., 0]


def _initialize(module):
    if isinstance(module, (nn.Conv1d, nn.Linear)):
        nn.init.kaiming_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
