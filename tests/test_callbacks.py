"""skorch's callbacks in pretraining, as they are."""

import functools

import numpy as np
import pytest
import tqdm
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    Freezer,
    LRScheduler,
    ProgressBar,
    TensorBoard,
)
from torch.optim.lr_scheduler import ExponentialLR

from merit_sk import MeritEmbedder
from merit_sk.datasets import make_ecg

SHORT = {
    "encoder": {"widths": [8, 8], "patch": 4}, "pretrained": None,
    "duration": 1, "batch_size": 8, "max_epochs": 4,
    "validation_fraction": 0.25, "random_state": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def few():
    return make_ecg(32, duration=1, noise=0, random_state=0)


@pytest.fixture
def fit(few):
    def fit(*callbacks, **changes):
        embedder = MeritEmbedder(**(SHORT | changes), callbacks=callbacks)
        return embedder.fit(few.data, reports=few.reports)

    return fit


class Weights(Callback):
    """Keeps the weights of every epoch."""

    def on_train_begin(self, net, **kwargs):
        self.epochs = []

    def on_epoch_end(self, net, **kwargs):
        self.epochs.append({k: v.clone() for k, v in net.module_.state_dict().items()})


def assert_has_weights(embedder, expected):
    for name, values in embedder.model_.named_parameters():
        np.testing.assert_array_equal(values.detach(), expected[name], err_msg=name)


class Valid(Callback):
    """Makes the second epoch the best."""

    losses = (3.0, 1.0, 2.0, 4.0, 5.0, 6.0)

    def on_epoch_end(self, net, **kwargs):
        epoch = len(net.history)
        net.history.record("quality", self.losses[epoch - 1])
        net.history.record("quality_best", epoch <= 2)


def test_early_stopping_on_the_validation_loss(fit):
    stopped = fit(EarlyStopping("valid_loss", patience=1, threshold=0.9))
    assert stopped.n_iter_ == 2
    assert fit(EarlyStopping("valid_loss", patience=9)).n_iter_ == 4


def test_early_stopping_on_a_bound_loads_the_best_weights(fit):
    keep = Weights()
    stop = EarlyStopping("valid_mi_text", lower_is_better=False, patience=2, load_best=True)
    embedder = fit(keep, stop, max_epochs=8)
    best = np.argmax([row["valid_mi_text"] for row in embedder.history_])
    assert_has_weights(embedder, keep.epochs[best])


@pytest.mark.parametrize("monitor", ["valid_loss_best", "valid_mi_text_best", "train_loss_best"])
def test_checkpoint_loads_the_best_weights(fit, tmp_path, monitor):
    keep = Weights()
    save = Checkpoint(monitor, dirname=str(tmp_path), load_best=True)
    embedder = fit(keep, save)
    losses = [row[monitor.removesuffix("_best")] for row in embedder.history_]
    best = np.argmax(losses) if "mi" in monitor else np.argmin(losses)
    assert_has_weights(embedder, keep.epochs[best])


def test_best_weights_that_are_not_the_last(fit, tmp_path):
    keep = Weights()
    save = Checkpoint("quality_best", dirname=str(tmp_path), load_best=True)
    assert_has_weights(fit(Valid(), keep, save), keep.epochs[1])
    stop = EarlyStopping("quality", patience=2, load_best=True)
    embedder = fit(Valid(), keep, stop, max_epochs=6)
    assert embedder.n_iter_ == 4
    assert_has_weights(embedder, keep.epochs[1])


@pytest.mark.parametrize("epoch", [1, 3])
def test_ctrl_c_keeps_the_best_weights(fit, tmp_path, epoch, few):
    class CtrlC(Callback):
        def on_batch_begin(self, net, batch=None, training=False, **kwargs):
            if training and len(net.history) == epoch and len(net.history[-1, "batches"]) == 2:
                raise KeyboardInterrupt

    keep = Weights()
    save = Checkpoint("quality_best", dirname=str(tmp_path), load_best=True)
    stop = EarlyStopping("quality", patience=9, load_best=True)
    callbacks = [Valid(), keep, save, stop, CtrlC()]
    if epoch == 1:
        with pytest.warns(UserWarning, match="before a checkpoint was written"):
            embedder = fit(*callbacks)
    else:
        embedder = fit(*callbacks)
        assert_has_weights(embedder, keep.epochs[1])
    assert embedder.n_iter_ == epoch - 1
    assert np.isfinite(embedder.transform(few.data)).all()


def test_a_scheduler_replaces_ours(fit):
    class Rates(Callback):
        def on_epoch_end(self, net, **kwargs):
            rates.append(net.optimizer_.param_groups[0]["lr"])

    rates = []
    fit(Rates(), LRScheduler(ExponentialLR, gamma=0.5))
    np.testing.assert_allclose(rates, [1e-3, 5e-4, 2.5e-4, 1.25e-4])


def test_named_callbacks(fit):
    assert fit(("stop", EarlyStopping("valid_loss", patience=1, threshold=0.9))).n_iter_ == 2


def test_freezer(fit):
    keep = Weights()
    embedder = fit(Freezer("text_tower.*"), keep)
    assert_has_weights(embedder, keep.epochs[-1])
    for name in ("text_tower.embedding.weight", "project.0.weight"):
        same = bool((keep.epochs[0][name] == keep.epochs[-1][name]).all())
        assert same == name.startswith("text_tower")


def test_progress_bar(fit, capsys, monkeypatch):
    monkeypatch.setattr(tqdm, "tqdm", functools.partial(tqdm.tqdm, mininterval=0))
    fit(ProgressBar(detect_notebook=False))
    shown = capsys.readouterr().err
    assert "/4 " in shown and "train_loss" in shown


def test_tensorboard(fit):
    class Writer:
        def __init__(self):
            self.scalars = []

        def add_scalar(self, tag, scalar_value, global_step):
            self.scalars.append((tag, global_step, float(scalar_value)))

        def close(self):
            pass

    writer = Writer()
    embedder = fit(TensorBoard(writer))
    tags = {tag for tag, _, _ in writer.scalars}
    assert {"Loss/train_loss", "Loss/valid_loss", "mi_text", "Loss/valid_mi_text"} <= tags
    written = [value for tag, _, value in writer.scalars if tag == "Loss/valid_mi_signal"]
    assert written == [row["valid_mi_signal"] for row in embedder.history_]


def test_callbacks_are_given_again_by_get_params(fit):
    stop = EarlyStopping("valid_loss", patience=3)
    assert fit(stop).get_params()["callbacks"] == (stop,)
