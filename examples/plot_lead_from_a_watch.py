"""
Lead I from a watch
===================

A watch records thirty seconds between two hands: lead I, at 512 Hz. What can be asked of it, and
what cannot?
"""

# %%
# Thirty seconds in a csv file
# ----------------------------
# Watches export one column of microvolts. Here a simulated patient with atrial fibrillation and an
# old anterior infarction stands in, of whom lead I is kept.
import tempfile
from pathlib import Path

import numpy as np

from merit_sk.datasets import make_ecg

person = make_ecg(
    1, statements=[("AFIB", "ASMI")], duration=30, sampling_rate=512, noise=0.5, random_state=3
).data
lead_i = np.asarray(person.with_leads(["I"]))[0, 0]
file = Path(tempfile.mkdtemp()) / "watch.csv"
np.savetxt(file, 1000 * lead_i, fmt="%.1f", header="microvolts")

# %%
# Rate, lead and unit have to be said
# -----------------------------------
# A column of numbers does not tell them. Thirty seconds are three windows, of which embeddings and
# probabilities are averaged; the eleven missing leads are told to the network as missing, with a
# warning.
import warnings

from merit_sk import ECGRecords, MeritEmbedder, MeritZeroShotClassifier

microvolts = np.loadtxt(file)
watch = ECGRecords.from_array(
    microvolts[None, None] / 1000, sampling_rate=512, lead_names=["I"], record_names=["watch"]
)
questions = ["AFIB", "SR", "PVC", "CLBBB", "ASMI", "IMI", "LAFB", "NORM"]
zero = MeritZeroShotClassifier("merit-tiny", classes=questions, multi_label=True).fit(person)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    asked = {"12 leads": zero.predict_proba(person)[0], "lead I": zero.predict_proba(watch)[0]}
    embedding = MeritEmbedder().transform(watch)
print(caught[0].message)
print(watch, embedding.shape)
for leads, chances in asked.items():
    print(f"{leads:9s}", *(f"{q} {p:.2f} " for q, p in zip(questions, chances, strict=True)))

# %%
# An array of one channel is taken as lead I, too.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    same = MeritEmbedder(sampling_rate=512).transform(microvolts[None] / 1000)
print(np.allclose(same, embedding, atol=1e-4))

# %%
# What works on real recordings, and what does not
# ------------------------------------------------
# One simulated person shows nothing. These are areas under the curve on 602 recordings of PTB-XL
# that the weights were not trained on (folds 9 and 10): asked in words, and by a logistic regression
# on embeddings of the same leads, trained on folds 1-8. They come from
# ``python benchmarks/single_lead.py --data DATA``, with 95 % intervals by patient.
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

import merit_sk

table = Path(merit_sk.__file__).parents[1] / "benchmarks" / "results" / "single_lead.csv"
measured = pd.read_csv(table).set_index(["class", "method", "leads"])
names = {
    "STACH": "sinus tachycardia", "PVC": "premature ventricular beats",
    "CLBBB": "complete left bundle branch block", "AFIB": "atrial fibrillation",
    "1AVB": "first degree AV block", "LVH": "left ventricular hypertrophy", "NORM": "normal ECG",
    "ASMI": "anteroseptal infarction", "IMI": "inferior infarction",
    "LAFB": "left anterior fascicular block",
}  # fmt: skip
figure, ax = plt.subplots(figsize=(8, 5), layout="constrained")
place = np.arange(len(names))[::-1] + 0.24
for method, marker in {"zero-shot": "o", "probe": "s"}.items():
    for leads, color in {"twelve leads": "tab:blue", "I": "tab:orange"}.items():
        of = measured.loc[[(code, method, leads) for code in names]]
        far = [of.AUC - of.low, of.high - of.AUC]
        label = f"{method}, {leads.replace('I', 'lead I')}"
        ax.errorbar(of.AUC, place, xerr=far, fmt=marker, color=color, label=label)
        place = place - 0.16
ax.axvline(0.5, color="gray", lw=0.8, ls=":")
ax.set(
    yticks=np.arange(len(names))[::-1],
    yticklabels=names.values(),
    xlabel="AUC, 0.5 is chance",
    xlim=(0.38, 1.01),
)
figure.legend(loc="outside upper center", ncols=4, frameon=False)
plt.show()

# %%
# Rhythm, extra beats and wide complexes are in every lead, and lead I tells them nearly as well as
# twelve, and not much less of hypertrophy. Where an infarction lies, and the axis that tells a
# fascicular block, is written in the other leads: there lead I loses much of the AUC, and a probe that was trained on lead I does not bring it back. Do not ask a watch for an infarction: a
# small probability from lead I excludes nothing.
#
# These are figures of lead I at rest in a hospital. Dry electrodes, arms that move and the filter of
# a watch are not in PTB-XL, and no recording of a watch was at hand. Thresholds that are stored with
# the weights are those of twelve leads.
