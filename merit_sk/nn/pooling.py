"""Pooling of feature maps over time."""

import torch


def pool(x, valid):
    """Mean, maximum and standard deviation (n, width) over valid positions.

    Parameters
    ----------
    x : tensor of shape (n, width, positions)
    valid : bool tensor of shape (n, positions) or None
        None: all are.
    """
    x, padding = x.float(), None
    count = x.shape[2] if valid is None else valid.sum(dim=1, keepdim=True)
    if valid is not None and not bool(valid.all()):
        padding = ~valid[:, None]

    def without_padding(values, fill):
        if padding is None:
            return values
        return values.clone().masked_fill_(padding, fill)  # as values in memory, and in rounding

    maximum = without_padding(x, -torch.inf).amax(dim=2)
    mean = without_padding(x, 0.0).sum(dim=2) / count
    deviation = x - mean[..., None]
    squares = deviation.square() if deviation.requires_grad else deviation.square_()
    squares = without_padding(squares, 0.0).sum(dim=2)
    return mean, maximum, (squares / count + 1e-8).sqrt()
