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
# that the weights have never seen (folds 9 and 10): asked in words, and by a logistic regression on
# embeddings of the same leads, trained on folds 1-8. They come from
# ``python benchmarks/single_lead.py --data DATA``, with 95 % intervals by patient.
import matplotlib.pyplot as plt

# statement: words with 12 leads, words with lead I, probe with 12 leads, probe with lead I
measured = {
    "complete left bundle branch block": (
        (0.992, 0.983, 0.998), (0.981, 0.965, 0.992), (0.996, 0.992, 1.0), (0.965, 0.905, 0.997)
    ),
    "sinus tachycardia": (
        (0.985, 0.971, 0.995), (0.904, 0.775, 0.983), (0.991, 0.979, 0.998), (0.988, 0.976, 0.996)
    ),
    "premature ventricular beats": (
        (0.999, 0.997, 1.0), (0.913, 0.829, 0.975), (0.999, 0.996, 1.0), (0.949, 0.911, 0.982)
    ),
    "atrial fibrillation": (
        (0.976, 0.946, 0.994), (0.903, 0.860, 0.938), (0.980, 0.962, 0.993), (0.889, 0.830, 0.938)
    ),
    "first degree AV block": (
        (0.928, 0.882, 0.963), (0.884, 0.834, 0.932), (0.962, 0.933, 0.983), (0.904, 0.858, 0.941)
    ),
    "normal ECG": (
        (0.961, 0.946, 0.973), (0.811, 0.776, 0.845), (0.964, 0.949, 0.976), (0.901, 0.874, 0.925)
    ),
    "anteroseptal infarction": (
        (0.900, 0.861, 0.932), (0.621, 0.548, 0.687), (0.950, 0.924, 0.970), (0.798, 0.731, 0.857)
    ),
    "inferior infarction": (
        (0.837, 0.772, 0.897), (0.670, 0.585, 0.749), (0.906, 0.861, 0.943), (0.714, 0.641, 0.792)
    ),
    "left anterior fascicular block": (
        (0.982, 0.968, 0.993), (0.506, 0.410, 0.609), (0.984, 0.972, 0.993), (0.686, 0.600, 0.765)
    ),
}  # fmt: skip
figure, ax = plt.subplots(figsize=(8, 5), layout="constrained")
styles = {
    "words, 12 leads": ("o", "tab:blue"), "words, lead I": ("o", "tab:orange"),
    "probe, 12 leads": ("s", "tab:blue"), "probe, lead I": ("s", "tab:orange"),
}  # fmt: skip
place = np.arange(len(measured))[::-1]
for j, (name, (marker, color)) in enumerate(styles.items()):
    value, low, high = np.array([row[j] for row in measured.values()]).T
    at = place + 0.24 - 0.16 * j
    ax.errorbar(value, at, xerr=[value - low, high - value], fmt=marker, color=color, label=name)
ax.axvline(0.5, color="gray", lw=0.8, ls=":")
ax.set(yticks=place, yticklabels=list(measured), xlabel="AUC, 0.5 is chance", xlim=(0.38, 1.01))
figure.legend(loc="outside upper center", ncols=4, frameon=False)
plt.show()

# %%
# Rhythm and wide complexes are in every lead, and lead I still tells them, though it costs up to a
# tenth of the AUC. Where an infarction lies, and the axis that tells a fascicular block, is written in
# the other leads: asked in words, lead I is little better than chance, and a probe that was trained
# on lead I is not good either. Do not ask a watch for an infarction: a small probability from lead
# I says nothing.
#
# Two things help. Train a probe on recordings cut to the lead that you will have, as here: words
# were learned with twelve leads. And mistrust these figures for a watch itself: dry electrodes, arms
# that move and the watch's own filter are not in PTB-XL, where lead I was recorded at rest.
