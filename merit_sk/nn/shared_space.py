"""Vectors of recordings in the space that they share with texts."""

import torch
from torch import nn
from torch.nn import functional as F

from ..signals._amplitudes import N_QUARTILES
from .pooling import pool
from .rows import alone

VOLTAGE_WIDTH = 64
SMALL_VOLTAGE = 0.2  # mV: below it the scale is linear, above it logarithmic
STANDARDIZED_SIZE = 4.0


def shared_vectors(maps, project, voltage_layer=None, voltages=None, *, training=False):
    """Unit vectors of recordings, from their last feature map and perhaps their voltages.

    Parameters
    ----------
    maps : list of tuple of (features, valid)
    project : Module
        From pooled maps, and what `voltage_layer` gives, to vectors.
    voltage_layer : VoltageLayer or None, default=None
    voltages : tensor of shape (n, n_voltages) or None, default=None
        None: they are unknown.
    training : bool, default=False
        See `alone`.

    Returns
    -------
    tensor of shape (n, dim)
    """
    mean, maximum, _ = pool(*maps[-1])
    rows = torch.cat([mean, maximum], dim=1)
    if voltage_layer is not None:
        if voltages is None:
            voltages = rows.new_zeros(len(rows), voltage_layer.n_in)
        taken = alone(voltage_layer, voltages, training=training)
        rows = torch.cat([rows, taken.float()], dim=1)
    return F.normalize(alone(project, rows, training=training).float(), dim=1)


class VoltageLayer(nn.Module):
    """Peak voltages on a logarithmic scale, through one layer.

    Parameters
    ----------
    n_leads : int
    """

    def __init__(self, n_leads):
        super().__init__()
        self.n_leads, self.n_in = n_leads, 2 * N_QUARTILES * n_leads
        self.linear = nn.Linear(self.n_in + 1, VOLTAGE_WIDTH)

    def forward(self, voltages):
        return F.relu(self.linear(log_voltages(voltages, self.n_leads)))


def log_voltages(voltages, n_leads):
    """Peak voltages on a logarithmic scale, and whether they are known; zeros if not.

    A recording that was standardized before has no voltages any more: no lead of it is smaller
    than 4 "mV" from peak to peak, which in a recording in mV does not occur. It is as one whose
    voltages are not given.

    Parameters
    ----------
    voltages : tensor of shape (n, n_voltages)
    n_leads : int

    Returns
    -------
    rows : tensor of shape (n, n_voltages + 1)
    """
    peaks = voltages.view(-1, n_leads, 2 * N_QUARTILES)
    size = peaks.amax(dim=2) - peaks.amin(dim=2)
    least = torch.where(size > 0, size, torch.inf).amin(dim=1, keepdim=True)
    known = (least < STANDARDIZED_SIZE).to(voltages)
    return torch.cat([known * torch.asinh(voltages / SMALL_VOLTAGE), known], dim=1)
