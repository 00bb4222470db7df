"""
Probabilities to act on
=======================

A zero-shot probability holds for recordings like those of PTB-XL, on which its curves were learned.
Where a finding is more frequent it is too low, where it is rarer too high, and where recordings
look otherwise nobody knows. This page shows how to see that on labeled recordings, and what a
hundred of them are good for: a curve, a threshold, and sets of answers that hold the right one as
often as promised.
"""

# %%
# Are the probabilities right here?
# ---------------------------------
# Simulated recordings stand for those of another hospital.
import numpy as np

from merit_sk import MeritZeroShotClassifier
from merit_sk.datasets import make_ecg

ecg = make_ecg(400, task="superclass", random_state=3)
known, new = np.arange(100), np.arange(100, 400)  # a hundred are labeled
zero = MeritZeroShotClassifier(classes="superclass").fit(ecg.data)
p = zero.predict_proba(ecg.data[new])
for name, mean, share in zip(
    zero.classes_, p.mean(axis=0), ecg.target[new].mean(axis=0), strict=True
):
    print(f"{name:5} mean probability {mean:.2f}, observed {share:.2f}")

# %%
# All means are about right here. A mean can be right by chance:
# :class:`~merit_sk.inspection.ReliabilityDisplay` shows where probabilities are too high, below the
# diagonal, and too low, above it.
from merit_sk.inspection import ReliabilityDisplay

display = ReliabilityDisplay.from_estimator(
    zero, ecg.data[new], ecg.target[new], classes=["MI", "NORM"], n_bins=6, log=False
)

# %%
# One finding, calibrated
# -----------------------
# A logistic regression on the log-odds of one finding moves and stretches its curve (Platt's
# calibration). The order of the recordings stays as it is, and with it the AUC.
from scipy.special import logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

y = ecg.target[:, ecg.target_names.index("MI")]
chance = zero.predict_proba(ecg.data)[:, list(zero.classes_).index("MI")]
odds = logit(chance).reshape(-1, 1)
curve = LogisticRegression().fit(odds[known], y[known])
chances = np.column_stack([chance, curve.predict_proba(odds)[:, 1]])[new]
names = ["as it is", "calibrated"]
for name, p in zip(names, chances.T, strict=True):
    print(f"{name}: mean {p.mean():.2f}, Brier score {brier_score_loss(y[new], p):.3f}")
print(f"observed: {y[new].mean():.2f}")

# %%
truth = np.column_stack([y[new], y[new]])
display = ReliabilityDisplay.from_predictions(
    truth, chances, names, pooled=False, n_bins=6, log=False
)

# %%
# Here a hundred labels bring nothing: the curve was about right before. They pay where it is not,
# and recordings that the new curve has not seen tell which is the case.
#
# Classes of which exactly one holds, such as fibrillation and sinus rhythm, are calibrated as they
# are: ``CalibratedClassifierCV(FrozenEstimator(zero))`` takes a zero-shot classifier with
# ``multi_label=False``. Do not make such a question out of findings that may occur together.

# %%
# A threshold for a purpose
# -------------------------
# The operating points that come with the weights are where F1 was highest on PTB-XL. Where
# infarctions are picked for a study, a false alarm is worse than a miss, say twice as bad. The
# threshold of a calibrated probability then follows: two thirds. scikit-learn's
# ``TunedThresholdClassifierCV`` looks for the best one among the labels instead.
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import confusion_matrix, make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV


def cost(truth, found):
    (_, alarms), (misses, _) = confusion_matrix(truth, found)
    return (misses + 2 * alarms) / len(truth)


scoring = make_scorer(cost, greater_is_better=False)
tuned = TunedThresholdClassifierCV(
    FrozenEstimator(curve), scoring=scoring, cv="prefit", refit=False
).fit(odds[known], y[known])
answers = {
    "saved with the weights": chances[:, 0] >= zero.thresholds_[list(zero.classes_).index("MI")],
    "2 / 3, calibrated": chances[:, 1] >= 2 / 3,
    f"{tuned.best_threshold_:.2f}, calibrated and tuned": tuned.predict(odds[new]) == 1,
}
for name, found in answers.items():
    print(f"threshold {name}: finds {found[y[new] == 1].mean():.0%}, false alarms "
          f"{found[y[new] == 0].mean():.0%}, cost {cost(y[new], found):.2f}")  # fmt: skip

# %%
# The saved point finds most and costs most. The tuned one is not better than two thirds: a hundred
# labels are few to tell the best point.

# %%
# For several statements at once, ``threshold`` takes a number for each.
from sklearn.metrics import f1_score

chance = zero.predict_proba(ecg.data[known])
grid = np.linspace(0.05, 0.95, 19)
best = {
    name: grid[np.argmax([f1_score(truth, c > t, zero_division=0) for t in grid])]
    for name, c, truth in zip(zero.classes_, chance.T, ecg.target[known].T, strict=True)
}
own = MeritZeroShotClassifier(classes="superclass", threshold=best).fit(ecg.data)
for name, model in {"saved with the weights": zero, "of a hundred labels": own}.items():
    f1 = f1_score(ecg.target[new], model.predict(ecg.data[new]), average="macro")
    print(f"operating points {name}: macro F1 {f1:.2f}")

# %%
# For F1 itself a hundred labels are too few: operating points learned from them cost here.

# %%
# Sets that hold the truth
# ------------------------
# Where one of four findings is to be named, split conformal prediction returns all that cannot be
# ruled out. Whatever the model is worth, nine in ten sets hold the right answer, on average over
# draws of the labeled recordings and as long as others are like them. A poor model pays with large
# sets.
names = ["AMI", "IMI", "LMI", "LVH"]
one = make_ecg(400, statements=names, random_state=1)
truth = np.arange(400) % 4
which = MeritZeroShotClassifier(classes=names, multi_label=False).fit(one.data)
p = which.predict_proba(one.data)
doubt = np.sort(1 - p[known, truth[known]])
limit = doubt[int(np.ceil(0.9 * (len(known) + 1))) - 1]
sets = 1 - p[new] <= limit
size = sets.sum(axis=1)
right = p[new].argmax(axis=1) == truth[new]
print(f"the first choice is right in {right.mean():.0%}")
print(f"{sets[np.arange(300), truth[new]].mean():.0%} of sets hold the right one")
for n in range(1, 5):
    print(f"{n} answers: {(size == n).sum():3} sets, first choice right in "
          f"{right[size == n].mean():.0%}")  # fmt: skip

# %%
# The first choice alone falls far short of what was promised. How many answers a set holds says how
# sure it is: where there is one, it is mostly right.
#
# MAPIE takes the classifier as it is, and has other scores and risks:
#
# .. code-block:: python
#
#     from mapie.classification import SplitConformalClassifier
#
#     labels = np.array(names)[truth]
#     conformal = SplitConformalClassifier(which, confidence_level=0.9, prefit=True)
#     conformal.conformalize(one.data[known], labels[known])
#     answers, sets = conformal.predict_set(one.data[new])

# sphinx_gallery_thumbnail_number = 1
