"""Checkpoints of a training run: one file, written atomically, without pickled code."""

import hashlib
import json
import numbers
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock, Timeout
from skorch.callbacks import Callback
from skorch.history import History

from .. import __version__
from ..nn.checkpoint import write_bytes
from ..nn.collective import rank, share

FORMAT = 2  # since then with a checksum
NAME = "training.safetensors"
SECONDS = 300.0


def describe_run(
    parameters, *, window, encoder, recordings, reports, sources, statements, weights, n_processes
):
    """Describe what two calls of ``fit`` must have in common for one to continue the other.

    Parameters
    ----------
    parameters : dict
        Parameters of the estimator; those that do not affect the training are left out.
    window, encoder : dict
    recordings : WindowSource
    reports : ndarray of str or None
    sources : ndarray or None
    statements : DataFrame or None
    weights : bytes or None
        Weights of a warm start.
    n_processes : int

    Returns
    -------
    dict from names to plain values
    """
    left_out = ("encoder", "readout", "leads", "sampling_rate", "duration", "device", "n_jobs",
                "verbose", "callbacks", "checkpoint_dir", "cache", "warm_start",
                "inference_precision")  # fmt: skip
    run = {k: v for k, v in parameters.items() if k not in left_out}
    if not isinstance(run["random_state"], numbers.Integral):
        run["random_state"] = None
    run |= {f"encoder.{k}": v for k, v in encoder.items()} | window
    run |= {
        "version of merit_sk": __version__,
        "number of recordings": len(recordings),
        "fingerprint of the recordings": _fingerprint(recordings.X),
        "sampling rate of the recordings": recordings.sampling_rate,
        "leads that are read": list(recordings.leads.used),
        "fingerprint of the reports": None if reports is None else _digest(*map(str, reports)),
        "fingerprint of the sources": None if sources is None else _digest(*map(str, sources)),
        "fingerprint of the statements": None
        if statements is None
        else _digest(*statements, statements.to_numpy().tobytes().hex()),
        "fingerprint of the starting weights": weights and hashlib.sha256(weights).hexdigest(),
        "number of processes": n_processes,
    }
    return json.loads(json.dumps(run, default=_plain_number))


def _fingerprint(X):
    if not isinstance(X, np.ndarray):
        return X._fingerprint()
    digest = hashlib.sha256(repr((X.shape, X.dtype.str)).encode())
    for x in X:
        digest.update(np.ascontiguousarray(x))
    return digest.hexdigest()


def _digest(*texts):
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _plain_number(value):
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) else str(value)


@dataclass
class TrainingState:
    """State of a training run at one step.

    Attributes
    ----------
    run : dict
        See `describe_run`.
    seed, step : int
        Seed and number of batches so far; all random numbers follow from them.
    finished : bool
    net : dict
        History, and states of optimizer and callbacks, as plain values.
    tensors : dict of str to tensor
    """

    run: dict
    seed: int
    step: int = 0
    finished: bool = False
    net: dict = field(default_factory=dict)
    tensors: dict = field(default_factory=dict)


class Checkpoints(Callback):
    """Callback that saves the state of training after every epoch and every five minutes.

    A context manager: the folder is locked while training goes on in it, and free again whatever
    ends the training.

    Parameters
    ----------
    folder : path-like
        Made if missing.
    run : dict
        See `describe_run`.
    """

    def __init__(self, folder, run):
        self.folder, self.run = Path(folder), run
        self.path, self.lock = self.folder / NAME, FileLock(self.folder / ".lock")
        self.state = None

    def __enter__(self):
        """Take the folder, and read what it holds."""
        if rank() == 0:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                self.lock.acquire(blocking=False)
            except Timeout:
                raise ValueError(
                    f"another process is training in checkpoint_dir={str(self.folder)!r}: wait "
                    "for it, or choose another folder"
                ) from None
        try:
            self.state = share(self._read() if rank() == 0 else None)
        except BaseException:
            self.lock.release()
            raise
        return self

    def _read(self):
        for leftover in self.folder.glob(f".{NAME}.*"):
            leftover.unlink(missing_ok=True)
        if not self.path.exists():
            return None
        state = read_state(self.path)
        differ = [k for k in self.run if state.run.get(k) != self.run[k]]
        if differ:
            what = "; ".join(f"{k} was {state.run.get(k)!r}, now {self.run[k]!r}" for k in differ)
            raise ValueError(
                f"checkpoint_dir={str(self.folder)!r} holds another training: {what}. Choose "
                "another folder, or delete this one."
            )
        return state

    @property
    def finished(self):
        """Whether the run in the folder has finished."""
        return self.state is not None and self.state.finished

    def seed(self, default):
        """Return the seed of the run in the folder, or ``default`` for a new run."""
        return default if self.state is None else self.state.seed

    def on_train_begin(self, net, **kwargs):
        self.written = time.monotonic()
        if self.state is not None:
            restore(net, self.state)
            self.state = None

    def on_batch_end(self, net, training=False, **kwargs):
        ends_epoch = net.batches_.step % len(net.batches_) == 0
        if training and not ends_epoch and time.monotonic() - self.written > SECONDS:
            self.write(net)

    def on_epoch_end(self, net, **kwargs):
        self.write(net)

    def write(self, net, finished=False):
        """Replace the checkpoint by the current state."""
        if rank() == 0:
            write_state(self.path, capture(net, self.run, finished))
        self.written = time.monotonic()

    def restore_finished(self, net):
        """Put weights and history of a finished run into an initialized net."""
        restore_model(net, self.state)

    def __exit__(self, *error):
        """Let other processes train in the folder."""
        self.lock.release()


