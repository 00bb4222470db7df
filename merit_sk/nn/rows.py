"""Rows that are computed alone."""

import torch


def alone(compute, rows, *, training):
    """Return ``compute(rows)``, with a call for each row where a CPU evaluates.

    A matrix product may round a row by its place among the others and by their number, as kernels
    for the last few rows of a block, or for rows that are not aligned in memory, add up in another
    order. Called with one row at a time, always at the start of a memory block, there are no others
    and there is no place. In training, where rows are learned from together, on accelerators, where
    single rows are slow, and in a graph that is exported for any number of rows, it is one call.

    Parameters
    ----------
    compute : callable
        From a tensor of rows to one of as many rows.
    rows : tensor of shape (n, ...)
    training : bool

    Returns
    -------
    tensor of shape (n, ...)

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.rows import alone
    >>> linear, rows = torch.nn.Linear(10, 3), torch.ones(4, 10)
    >>> same = alone(linear, rows, training=False)
    >>> bool((same == same[0]).all())
    True
    """
    if training or torch.compiler.is_compiling() or rows.device.type != "cpu" or len(rows) == 0:
        return compute(rows)
    return torch.cat([compute(row.clone()) for row in rows.split(1)])
