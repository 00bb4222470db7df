"""The skorch net and the batches that train a classifier."""

import numpy as np
import torch
from skorch.callbacks import EarlyStopping

from ..nn.collective import total, world_size
from .augment import disturb, vary
from .batches import Windows
from .net import PretrainNet
from .stratify import stratified_draw


class ClassifierNet(PretrainNet):
    """Neural net for labeled windows.

    Parameters
    ----------
    augment : bool, default=True
        Whether training windows are varied and disturbed as in the alignment of pretraining.
    """

    def __init__(self, *args, augment=True, **kwargs):
        super().__init__(*args, **kwargs)
        self.augment = augment

    def views(self, inputs):
        if not self.augment:
            return {}
        signal, n_valid = self.placed(inputs)
        return {"signal": disturb(vary(signal, n_valid), n_valid)}

    def get_loss(self, y_pred, y_true, X=None, training=False):
        loss = y_pred["loss"]
        return loss if training else total(loss) / world_size()


class LabelledWindows(Windows):
    """Windows of recordings with their peak voltages and labels, in batches.

    Parameters
    ----------
    recordings : WindowSource
    indices : array-like of int
        Recordings that belong to this data set.
    target : tensor
        Labels of all recordings.
    """

    def __init__(self, recordings, indices, target):
        super().__init__(recordings, indices, None)
        self.target = target

    def batch(self, rows, generator=None):
        records = self.indices[np.asarray(rows)]
        windows = self.windows(records, generator)
        parts = *windows[:2], self.recordings.spec.voltages(*windows)
        names = "signal", "n_valid", "voltages"
        inputs = {k: torch.from_numpy(v) for k, v in zip(names, parts, strict=True)}
        return inputs | {"target": self.target[records]}


def early_stopping(patience, max_epochs):
    """Stop when the validation loss no longer falls, and go back to the weights of its minimum.

    Parameters
    ----------
    patience : int or None
        Epochs to wait for a new minimum; None waits for all `max_epochs`.
    max_epochs : int
    """
    patience = max_epochs + 1 if patience is None else patience
    return EarlyStopping(patience=patience, load_best=True, threshold=0)


def layer_rates(layers, lr, decay):
    """Learning rate of each layer, the last below the head's by one factor of `decay`.

    Returns
    -------
    list of tuple (pattern, dict)
        Parameter groups as skorch takes them.

    Examples
    --------
    >>> from merit_sk.training.classification import layer_rates
    >>> for group in layer_rates([["tokenize"], ["norm"]], 1.0, 0.5):
    ...     print(group)
    ('encoder.tokenize', {'lr': 0.25})
    ('encoder.tokenize.*', {'lr': 0.25})
    ('encoder.norm', {'lr': 0.5})
    ('encoder.norm.*', {'lr': 0.5})
    """
    return [
        (f"encoder.{name}{inside}", {"lr": lr * decay ** (len(layers) - i)})
        for i, names in enumerate(layers)
        for name in names
        for inside in ("", ".*")
    ]


def draw_validation(labels, fraction, rng):
    """Split recordings, sorted by the rarest label of each, in proportion.

    Parameters
    ----------
    labels : ndarray of shape (n_samples, n_classes)
        Of 0 and 1.
    fraction : float
    rng : Generator

    Returns
    -------
    train, valid : ndarray of int
        Sorted positions.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.training.classification import draw_validation
    >>> labels = np.repeat(np.eye(2), 10, axis=0)
    >>> _, valid = draw_validation(labels, 0.2, np.random.default_rng(0))
    >>> labels[valid].sum(axis=0)
    array([2., 2.])
    """
    rank = np.argsort(rng.permutation(len(labels)))
    held_out = stratified_draw(labels, fraction, rank, offset=0.5)
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