def capture(net, run, finished=False):
    """Return the state of a net in training."""
    optimizer = net.optimizer_.state_dict()
    tensors = {f"model/{k}": v for k, v in net.module_.state_dict().items()}
    scalars = {}
    for i, values in optimizer["state"].items():
        for name, value in values.items():
            if torch.is_tensor(value):
                tensors[f"optimizer/{i}/{name}"] = value
            else:
                scalars.setdefault(str(i), {})[name] = value
    callbacks = {}
    for name, callback in net.callbacks_:
        fitted = {k: v for k, v in vars(callback).items() if k[-1] == "_" and k[0] != "_"}
        callbacks[name] = {k: _plain(v) for k, v in fitted.items() if _is_plain(v)}
        if hasattr(fitted.get("lr_scheduler_"), "state_dict"):
            schedule = fitted["lr_scheduler_"].state_dict()
            callbacks[name]["lr_scheduler_"] = {
                k: _plain(v) for k, v in schedule.items() if _is_plain(v)
            }
        for key, value in fitted.items():
            if isinstance(value, dict) and value and all(map(torch.is_tensor, value.values())):
                tensors |= {f"callback/{name}/{key}/{k}": v for k, v in value.items()}
    plain = {
        "optimizer": {"param_groups": optimizer["param_groups"], "state": scalars},
        "callbacks": callbacks,
        "history": _without_old_batches(net.history),
    }
    return TrainingState(run, net.seed, net.batches_.step, finished, plain, tensors)


def _without_old_batches(history):
    """Return skorch's history with all batches of the last epoch and one of each earlier epoch."""
    rows = [{**row, "batches": row["batches"][-1:]} for row in history[:-1]]
    return _plain(rows + list(history[-1:]))


def _is_plain(value):
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, str, numbers.Real))


def _plain(value):
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, (bool, str)) else _plain_number(value)


def restore_model(net, state):
    """Load weights and history of a state into an initialized net."""
    model = {k: v for k, v in state.tensors.items() if k.startswith("model/")}
    net.module_.load_state_dict({k.removeprefix("model/"): v for k, v in model.items()})
    net.history = History(state.net["history"])


def restore(net, state):
    """Restore a net that is about to train to a captured state."""
    restore_model(net, state)
    net.batches_.step = state.step
    parts = {"model": {}, "optimizer": {}, "callback": {}}
    for key, tensor in state.tensors.items():
        kind, _, rest = key.partition("/")
        parts[kind][rest] = tensor
    values = {int(i): dict(v) for i, v in state.net["optimizer"]["state"].items()}
    for key, tensor in parts["optimizer"].items():
        i, _, name = key.partition("/")
        values.setdefault(int(i), {})[name] = tensor
    groups = state.net["optimizer"]["param_groups"]
    net.optimizer_.load_state_dict({"state": values, "param_groups": groups})
    for name, callback in net.callbacks_:
        fitted = dict(state.net["callbacks"].get(name, {}))
        schedule = fitted.pop("lr_scheduler_", None)
        if schedule is not None:
            callback.lr_scheduler_.load_state_dict(schedule)
        for key, tensor in parts["callback"].items():
            owner, attribute, weight = key.split("/", 2)
            if owner == name:
                fitted.setdefault(attribute, {})[weight] = tensor
        vars(callback).update(fitted)


def write_state(path, state):
    """Write a state atomically."""
    from safetensors.torch import save

    head = {k: getattr(state, k) for k in ("run", "seed", "step", "finished", "net")}
    head = {"format": "merit_sk training", "format_version": FORMAT, **head}
    tensors = {k: v.detach().cpu().contiguous() for k, v in state.tensors.items()}
    text = json.dumps(head)
    metadata = {"state": text, "sha256": _checksum(text, tensors)}
    write_bytes(path, save(tensors, metadata=metadata))


def _checksum(text, tensors):
    digest = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(repr((name, tensor.dtype, tuple(tensor.shape))).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def read_state(path):
    """Read a state from a file.

    Raises
    ------
    ValueError
        If the file is damaged, foreign, or of a newer or an older format.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            # not a view of the file, which may be replaced while training goes on
            tensors = {k: file.get_tensor(k).clone() for k in file.keys()}
        text = metadata["state"]
        whole = metadata.get("sha256") == _checksum(text, tensors)
        head = json.loads(text)
        known = (head.pop("format"), head.pop("format_version")) == ("merit_sk training", FORMAT)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        raise ValueError(f"{path} is damaged, delete it to train anew: {e}") from e
    if "sha256" in metadata and not whole:
        raise ValueError(f"{path} is damaged, delete it to train anew: its checksum differs")
    if not (known and whole):
        raise ValueError(
            f"{path} is no training checkpoint that this version of merit_sk reads: delete it to "
            "train anew, or choose another checkpoint_dir"
        )
    return TrainingState(**head, tensors=tensors)
