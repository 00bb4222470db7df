"""The skorch net that pretrains a MERIT model."""

import math

import torch
from skorch import NeuralNet
from skorch.callbacks import (
    GradientNormClipping,
    LRScheduler,
    PassthroughScoring,
    PrintLog,
    ProgressBar,
)
from skorch.helper import predefined_split
from torch.optim.lr_scheduler import LambdaLR

from .augment import disturb, vary

BOUNDS = ("mi_signal", "mi_text")


class PretrainNet(NeuralNet):
    """Neural net whose loss and bounds are computed by the module itself.

    Augments training batches, runs the module under the chosen precision, and records both
    mutual-information bounds of every batch for skorch's history.
    """

    def __init__(self, *args, precision="float32", **kwargs):
        super().__init__(*args, **kwargs)
        self.precision = precision

    def train_step_single(self, batch, **fit_params):
        inputs, y = batch
        signal = vary(inputs["signal"].to(self.device))
        return super().train_step_single(
            (inputs | {"signal": signal, "view": disturb(signal)}, y), **fit_params
        )

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


class FiniteLoss(GradientNormClipping):
    """Clip gradients, and stop with an error before a NaN reaches the weights."""

    def on_grad_computed(self, net, named_parameters, **kwargs):
        norm = torch.nn.utils.clip_grad_norm_(
            [p for _, p in named_parameters if p.grad is not None], self.gradient_clip_value
        )
        if not torch.isfinite(norm):
            raise FloatingPointError(
                "pretraining diverged: the gradient is not finite. Lower lr, or check the signals "
                "for extreme values."
            )


def warmup_cosine(n_steps, warmup=0.05):
    """Factor on the learning rate: linear warm-up, then half a cosine to zero.

    Examples
    --------
    >>> from merit_sk.training.net import warmup_cosine
    >>> factor = warmup_cosine(100)
    >>> [round(factor(step), 3) for step in (0, 5, 52, 100)]
    [0.2, 1.0, 0.513, 0.0]
    """
    n_warm = max(round(warmup * n_steps), 1)

    def factor(step):
        if step < n_warm:
            return (step + 1) / n_warm
        progress = min((step - n_warm) / max(n_steps - n_warm, 1), 1.0)
        return 0.5 * (1 + math.cos(math.pi * progress))

    return factor


def build_net(model, train, valid, *, bounds, settings, callbacks, verbose):
    """Compose the net for one call of ``fit``.

    Parameters
    ----------
    model : MeritModel
    train : Dataset
    valid : Dataset or None
    bounds : sequence of {"mi_signal", "mi_text"}
        What this run can measure.
    settings : dict
        ``max_epochs``, ``batch_size``, ``lr``, ``weight_decay``, ``device``, ``precision``.
    callbacks : list of skorch callbacks
    verbose : int
        0 is silent, 1 prints the epochs, 2 adds a bar over the batches.
    """
    n_steps = settings["max_epochs"] * -(-len(train) // settings["batch_size"])
    steps = [
        ("clip", FiniteLoss(gradient_clip_value=1.0)),
        ("schedule", LRScheduler(LambdaLR, lr_lambda=warmup_cosine(n_steps), step_every="batch")),
    ]
    for name in bounds:
        steps.append((name, PassthroughScoring(name, lower_is_better=False, on_train=True)))
        if valid is not None:
            steps.append((f"valid_{name}", PassthroughScoring(f"valid_{name}", False)))
    net = PretrainNet(
        model,
        criterion=torch.nn.Identity,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=settings["weight_decay"],
        iterator_train__shuffle=True,
        iterator_train__collate_fn=_whole_batch,
        iterator_valid__collate_fn=_whole_batch,
        train_split=None if valid is None else predefined_split(valid),
        callbacks=[*steps, *callbacks],
        callbacks__print_log=PrintLog() if verbose else None,
        verbose=verbose,
        **{k: settings[k] for k in ("max_epochs", "batch_size", "lr", "device", "precision")},
    )
    if verbose > 1:
        net.set_params(callbacks=[*net.callbacks, ("progress", ProgressBar())])
    return net


def _whole_batch(batch):
    return batch


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
    ]
