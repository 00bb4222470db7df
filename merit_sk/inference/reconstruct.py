"""Filling in hidden parts of recordings."""

import numpy as np
from sklearn.utils import Bunch


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

    from ..nn.objective import normalize_blocks
    from ..nn.padding import held

    device = model.log_sigma.device
    signal, n_valid, _ = source.windows(np.arange(len(source)), lambda n_times: 0)
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(rng.randint(np.iinfo(np.int32).max))
        x = torch.from_numpy(signal).to(device)
        n_valid = torch.from_numpy(n_valid).to(device)
        hidden = model.hide(x, n_valid)
        maps = model.encoder.visible(x, hidden, n_valid)
        _, mean, spread = normalize_blocks(held(x, n_valid), model.config.block_samples)
        filled = model.decoder(maps, hidden, n_valid) * spread + mean
        filled = torch.where(hidden, filled, x).cpu().numpy()
    return Bunch(signal=signal, reconstruction=filled, mask=hidden.cpu().numpy())
