"""Embedding recordings with a trained network."""

from functools import partial

import numpy as np

from ..signals._prefetch import load_ahead
from ..signals._quality import warn_about_unit
from .out_of_memory import fitting


def embed_windows(
    model, source, readout, batch_size, *, rows=None, aggregate="mean", verbose=False
):
    """Embed every recording as the mean (or maximum) of its windows' read-outs.

    A batch that does not fit into the memory of an accelerator is halved and tried again.

    Parameters
    ----------
    model : MeritModel
    source : WindowSource
    readout : {"all", "stages", "last", "projected"} or None
        As :class:`~merit_sk.MeritEmbedder` has it; None is what a classifier gives.
    batch_size : int
    rows : ndarray of int or None, default=None
        Recordings to embed; None is all.
    aggregate : {"mean", "max"}, default="mean"
        What is taken over the windows of a recording.
    verbose : bool, default=False
        Whether to show a progress bar.

    Returns
    -------
    Z : ndarray of shape (n_samples, n_features), float32
    """
    import torch
    from tqdm.auto import tqdm

    rows = np.arange(len(source)) if rows is None else rows
    device = next(model.encoder.parameters()).device
    batches = [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]
    windows = load_ahead(partial(_load, source), batches, accelerator=device.type != "cpu")
    parts = []
    with torch.inference_mode(), tqdm(total=len(rows), disable=not verbose, unit="ECG") as bar:
        for batch, loaded in zip(batches, windows, strict=True):
            *inputs, deviation, owner = loaded
            if not parts:
                warn_about_unit(deviation)
            z, batch_size = fitting(partial(_read_out, model, inputs, readout), batch_size)
            parts.append(_aggregated(z, owner, aggregate))
            bar.update(len(batch))
    return np.concatenate(parts)


def embed_once(cache, model, source, readout, batch_size, *, verbose=False):
    """As `embed_windows`, but recordings that were embedded before are taken from a cache.

    Parameters
    ----------
    cache : True or path-like
        See :class:`~merit_sk.inference.cache.EmbeddingCache`.
    """
    from .cache import EmbeddingCache, model_key, recording_keys

    key = model_key(
        model, window=source.spec.to_dict(), readout=readout, batch_size=batch_size,
        device=next(model.encoder.parameters()).device.type,
    )  # fmt: skip

    def embed(rows):
        return embed_windows(model, source, readout, batch_size, rows=rows, verbose=verbose)

    return EmbeddingCache(cache, key).rows(recording_keys(source), embed)


def _load(source, rows):
    """Windows, their lengths, voltages and deviations, and the positions of their recordings."""
    signal, n_valid, deviation, owner = source.all_windows(rows)
    return signal, n_valid, source.spec.voltages(signal, n_valid, deviation), deviation, owner


def _read_out(model, inputs, readout, batch_size):
    """Read-outs in batches of one size, so that no recording depends on the number of others.

    A CPU computes as many windows together as the encoder can without mixing their roundings, and
    as fit into its cache.
    """
    import torch

    device = next(model.encoder.parameters()).device
    n_windows = len(inputs[0])
    if device.type == "cpu":
        batch_size = min(batch_size, model.encoder.windows_at_once)
    padding = -n_windows % batch_size
    if padding:
        inputs = [
            np.concatenate([part, np.full((padding, *part.shape[1:]), fill, part.dtype)])
            for part, fill in zip(inputs, (0, 1, 0), strict=True)
        ]
    out = []
    for i in range(0, len(inputs[0]), batch_size):
        signal, n_valid, voltages = (
            torch.from_numpy(part[i : i + batch_size]).to(device) for part in inputs
        )
        maps = model.encoder(signal, n_valid)
        out.append(model.read_out(maps, readout, voltages).cpu().numpy())
    return np.concatenate(out)[:n_windows]


def _aggregated(z, owner, aggregate):
    """Mean or maximum over the windows of every recording."""
    n_rows = owner[-1] + 1
    if len(owner) == n_rows:
        return z
    if aggregate == "max":
        highest = np.full((n_rows, z.shape[1]), -np.inf, dtype=np.float32)
        np.maximum.at(highest, owner, z)
        return highest
    total = np.zeros((n_rows, z.shape[1]))
    np.add.at(total, owner, z)
    return (total / np.bincount(owner)[:, None]).astype(np.float32)
