"""
Probe or fine-tune?
===================

A linear probe reads what a frozen encoder offers; fine-tuning changes the encoder as well. Which of
the two pays depends on the number of labels, so try both.
"""

# %%
# Pretrained weights, new recordings
# ----------------------------------
from merit_sk import MeritClassifier, MeritEmbedder
from merit_sk.datasets import make_ecg

embedder = MeritEmbedder()
ecg = make_ecg(320, task="superclass", random_state=0)
train, test = ecg.folds <= 8, ecg.folds > 8

# %%
# Three ways to use labels
# ------------------------
# :class:`~merit_sk.MeritClassifier` begins at the linear probe: with ``max_epochs=0`` it is one.
# From there, head and encoder are trained together, with smaller steps for the layers near the
# signal. Of an embedder without weights it takes the shape alone and trains from random ones, which
# shows what the labels can do without pretraining.
ways = {
    "linear probe": MeritClassifier(embedder, max_epochs=0, random_state=0),
    "fine-tuned": MeritClassifier(embedder, max_epochs=5, lr=1e-3, random_state=0),
    "from scratch": MeritClassifier(
        MeritEmbedder(pretrained=None), max_epochs=5, lr=1e-3, layer_decay=1, random_state=0
    ),
}

# %%
# Few labels and more
# -------------------
import numpy as np
import pandas as pd
from sklearn.base import clone

from merit_sk.metrics import bootstrap_interval, compare, macro_auc

labeled = np.flatnonzero(train)
rows, scores = [], {}
for n_labels in (50, len(labeled)):
    chosen = labeled[:n_labels]
    for name, way in ways.items():
        classifier = clone(way).fit(ecg.data[chosen], ecg.target[chosen])
        scores[n_labels, name] = classifier.decision_function(ecg.data[test])
        auc = bootstrap_interval(
            macro_auc, ecg.target[test], scores[n_labels, name], random_state=0
        )
        rows.append({"labels": n_labels, "model": name, "macro AUC": auc.estimate, "interval": auc})
table = pd.DataFrame(rows).set_index(["labels", "model"])
table["interval"]

# %%
# The warning is right: once in a while the simulator exchanges the arm electrodes, as hospitals do.
#
# Each interval says how far a figure may move with the choice of test recordings, and with so few
# of them it is wide. All ways meet the same recordings, though, so that differences are known
# better. :func:`~merit_sk.metrics.compare` resamples the recordings for two ways at once.
for n_labels in (50, len(labeled)):
    probe = scores[n_labels, "linear probe"]
    for name in ("fine-tuned", "from scratch"):
        gap = compare(macro_auc, ecg.target[test], scores[n_labels, name], probe, random_state=0)
        print(f"{n_labels} labels, {name} minus probe: {gap}")

# %%
# Without pretraining the network is behind, most with fifty labels. Fine-tuning is not ahead of the
# probe: the weights have seen simulated recordings by the thousand, so there is little to adapt. On
# recordings unlike those of pretraining it may be otherwise.
import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for i, name in enumerate(ways):
    part = table.xs(name, level="model")
    error = [[a.estimate - a.low for a in part["interval"]],
             [a.high - a.estimate for a in part["interval"]]]  # fmt: skip
    position = np.arange(len(part)) + 0.08 * (i - 1)
    ax.errorbar(position, part["macro AUC"], error, fmt="o-", capsize=3, label=name)
ax.set_xticks(range(2), [f"{n} labels" for n in part.index])
ax.set_ylabel("macro AUC on test records")
ax.legend(frameon=False)
plt.show()

# %%
# Keep what works, and only as long as it helps
# ---------------------------------------------
# Held-out recordings tell when to stop: the weights of the epoch with the lowest validation loss
# are kept. ``freeze=2`` leaves the stem and the first stage as they are.
careful = MeritClassifier(
    embedder, max_epochs=5, lr=1e-3, freeze=2, validation_fraction=0.2, patience=3, random_state=0
)
careful.fit(ecg.data[train], ecg.target[train])
pd.DataFrame(careful.history_)[["epoch", "train_loss", "valid_loss"]].round(4)
