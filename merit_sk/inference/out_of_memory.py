"""Batches that fit into the memory of an accelerator."""

import warnings


def fitting(call, batch_size):
    """Call with a batch size, halved until the batch fits.

    Parameters
    ----------
    call : callable
        From a batch size to a result.
    batch_size : int

    Returns
    -------
    result : object
        Of the call.
    batch_size : int
        The one that did fit.

    Examples
    --------
    >>> from merit_sk.inference.out_of_memory import fitting
    >>> fitting(lambda size: f"{size} at a time", 64)
    ('64 at a time', 64)
    """
    import torch

    while True:
        try:
            return call(batch_size), batch_size
        except torch.OutOfMemoryError:
            if batch_size == 1:
                raise
            batch_size //= 2
            warnings.warn(
                f"out of memory: going on with batches of {batch_size}", UserWarning, stacklevel=5
            )
