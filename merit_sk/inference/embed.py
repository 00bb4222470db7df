"""Embedding recordings with a trained network."""

from functools import partial

import numpy as np

from ..signals._prefetch import load_ahead
from ..signals._quality import warn_about_unit
from .out_of_memory import fitting


def embed_windows(
    model, source, readout, batch_size, *, rows=None, aggregate="mean", precision="float32",
    verbose=False,
):  # fmt: skip
    """Embed every recording as the mean (or maximum) of its windows' read-outs.

    Memory is bounded by the windows of a batch, or of ten minutes of one recording, however long
    the recordings are. A batch that does not fit into the memory of an accelerator is halved and
    tried again.

    Parameters
    ----------
    model : MeritModel
    source : WindowSource
    readout : {"all", "stages", "last", "projected"} or None
        As :class:`~merit_sk.MeritEmbedder` has it; None is what a classifier gives. The average
        of ``"projected"``, which are unit vectors, is made one again.
    batch_size : int
        Windows that go through the network at once.
    rows : ndarray of int or None, default=None
        Recordings to embed; None is all.
    aggregate : {"mean", "max"}, default="mean"
        What is taken over the windows of a recording.
    precision : {"float32", "bfloat16"}, default="float32"
        What the encoder computes in; the read-out is in float32.
    verbose : bool, default=False
        Whether to show a progress bar.

    Returns
    -------
    Z : ndarray of shape (n_samples, n_features), float32
    """
    rows = np.arange(len(source)) if rows is None else rows
    n_windows = source.n_windows(rows)
    out, open_rows = None, {}
    read_out = partial(_read_out, model, readout, precision)
    for owner, _, z in _read_outs(model, read_out, source, batch_size, rows, verbose):
        out = np.empty((len(rows), z.shape[1]), dtype=np.float32) if out is None else out
        single = n_windows[owner] == 1
        out[owner[single]] = z[single]
        for row in np.unique(owner[~single]):
            taken = open_rows.setdefault(row, _Aggregate(aggregate))
            taken.add(z[owner == row])
            if taken.n == n_windows[row]:
                out[row] = open_rows.pop(row).value()
                if readout == "projected":
                    out[row] /= max(np.linalg.norm(out[row]), np.finfo(np.float32).tiny)
    return out


def embed_each_window(
    model, source, readout, batch_size, *, rows=None, precision="float32", verbose=False
):
    """Embed every window of every recording, one recording after the other.

    Memory holds the windows of one recording.

    Parameters
    ----------
    model, source, readout, batch_size, rows, precision, verbose
        See `embed_windows`.

    Yields
    ------
    row : int
        Which recording.
    start : ndarray of shape (n_windows,)
        Where each window begins, in seconds. The last one ends with the recording, so that it may
        overlap with the one before.
    Z : ndarray of shape (n_windows, n_features), float32
    """
    rows = np.arange(len(source)) if rows is None else rows
    n_windows, parts, n_done = source.n_windows(rows), [], 0
    position, read_out = 0, partial(_read_out, model, readout, precision)
    for owner, start, z in _read_outs(model, read_out, source, batch_size, rows, verbose):
        while len(owner):
            here = np.searchsorted(owner, position, side="right")
            parts.append((start[:here], z[:here]))
            n_done += here
            owner, start, z = owner[here:], start[here:], z[here:]
            if n_done == n_windows[position]:
                start_of, z_of = (np.concatenate(part) for part in zip(*parts, strict=True))
                yield int(rows[position]), start_of / source.spec.sampling_rate, z_of
                position, parts, n_done = position + 1, [], 0


def embed_once(cache, model, source, readout, batch_size, *, precision="float32", verbose=False):
    """Embed as `embed_windows` does, but take what was embedded before from a cache.

    Parameters
    ----------
    cache : True or path-like
        See :class:`~merit_sk.inference.cache.EmbeddingCache`.
    """
    from .cache import EmbeddingCache, model_key, recording_keys

    key = model_key(
        model, window=source.spec.to_dict(), readout=readout, batch_size=batch_size,
        device=next(model.encoder.parameters()).device.type, precision=precision,
    )  # fmt: skip

    def embed(rows):
        return embed_windows(
            model, source, readout, batch_size, rows=rows, precision=precision, verbose=verbose
        )

    return EmbeddingCache(cache, key).rows(recording_keys(source), embed)


class _Aggregate:
    """Mean or maximum over windows that come in parts."""

    def __init__(self, kind):
        self.kind, self.n, self.state = kind, 0, None

    def add(self, z):
        join, start = (np.maximum, -np.inf) if self.kind == "max" else (np.add, 0.0)
        if self.state is None:
            self.state = np.full(z.shape[1], start)
        for row in z:
            join(self.state, row, out=self.state)
        self.n += len(z)

    def value(self):
        return self.state if self.kind == "max" else self.state / self.n


def _read_outs(model, read_out, source, batch_size, rows, verbose):
    """Read-outs of all windows, in order: positions of their recordings, first samples, rows."""
    from tqdm.auto import tqdm

    accelerator = next(model.encoder.parameters()).device.type != "cpu"
    batches = source.batches(rows, batch_size)
    waiting, n_done = None, 0
    with tqdm(total=len(rows), disable=not verbose, unit="ECG") as bar:
        for *windows, deviation in load_ahead(
            partial(_load, source, rows), batches, accelerator=accelerator
        ):
            if waiting is None:
                warn_about_unit(deviation)
            waiting = windows if waiting is None else _joined(waiting, windows)
            n_whole = len(waiting[0]) // batch_size * batch_size
            if n_whole:
                whole, waiting = [[part[s] for part in waiting] for s in
                                  (slice(n_whole), slice(n_whole, None))]  # fmt: skip
                found, batch_size = _run(read_out, whole, batch_size)
                bar.update(int(found[0][-1]) - n_done)
                n_done = int(found[0][-1])
                yield found
        if waiting is not None and len(waiting[0]):
            yield _run(read_out, waiting, batch_size)[0]
        bar.update(len(rows) - n_done)


def _run(read_out, waiting, batch_size):
    import torch

    *inputs, owner, start = waiting
    with torch.inference_mode():
        z, batch_size = fitting(partial(read_out, inputs), batch_size)
    return (owner, start, z), batch_size


def _joined(a, b):
    pairs = zip(a, b, strict=True)
    return [np.concatenate(parts) if len(parts[0]) else parts[1] for parts in pairs]


def _load(source, rows, batch):
    """Windows, their lengths, voltages, recordings' positions, first samples, and deviations."""
    positions, part = batch
    signal, n_valid, deviation, owner = source.all_windows(rows[positions], part)
    voltages = source.spec.voltages(signal, n_valid, deviation)
    start = np.concatenate([source.spec.starts(n)[part] for n in source.lengths[rows[positions]]])
    return signal, n_valid, voltages, positions[owner], start, deviation


def _read_out(model, readout, precision, inputs, batch_size):
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
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            maps = model.encoder(signal, n_valid)
        out.append(model.read_out(maps, readout, voltages).cpu().numpy())
    return np.concatenate(out)[:n_windows]
