"""
Classes described in words
==========================

An encoder that was aligned with reports can be asked for what these reports say. No label is used,
neither in pretraining nor afterwards.
"""

# %%
# A model that has read reports
# -----------------------------
# It is trained here, to show all there is to it: recordings, reports, and nothing else. For your
# own recordings take the weights in the package, ``MeritZeroShotClassifier()``. They have read
# more, and their probabilities are calibrated; of the ones below only the order says something
# (:func:`~merit_sk.estimators.calibrate_zero_shot` learns the curves of a model of your own).
from merit_sk import MeritEmbedder, MeritZeroShotClassifier
from merit_sk.datasets import make_ecg

train = make_ecg(400, random_state=3)
embedder = MeritEmbedder(
    pretrained=None, max_epochs=10, batch_size=32, structure_weight=0, random_state=0
).fit(train.data)  # which carry their reports
print(train.reports[:3])

# %%
# Ask for three rhythms
# ---------------------
# Prompts should be worded like the reports of pretraining. For PTB-XL statements the library
# brings its own, in English and German.
from merit_sk.statements import statement_prompts

rhythms = ["AFIB", "SBRAD", "STACH"]
for code in rhythms:
    print(code, statement_prompts(code)[:2])

new = make_ecg(90, statements=rhythms, random_state=1)
zero = MeritZeroShotClassifier(embedder, classes=rhythms, multi_label=False).fit(new.data)

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay

truth = np.array(rhythms)[np.arange(90) % 3]
display = ConfusionMatrixDisplay.from_predictions(truth, zero.predict(new.data))

# %%
# Several findings in one recording
# ---------------------------------
# Unless ``multi_label=False`` says that exactly one class is true, each class is asked for on its
# own.
from merit_sk.inspection import ECGDisplay, ZeroShotDisplay

findings = ["AFIB", "CLBBB", "CRBBB", "LVH", "IMI", "NORM", "1AVB"]
case = make_ecg(1, statements=[("AFIB", "CRBBB")], random_state=5)
finder = MeritZeroShotClassifier(embedder, classes=findings).fit(case.data)
ECGDisplay.from_records(case.data, 0)
ZeroShotDisplay.from_estimator(finder, case.data)
plt.show()

# %%
# How good is it, class by class?
# -------------------------------
# :func:`~merit_sk.evaluation.evaluate_zero_shot` gives a table with the number of positives behind
# every figure. On simulated recordings it says how well the model has learned the simulator; on
# your own it says what you may expect.
from merit_sk.evaluation import evaluate_zero_shot

test = make_ecg(200, task="superclass", random_state=2)
result = evaluate_zero_shot(embedder, test, test_folds=range(1, 11))
print(result.to_frame().round(3).to_string(index=False))

# sphinx_gallery_thumbnail_number = 3
