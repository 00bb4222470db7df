"""
When not to trust it
====================

A classifier answers whatever it is given: a swapped cable, a wrong sampling rate, no ECG at all. The
weights know what recordings of pretraining were like, and say so.
"""

# %%
# Is it an ECG at all?
# --------------------
# :meth:`~merit_sk.MeritEmbedder.decision_function` is negative for recordings unlike those of
# pretraining, as it is for scikit-learn's outlier detectors.
import matplotlib.pyplot as plt
import numpy as np

from merit_sk import MeritEmbedder
from merit_sk.datasets import make_ecg

ecg = make_ecg(80, random_state=0)
X, random = np.asarray(ecg.data), np.random.default_rng(0)
kinds = {
    "as they are": X,
    "arms swapped": X[:, [0, 2, 1, 4, 3, *range(5, 12)]] * np.r_[-1, np.ones(11)][:, None],
    "leads in any order": np.stack([x[random.permutation(12)] for x in X]),
    "upside down": -X,
    "250 Hz taken for 100 Hz": np.repeat(X, 3, axis=2)[:, :, :1000],
    "noise": random.normal(size=X.shape),
}
embedder = MeritEmbedder()
scores = {name: embedder.decision_function(x) for name, x in kinds.items()}

figure, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
lower = -1500
boxes = ax.boxplot(
    [np.maximum(s, lower) for s in scores.values()], orientation="horizontal", widths=0.6
)
ax.set_yticks(range(1, len(kinds) + 1), kinds)
ax.invert_yaxis()
ax.axvline(0, color="black", linewidth=0.8)
ax.set(xlabel="decision_function (below zero: unfamiliar)")
plt.show()

# %%
# Fewer answers, fewer errors
# ---------------------------
# Where the answer itself is uncertain, it is better not given. A classifier learned from 120
# recordings answers for those it is surest of, and abstains from the others.
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

findings = ["NORM", "IMI", "ASMI", "NDT", "ISCAL", "LVH"]


def labeled(n, random_state):
    ecg = make_ecg(n, statements=findings, random_state=random_state)
    return ecg.data, [next(f for f in findings if f in shown) for shown in ecg.frame.statements]


clf = make_pipeline(embedder, LogisticRegression()).fit(*labeled(120, 1))
recordings, truth = labeled(300, 2)
p = clf.predict_proba(recordings)
wrong, sure = clf.classes_[p.argmax(axis=1)] != truth, p.max(axis=1)

order = np.argsort(-sure)
coverage = np.arange(1, len(order) + 1) / len(order)
error = np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)
figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
ax.plot(100 * coverage, 100 * error)
ax.set(xlabel="recordings answered, %", ylabel="wrong answers, %", xlim=(0, 100), ylim=(0, None))
ax.set_title("Which of six findings?", fontsize=10)
plt.show()
