"""
Classes described in words
==========================

An encoder that was aligned with reports can be asked for what such reports say. No label is used,
neither in pretraining nor afterwards.
"""

# %%
# Ask for three rhythms
# ---------------------
# The weights in the package have read reports in English and German. For the statements of PTB-XL
# the library brings phrases worded like these reports, so that a code is enough.
from merit_sk import MeritZeroShotClassifier
from merit_sk.datasets import make_ecg
from merit_sk.statements import statement_prompts

rhythms = ["AFIB", "SBRAD", "STACH"]
for code in rhythms:
    print(code, statement_prompts(code)[:2])

new = make_ecg(90, statements=rhythms, random_state=1)
zero = MeritZeroShotClassifier(classes=rhythms, multi_label=False).fit(new.data)

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
# own. Triangles are the operating points that come with the weights.
from merit_sk.inspection import ECGDisplay, ZeroShotDisplay

findings = ["AFIB", "CLBBB", "CRBBB", "LVH", "IMI", "NORM", "1AVB"]
case = make_ecg(1, statements=[("AFIB", "CRBBB")], random_state=5)
finder = MeritZeroShotClassifier(classes=findings).fit(case.data)
ECGDisplay.from_records(case.data, 0)
ZeroShotDisplay.from_estimator(finder, case.data)
plt.show()

# %%
# Words of your own
# -----------------
# A class may be phrases, whose embeddings are averaged, or statements, of which one is enough.
# Phrases share one curve, which does not know how frequent the finding is: of their probabilities
# trust the order.
classes = {
    "irregular": ["absolute arrhythmia", "irregular ventricular response"],
    "any bundle branch block": ["CLBBB", "CRBBB"],
}
own = MeritZeroShotClassifier(classes=classes).fit(case.data)
others = make_ecg(3, statements=["AFIB", "CLBBB", "NORM"], random_state=6)
for report, p in zip(others.reports, own.predict_proba(others.data), strict=True):
    print(*(f"{name} {value:.2f}," for name, value in zip(classes, p, strict=True)), report)

# %%
# How good is it, class by class?
# -------------------------------
# :func:`~merit_sk.evaluation.evaluate_zero_shot` gives a table with the number of positives behind
# every figure. On simulated recordings it says how well the model knows the simulator; on your own
# it says what you may expect. Probabilities are those of PTB-XL, and off elsewhere:
# :ref:`sphx_glr_auto_examples_plot_calibrated_zero_shot.py`.
from merit_sk import MeritEmbedder
from merit_sk.evaluation import evaluate_zero_shot

test = make_ecg(200, task="superclass", random_state=2)
result = evaluate_zero_shot(MeritEmbedder(), test, test_folds=range(1, 11))
print(result.to_frame().round(3).to_string(index=False))

# %%
# A model of your own
# -------------------
# For another language, or words that these weights do not know, train on recordings and reports.
# Its probabilities are not calibrated until :func:`~merit_sk.estimators.calibrate_zero_shot` has
# learned curves from labels; before that only their order says something.
#
# .. code-block:: python
#
#     embedder = MeritEmbedder(pretrained=None).fit(records, reports=reports)
#     zero = MeritZeroShotClassifier(embedder, classes={"FA": "fibrillation auriculaire"})

# sphinx_gallery_thumbnail_number = 3
