"""
Why this statement?
===================

A probability alone convinces nobody who reads ECGs. What may convince is where in the recording it
comes from: from which lead, and from which wave.
"""

# %%
# What speaks for a block
# -----------------------
# Every part of the beat is replaced, one lead at a time, by what normal recordings have there. What
# the score loses is the value of that part. Orange speaks for the statement, blue against it.
import matplotlib.pyplot as plt

from merit_sk import MeritZeroShotClassifier
from merit_sk.datasets import make_ecg
from merit_sk.inspection import ExplanationDisplay, explain

patient = make_ecg(1, statements=["CRBBB"], sampling_rate=500, random_state=0).data
zero = MeritZeroShotClassifier().fit(patient)
ExplanationDisplay.from_estimator(zero, patient, label="CRBBB")
plt.show()

# %%
# The strongest cells, and what is lost when a part becomes normal in all leads at once. Leads
# repeat each other, so that each alone is worth little: colors are scaled to the strongest cell,
# and which one that is says little here. That it is QRS is said by all leads together.


def strongest(label):
    table = explain(zero, patient, classes=[label]).to_frame().round(1) + 0.0
    cells = table.drop("together").stack().nlargest(3)
    print("in one lead:", *(f"{part} of {lead} {x:+.1f}" for (lead, part), x in cells.items()))
    print("together:", *(f"{part} {x:+.1f}" for part, x in table.loc["together"].items()))


strongest("CRBBB")

# %%
# What speaks for ischemia
# ------------------------
# The same for anterolateral ischemia, whose place is in ST segment and T wave of the lateral leads.
patient = make_ecg(1, statements=["ISCAL"], sampling_rate=500, random_state=0).data
ExplanationDisplay.from_estimator(zero, patient, label="ISCAL")
plt.show()

# %%
strongest("ISCAL")

# %%
# Here it is the T wave, of I, V5, V6, and of aVR, which sees the lateral wall from the other side.
# ST hardly counts, and V3 speaks against this place.

# %%
# Any classifier
# --------------
# Nothing but ``decision_function`` or ``predict_proba`` is asked, so that pipelines are explained
# as well. Averages over patients say what a model has learned. Here it is what tells inferior
# infarctions from normal recordings.
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from merit_sk import MeritEmbedder

ecg = make_ecg(120, statements=["NORM", "IMI"], random_state=4)
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
# How far such maps can be trusted was measured on simulated findings whose place is known, see
# :doc:`/results`, "Where explanations point". For most statements they hit it several times as
# often as chance; for first-degree AV block and enlarged atria they do not, so do not ask them
# where these come from. A map says what the model attends to, not what ails the patient.
