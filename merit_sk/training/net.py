"""The skorch net that pretrains a MERIT model."""

import math
import warnings

import torch
from skorch import NeuralNet
from skorch.callbacks import (
    Callback,
    GradientNormClipping,
    LRScheduler,
    ParamMapper,
    PassthroughScoring,
    PrintLog,
    ProgressBar,
)
from skorch.helper import predefined_split
from torch.optim.lr_scheduler import LambdaLR

from ..nn.collective import average_gradients, first, rank
from .augment import crop, disturb, keep_lead_set, vary
from .batches import Batches

BOUNDS = ("mi_signal", "mi_text")
CHANGE_TRAINING = (LRScheduler, ParamMapper, GradientNormClipping)


class PretrainNet(NeuralNet):
    """Neural net whose loss and bounds are computed by the module itself.

    Augments training batches, runs the module under the chosen precision, and records both
    mutual-information bounds of every batch for skorch's history. ``batches_`` knows how far
    training has come; ``fit_loop`` goes on from there.
    """

    def __init__(self, *args, precision="float32", seed=0, **kwargs):
        super().__init__(*args, **kwargs)
        self.precision, self.seed = precision, seed

    def fit_loop(self, X, y=None, epochs=None, **fit_params):
        self.completed_ = False
        done = self.batches_.step // len(self.batches_)
        super().fit_loop(X, y, self.max_epochs - done, **fit_params)
        self.completed_ = True
        return self

    def partial_fit(self, X, y=None, **fit_params):
        if not self.initialized_:
            self.initialize()
        self.batches_ = self._batches(X, training=True)
        return super().partial_fit(X, y, **fit_params)

    def get_iterator(self, dataset, training=False):
        if training:
            return self.batches_
        return self._batches(dataset, training=False)

    def _batches(self, data, training):
        accelerator = torch.device(self.device).type != "cpu"
        return Batches(data, self.batch_size, self.seed, training, accelerator)

    def on_epoch_begin(self, net, **kwargs):
        if self.batches_.step % len(self.batches_) == 0:
            super().on_epoch_begin(net, **kwargs)

    def notify(self, method_name, **kwargs):
        """Tell the callbacks; all processes stop where one of them has a reason to."""
        if method_name != "on_epoch_end":
            return super().notify(method_name, **kwargs)
        self.history.record("train_batch_count", len(self.batches_))
        reason = None
        try:
            super().notify(method_name, **kwargs)
        except (Exception, KeyboardInterrupt) as error:
            reason = error
        reason = first(reason)
        if reason is not None:
            self.completed_ = isinstance(reason, KeyboardInterrupt)
            raise reason

    def placed(self, inputs):
        """Return signals and lengths of a batch on the device of the network."""
        return (inputs[name].to(self.device, non_blocking=True) for name in ("signal", "n_valid"))

    def views(self, inputs):
        """Return the augmented inputs of a training batch."""
        signal, n_valid = self.placed(inputs)
        signal = vary(signal, n_valid)
        if not self.module_.aligns_full_view:
            return {"signal": signal}
        if self.module_.encoder.any_length:
            signal, n_valid = crop(signal, n_valid, self.module_.config.block_samples)
        leads = self.batches_.data.recordings.spec.leads
        view = keep_lead_set(disturb(signal, n_valid), leads)
        out = {"signal": signal, "n_valid": n_valid}
        if "voltages" in inputs:
            voltages = inputs["voltages"].to(self.device)
            kept = view.any(dim=2).repeat_interleave(voltages.shape[1] // view.shape[1], dim=1)
            out["voltages"] = voltages * kept
        return out | {"view": view}

    def train_step_single(self, batch, **fit_params):
        inputs, y = batch
        step = super().train_step_single((inputs | self.views(inputs), y), **fit_params)
        average_gradients(self.module_.parameters())
        return step

    def infer(self, x, **fit_params):
        device = torch.device(self.device).type
        with torch.autocast(device, torch.bfloat16, enabled=self.precision == "bfloat16"):
            return super().infer(x, **fit_params)

    def get_loss(self, y_pred, y_true, X=None, training=False):
        for name in BOUNDS:
            if name in y_pred:
                prefix = "" if training else "valid_"
                self.history.record_batch(prefix + name, y_pred[name].item())
        return y_pred["loss"]

    def load_params(self, *args, checkpoint=None, **kwargs):
        """As skorch does, but a run stopped before its first checkpoint keeps its weights."""
        try:
            super().load_params(*args, checkpoint=checkpoint, **kwargs)
        except (FileNotFoundError, IndexError, KeyError):
            if checkpoint is None:
                raise
            warnings.warn(
                "training stopped before a checkpoint was written: the last weights are kept",
                UserWarning, stacklevel=3,
            )  # fmt: skip


class FiniteLoss(GradientNormClipping):
    """Clip gradients, and stop with an error before a NaN reaches the weights."""

    def on_grad_computed(self, net, named_parameters, **kwargs):
        norm = torch.nn.utils.clip_grad_norm_(
            [p for _, p in named_parameters if p.grad is not None], self.gradient_clip_value
        )
        if not torch.isfinite(norm):
            raise FloatingPointError(
                "training diverged: the gradient is not finite. Lower lr, or check the signals "
                "for extreme values."
            )


class Averaging(Callback):
    """Average the weights in the model's teachers, after every step."""

    def on_batch_end(self, net, training=False, **kwargs):
        if training:
            net.module_.teachers_follow()


def warmup_cosine(n_steps, warmup=0.05):
    """Factor on the learning rate: linear warm-up, then half a cosine to zero.

    Examples
    --------
    >>> from merit_sk.training.net import warmup_cosine
    >>> factor = warmup_cosine(100)
    >>> [round(factor(step), 3) for step in (0, 5, 52, 100)]
    [0.2, 1.0, 0.508, 0.0]
    """
    n_warm = max(round(warmup * n_steps), 1)

    def factor(step):
        if step < n_warm:
            return (step + 1) / n_warm
        progress = min((step - n_warm) / max(n_steps - n_warm, 1), 1.0)
        return 0.5 * (1 + math.cos(math.pi * progress))

    return factor


def build_net(
    model, train, valid, *, bounds=(), settings, callbacks, checkpoints=None, verbose=0,
    net=PretrainNet,
):  # fmt: skip
    """Compose the net for one call of ``fit``.

    Parameters
    ----------
    model : MeritModel or ClassifierModel
    train : Windows
    valid : Windows or None
    bounds : sequence of {"mi_signal", "mi_text"}, default=()
        What this run can measure.
    settings : dict
        ``max_epochs``, ``batch_size``, ``lr``, ``weight_decay``, ``device``, ``precision``,
        ``seed``, and others that the net takes.
    callbacks : list of skorch callbacks
        A learning-rate scheduler among them replaces ours. Of several processes, only the first
        runs those that do not change training (they write, print or decide when to stop).
    checkpoints : Checkpoints or None, default=None
    verbose : int, default=0
        0 is silent, 1 prints the epochs, 2 adds a bar over the batches.
    net : type, default=PretrainNet
    """
    main = rank() == 0
    callbacks = [c for c in callbacks if main or isinstance(_bare(c), CHANGE_TRAINING)]
    steps = [("clip", FiniteLoss(gradient_clip_value=1.0))]
    if getattr(model, "has_teachers", False):
        steps.append(("teachers", Averaging()))
    if not any(isinstance(_bare(c), LRScheduler) for c in callbacks):
        n_steps = settings["max_epochs"] * len(Batches(train, settings["batch_size"], 0, True))
        policy = dict(lr_lambda=warmup_cosine(n_steps), step_every="batch")
        steps.append(("schedule", LRScheduler(LambdaLR, **policy)))
    for name in bounds:
        steps.append((name, PassthroughScoring(name, lower_is_better=False, on_train=True)))
        if valid is not None:
            steps.append((f"valid_{name}", PassthroughScoring(f"valid_{name}", False)))
    if verbose > 1 and main:
        steps.append(("progress", ProgressBar()))
    if checkpoints is not None:
        callbacks = [*callbacks, ("checkpoints", checkpoints)]
    return net(
        model,
        criterion=torch.nn.Identity,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=settings["weight_decay"],
        train_split=None if valid is None else predefined_split(valid),
        callbacks=[*steps, *callbacks],
        callbacks__print_log=PrintLog() if verbose and main else None,
        verbose=verbose,
        **{k: v for k, v in settings.items() if k != "weight_decay"},
    )


def _bare(callback):
    return callback[1] if isinstance(callback, tuple) else callback


def epoch_history(net):
    """One plain dict per epoch: losses and bounds of training and validation, and duration.

    Returns
    -------
    list of dict
    """
    kept = ("train_loss", "valid_loss", *BOUNDS, *(f"valid_{b}" for b in BOUNDS), "dur")
    return [
        {"epoch": row["epoch"]} | {k: float(row[k]) for k in kept if k in row}
        for row in net.history
        if "train_loss" in row
    ]
