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
ax.set(xlabel="decision_function (below zero: unfamiliar)", xlim=(lower * 1.02, 300))
plt.show()

# %%
# Fewer answers, fewer errors
# ---------------------------
# Where the answer itself is uncertain, it is better not given. Here the zero-shot classifier answers
# for the recordings it is surest of, and abstains from the others.
from merit_sk import MeritZeroShotClassifier

rhythms = ["SR", "AFIB", "STACH", "SBRAD"]
ecg = make_ecg(200, statements=["NORM", "AFIB", "STACH", "SBRAD"], random_state=1)
names = ["NORM", "AFIB", "STACH", "SBRAD"]
truth = np.array([names.index(next(n for n in names if n in s)) for s in ecg.frame.statements])
zero = MeritZeroShotClassifier(embedder, classes=rhythms, multi_label=False).fit(ecg.data)
p = zero.predict_proba(ecg.data)
wrong, sure = p.argmax(axis=1) != truth, p.max(axis=1)

order = np.argsort(-sure)
coverage = np.arange(1, len(order) + 1) / len(order)
error = np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)
figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
ax.plot(100 * coverage, 100 * error)
ax.set(xlabel="recordings answered, %", ylabel="wrong answers, %", xlim=(0, 100), ylim=(0, None))
ax.set_title("Which of four rhythms?", fontsize=10)
plt.show()
