"""
When not to trust it
====================

A classifier answers whatever it is given. Three things help to notice: a score that tells whether a
recording is like those of pretraining, the warnings of ``fit``, and the classifier's own doubt.
"""

# %%
# Is it an ECG at all?
# --------------------
# :meth:`~merit_sk.MeritEmbedder.decision_function` is negative for recordings unlike those of
# pretraining, as scikit-learn's outlier detectors have it. Here it meets simulated recordings, the
# same ones spoiled, and noise.
import matplotlib.pyplot as plt
import numpy as np

from merit_sk import MeritEmbedder
from merit_sk.datasets import make_ecg
from merit_sk.signals import resample

ecg = make_ecg(80, random_state=0)
X, random = np.asarray(ecg.data), np.random.default_rng(0)
arms = X[:, [0, 2, 1, 4, 3, *range(5, 12)]]  # II and III, aVR and aVL change places
arms[:, 0] *= -1  # and I is upside down
kinds = {
    "simulated": X,
    "arms swapped": arms,
    "V1 and V3 swapped": X[:, [*range(6), 8, 7, 6, *range(9, 12)]],
    "leads in any order": np.stack([x[random.permutation(12)] for x in X]),
    "250 Hz taken for 100 Hz": resample(X, 100, 250)[:, :, :1000],
    "upside down": -X,
    "noise": random.normal(size=X.shape),
}
embedder = MeritEmbedder()
scores = {name: embedder.decision_function(x) for name, x in kinds.items()}
for name, s in scores.items():
    print(f"{name:24s} {(s < 0).mean():4.0%} below zero")

# %%
figure, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
lowest = -1500
boxes = ax.boxplot(
    [np.maximum(s, lowest) for s in scores.values()], orientation="horizontal", widths=0.6
)
ax.set_yticks(range(1, len(kinds) + 1), kinds)
ax.invert_yaxis()
ax.axvline(0, color="black", linewidth=0.8)
ax.set(xlabel="decision_function (below zero: unfamiliar; -1500 stands for less, too)")
plt.show()

# %%
# Noise is at the left end, and most of what is upside down is left of the line. Arms, leads in any
# order and a wrong rate are on both sides of it, and V1 and V3 in the place of each other look as
# familiar as the right order: the score is sure of what is no ECG, not of a wrong cable or rate.
# Simulated recordings are a little strange to it themselves, and some of them below zero.
#
# Of recordings of PTB-XL that pretraining has not seen hardly any is below zero. When they are
# spoiled in the same ways, noise and most of what is upside down is found, a wrong rate and
# exchanged arms in about three of ten, V1 and V3 in almost none: :doc:`/results`, "When not to
# trust it".

# %%
# Cables and rates
# ----------------
# For these there are the warnings of ``fit``. They compare leads with each other and beats with the
# usual heart rate, in many recordings together: in a single one a mistake may pass. (The two above,
# of exchanged arms and of leads in any order, come from a look at three recordings.)
import textwrap
import warnings

for name in ("arms swapped", "V1 and V3 swapped", "250 Hz taken for 100 Hz"):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        MeritEmbedder().fit(kinds[name])
    for warning in caught:
        print(textwrap.fill(f"{name}: {warning.message}", 95, subsequent_indent="    "))

# %%
# Arms exchanged in all recordings turn lead I around, which looks like V1 to V6 in reverse. Where
# it happened to a few recordings, another warning names those it finds: the simulator exchanges the
# arms once in a while, as hospitals do, and recording 34 is one of these.

# %%
# Fewer answers, fewer errors
# ---------------------------
# An uncertain answer is better not given. A classifier that has learned from 120 simulated
# recordings answers where its highest probability is above a limit, which falls from left to right.
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

findings = ["NORM", "IMI", "ASMI", "NDT", "ISCAL", "LVH"]


def labeled(n, random_state):
    ecg = make_ecg(n, statements=findings, random_state=random_state)
    return ecg.data, [next(f for f in findings if f in shown) for shown in ecg.frame.statements]


clf = make_pipeline(embedder, LogisticRegression()).fit(*labeled(120, 4))
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
half = len(order) // 2
print(f"wrong answers: {error[-1]:.0%} of all, {error[half - 1]:.0%} of the surer half")

# %%
# This works as long as recordings are like those the classifier learned from. A limit is chosen on
# labeled recordings of one's own (:ref:`sphx_glr_auto_examples_plot_calibrated_zero_shot.py`).
