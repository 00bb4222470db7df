"""Filling in hidden parts of recordings."""

import numpy as np
from sklearn.utils import Bunch

WINDOWS_AT_ONCE = 64


def reconstruct_windows(model, source, rng):
    """Hide part of the first window of each recording and fill it in from the rest.

    Parameters
    ----------
    model : MeritModel
    source : WindowSource
    rng : RandomState instance

    Returns
    -------
    result : Bunch
        See :meth:`~merit_sk.MeritEmbedder.reconstruct`.
    """
    import torch

    from ..nn.device import running

    device, parts = model.log_sigma.device, []
    with running(device, seed=rng.randint(np.iinfo(np.int32).max)), torch.inference_mode():
        for start in range(0, len(source), WINDOWS_AT_ONCE):
            rows = np.arange(start, min(start + WINDOWS_AT_ONCE, len(source)))
            parts.append(_fill_in(model, *source.windows(rows, lambda n_times: 0)[:2]))
    signal, filled, mask = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Bunch(signal=signal, reconstruction=filled, mask=mask)


def _fill_in(model, signal, n_valid):
    import torch

    from ..nn.objective import normalize_blocks
    from ..nn.padding import held

    device = model.log_sigma.device
    x = torch.from_numpy(signal).to(device)
    n_valid = torch.from_numpy(n_valid).to(device)
    hidden = model.hide(x, n_valid)
    maps = model.encoder.visible(x, hidden, n_valid)
    _, mean, spread = normalize_blocks(held(x, n_valid), model.config.block_samples)
    filled = model.decoder(maps, hidden, n_valid) * spread + mean
    filled = torch.where(hidden, filled, x).cpu().numpy()
    return signal, filled, hidden.cpu().numpy()
