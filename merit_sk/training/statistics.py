"""What a pretrained network keeps of recordings: statistics of its batch norms and features."""

import numpy as np
import torch

from ..inference.embed import embed_windows
from ..nn.collective import JointBatchNorm1d, rank, world_size
from ..nn.device import seed_random
from .augment import disturb, keep_lead_set, vary

SIMULATED = "simulated"
MAX_STATISTICS = 2048
BATCH = 64


def learn_statistics(model, recordings, rows, sources, settings):
    """Take statistics from at most 2,048 of some recordings, of real ones if there are any.

    Parameters
    ----------
    model : MeritModel
    recordings : WindowSource
    rows : ndarray of int
        Those that were trained on.
    sources : ndarray or None
        Recordings of a source whose name starts with "simulated" are simulated.
    settings : dict
        Of the training run, see `build_net`.
    """
    if sources is not None:
        real = np.array([not str(source).startswith(SIMULATED) for source in sources[rows]])
        rows = rows[real] if real.any() else rows
    rows = np.random.default_rng(settings["seed"]).permutation(rows)[:MAX_STATISTICS]
    settle_batch_norms(model, recordings, rows, settings["seed"])
    features = embed_windows(model, recordings, "all", settings["batch_size"], rows=np.sort(rows))
    model.learn_statistics(torch.from_numpy(np.unique(features, axis=0)))  # each recording once


@torch.no_grad()
def settle_batch_norms(model, recordings, rows, seed):
    """Give batch norms the mean statistics of batches of whole windows, as texts are aligned with.

    Training leaves those of the last batches, of masked recordings, too, and of any source. Several
    processes share each batch.

    Parameters
    ----------
    model : MeritModel
    recordings : WindowSource
    rows : ndarray of int
    seed : int
    """
    norms = [part for part in model.encoder.modules() if isinstance(part, JointBatchNorm1d)]
    if not norms:
        return
    momentum, device = norms[0].momentum, model.log_sigma.device
    seed_random(seed + rank(), device)
    model.encoder.train()
    n_parts = max(len(rows) // max(BATCH, world_size()), 1)
    for k, joint in enumerate(np.array_split(rows, n_parts)):
        part = np.array_split(joint, world_size())[rank()]
        for norm in norms:
            norm.momentum = 1 / (k + 1)
        signal, n_valid, _ = recordings.windows(part, lambda n_times: 0)
        n_valid = torch.from_numpy(n_valid).to(device)
        signal = vary(torch.from_numpy(signal).to(device), n_valid)
        if model.aligns_full_view:
            signal = keep_lead_set(disturb(signal, n_valid), recordings.spec.leads)
        model.encoder(signal, n_valid)
    for norm in norms:
        norm.momentum = momentum
    model.encoder.eval()
