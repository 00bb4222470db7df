"""The skorch net and the batches that train a report generator."""

import torch
from skorch import NeuralNet
from skorch.callbacks import LRScheduler, PrintLog
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import Dataset

from ..nn.language_model import IGNORED, padded
from .net import FiniteLoss, warmup_cosine


class ReportNet(NeuralNet):
    """Neural net whose loss is computed by the module itself."""

    def get_loss(self, y_pred, y_true, X=None, training=False):
        return y_pred["loss"]


class ReportDataset(Dataset):
    """ECGs with the tokens of what comes before the report and of the report.

    Parameters
    ----------
    ecg : tensor of shape (n, n_features)
    before, reports : list of list of int
        Token ids; the reports end with the token for the end.
    """

    def __init__(self, ecg, before, reports):
        self.ecg, self.before, self.reports = ecg, before, reports

    def __len__(self):
        return len(self.ecg)

    def __getitem__(self, i):
        return self.__getitems__([i])

    def __getitems__(self, rows):
        ids = [self.before[i] + self.reports[i] for i in rows]
        labels = [[IGNORED] * len(self.before[i]) + self.reports[i] for i in rows]
        inputs = {
            "ecg": self.ecg[rows],
            "ids": padded(ids, 0),
            "mask": padded([[1] * len(row) for row in ids], 0),
            "labels": padded(labels, IGNORED),
        }
        return inputs, torch.zeros(len(rows))


def build_report_net(model, train, *, settings, verbose):
    """Compose the net for one call of ``fit``.

    Parameters
    ----------
    model : ReportModel
    train : ReportDataset
    settings : dict
        ``max_epochs``, ``batch_size``, ``lr``, ``device``, and ``language_lr``, the learning rate
        of the language model's own weights.
    verbose : int
    """
    n_steps = settings["max_epochs"] * -(-len(train) // settings["batch_size"])
    return ReportNet(
        model,
        criterion=torch.nn.Identity,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=0.05,
        optimizer__param_groups=[("language_model.*", {"lr": settings["language_lr"]})],
        iterator_train__shuffle=True,
        iterator_train__collate_fn=_whole_batch,
        train_split=None,
        callbacks=[
            ("clip", FiniteLoss(gradient_clip_value=1.0)),
            (
                "schedule",
                LRScheduler(LambdaLR, lr_lambda=warmup_cosine(n_steps), step_every="batch"),
            ),
        ],
        callbacks__print_log=PrintLog() if verbose else None,
        verbose=verbose,
        **{k: settings[k] for k in ("max_epochs", "batch_size", "lr", "device")},
    )


def _whole_batch(batch):
    return batch
