"""
Probabilities to act on
=======================

A zero-shot probability holds for recordings like those of PTB-XL, on which its curves were learned.
Where a finding is more frequent, or recorded otherwise, it is off. This page shows how to see that,
and how to put it right with a hundred labels: with scikit-learn's calibration, with thresholds, and
with sets of answers that hold the right one as often as promised.
"""

# %%
# Are the probabilities right here?
# ---------------------------------
# Simulated recordings stand for those of another hospital. Disturbances of conduction are more
# frequent among them than in PTB-XL.
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
# :class:`~merit_sk.inspection.ReliabilityDisplay` shows where they are off: below the diagonal too
# high, above it too low.
from merit_sk.inspection import ReliabilityDisplay

display = ReliabilityDisplay.from_estimator(
    zero, ecg.data[new], ecg.target[new], classes=["CD", "NORM"], n_bins=6, log=False
)

# %%
# One question, calibrated
# ------------------------
# scikit-learn's tools take two classes that exclude each other: here a disturbance of conduction,
# or none, which is any statement of the other superclasses. A frozen estimator is calibrated as it
# is.
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import brier_score_loss

y = ecg.target[:, ecg.target_names.index("CD")]
conduction = MeritZeroShotClassifier(
    classes={0: ["NORM", "MI", "STTC", "HYP"], 1: "CD"}, multi_label=False
).fit(ecg.data)
calibrated = CalibratedClassifierCV(FrozenEstimator(conduction)).fit(ecg.data[known], y[known])
scores = {"as it is": conduction, "calibrated": calibrated}
for name, model in scores.items():
    chance = model.predict_proba(ecg.data[new])[:, 1]
    print(f"{name}: mean {chance.mean():.2f}, Brier score {brier_score_loss(y[new], chance):.3f}")
print(f"observed: {y[new].mean():.2f}")

# %%
chances = np.column_stack([m.predict_proba(ecg.data[new])[:, 1] for m in scores.values()])
truth = np.column_stack([y[new], y[new]])
display = ReliabilityDisplay.from_predictions(
    truth, chances, list(scores), pooled=False, n_bins=6, log=False
)

# %%
# A threshold for a purpose
# -------------------------
# The operating points that come with the weights are where F1 was highest on PTB-XL. For another
# purpose, such as a screening that must miss few, choose your own on labeled recordings.
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV

tuned = TunedThresholdClassifierCV(
    FrozenEstimator(calibrated), scoring=make_scorer(fbeta_score, beta=2), cv="prefit", refit=False
).fit(ecg.data[known], y[known])
found = tuned.predict(ecg.data[new])
print(f"threshold {tuned.best_threshold_:.2f}: finds {found[y[new] == 1].mean():.0%}, "
      f"false alarms {found[y[new] == 0].mean():.0%}")  # fmt: skip

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
# Sets that hold the truth
# ------------------------
# Where one conduction disturbance is to be named, split conformal prediction returns all that cannot be ruled out.
# Whatever the model is worth, nine in ten sets hold the right answer, as long as the recordings
# are like the labeled ones.
names = ["CLBBB", "CRBBB", "IRBBB", "IVCD"]
noisy = make_ecg(400, statements=names, noise=0.5, random_state=1)
truth = np.arange(400) % 4
block = MeritZeroShotClassifier(classes=names, multi_label=False).fit(noisy.data)
p = block.predict_proba(noisy.data)
doubt = np.sort(1 - p[known, truth[known]])
limit = doubt[int(np.ceil(0.9 * (len(known) + 1))) - 1]
sets = 1 - p[new] <= limit
print(f"{sets[np.arange(300), truth[new]].mean():.0%} hold the right one, "
      f"{sets.sum(axis=1).mean():.2f} answers in a set; "
      f"the first choice alone is right in {(p[new].argmax(axis=1) == truth[new]).mean():.0%}")  # fmt: skip

# %%
# MAPIE takes the classifier as it is, and knows other scores and risks:
#
# .. code-block:: python
#
#     from mapie.classification import SplitConformalClassifier
#
#     labels = np.array(names)[truth]
#     conformal = SplitConformalClassifier(block, confidence_level=0.9, prefit=True)
#     conformal.conformalize(noisy.data[known], labels[known])
#     answers, sets = conformal.predict_set(noisy.data[new])

# sphinx_gallery_thumbnail_number = 1
