"""What a pretrained network keeps of recordings: statistics of its batch norms and features."""

import numpy as np
import torch

from ..inference.embed import embed_windows
from ..nn.collective import JointBatchNorm1d

SIMULATED = "simulated"
MAX_STATISTICS = 2048


def learn_statistics(model, source, origins, settings):
    """Take statistics from at most 2,048 recordings, of real ones if there are any.

    Batch norms have those of the last batches of training: of masked recordings and few leads, from
    whatever origin they were. They take those of whole recordings instead.

    Parameters
    ----------
    model : MeritModel
    source : WindowSource
    origins : ndarray or None
        Recordings of an origin whose name starts with "simulated" are simulated.
    settings : dict
        Of the training run, see `build_net`.
    """
    rows = np.arange(len(source))
    if origins is not None:
        real = np.array([not str(origin).startswith(SIMULATED) for origin in origins])
        rows = rows[real] if real.any() else rows
    rows = np.random.default_rng(settings["seed"]).permutation(rows)[:MAX_STATISTICS]
    settle_batch_norms(model, source, rows, settings["batch_size"])
    features = embed_windows(model, source, "all", settings["batch_size"], rows=np.sort(rows))
    model.learn_statistics(torch.from_numpy(np.unique(features, axis=0)))  # each recording once


@torch.no_grad()
def settle_batch_norms(model, source, rows, batch_size):
    """Give batch norms the mean statistics of batches of whole recordings."""
    norms = [part for part in model.encoder.modules() if isinstance(part, JointBatchNorm1d)]
    if not norms:
        return
    momentum, device = norms[0].momentum, model.log_sigma.device
    model.encoder.train()
    for k, part in enumerate(np.array_split(rows, max(len(rows) // batch_size, 1))):
        for norm in norms:
            norm.momentum = 1 / (k + 1)
        signal, n_valid, _ = source.windows(part, lambda n_times: 0)
        model.encoder(torch.from_numpy(signal).to(device), torch.from_numpy(n_valid).to(device))
    for norm in norms:
        norm.momentum = momentum
    model.encoder.eval()
