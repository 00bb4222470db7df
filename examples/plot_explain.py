"""
Why this statement?
===================

A probability convinces nobody who reads ECGs. What convinces is where in the recording it comes
from: in which lead, and in which wave.
"""

# %%
# What speaks for a block
# -----------------------
# Every part of the beat is replaced, one lead at a time, by what normal recordings have there. What
# the score loses is the weight of that part. Orange speaks for the statement, blue against it.
import matplotlib.pyplot as plt

from merit_sk import MeritZeroShotClassifier
from merit_sk.datasets import make_ecg
from merit_sk.inspection import ExplanationDisplay, explain

patient = make_ecg(1, statements=["CRBBB"], sampling_rate=500, random_state=0).data
zero = MeritZeroShotClassifier().fit(patient)
ExplanationDisplay.from_estimator(zero, patient, label="CRBBB")
plt.show()

# %%
# The block is seen in the QRS complex of V1, as a cardiologist would see it. Other leads say the same
# once more, so that each of them alone is worth little: in the row "all leads" the complex becomes
# normal in all of them at once.

# %%
# What speaks for long conduction
# -------------------------------
# The same for first-degree AV block: the P wave stands too early, and nothing is wrong with the QRS.
patient = make_ecg(1, statements=["1AVB"], sampling_rate=500, random_state=0).data
ExplanationDisplay.from_estimator(zero, patient, label="1AVB")
plt.show()

# %%
# Any classifier
# --------------
# Nothing but ``decision_function`` or ``predict_proba`` is asked, so that pipelines are explained as
# well. Averages over patients say what a model has learned.
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from merit_sk import MeritEmbedder

ecg = make_ecg(120, statements=["NORM", "IMI"], random_state=1)
infarct = ecg.target[:, ecg.target_names.index("IMI")]
clf = make_pipeline(MeritEmbedder(), LogisticRegression()).fit(ecg.data, infarct)

others = make_ecg(12, statements=["IMI"], random_state=2).data
told = explain(clf, others)
table = told.values[:, 0].mean(axis=0)
figure, ax = plt.subplots(figsize=(5, 4), layout="constrained")
image = ax.imshow(
    table, cmap="PuOr_r", vmin=-abs(table).max(), vmax=abs(table).max(), aspect="auto"
)
ax.set_xticks(range(6), told.regions)
ax.set_yticks(range(12), told.lead_names)
ax.set_title("What speaks for an inferior infarct, mean of 12 patients", fontsize=9)
colors = figure.colorbar(image, label="fall of the score")
plt.show()

# %%
# How far such maps can be trusted was measured on findings whose place is known: see
# :doc:`/results`. A map says what the model attends to, not what ails the patient.
