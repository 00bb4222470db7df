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
import matplotlib.pyplot as plt

# statement: words with 12 leads, words with lead I, probe with 12 leads, probe with lead I
measured = {
    "sinus tachycardia": (
        (0.994, 0.988, 0.998), (0.992, 0.985, 0.998), (0.996, 0.991, 0.999), (0.997, 0.992, 0.999)
    ),
    "premature ventricular beats": (
        (0.999, 0.997, 1.000), (0.991, 0.981, 0.998), (0.998, 0.995, 1.000), (0.984, 0.963, 0.997)
    ),
    "complete left bundle branch block": (
        (0.989, 0.968, 1.000), (0.988, 0.976, 0.997), (0.993, 0.983, 0.999), (0.988, 0.971, 0.998)
    ),
    "atrial fibrillation": (
        (0.991, 0.980, 0.999), (0.985, 0.971, 0.996), (0.987, 0.971, 0.997), (0.980, 0.963, 0.993)
    ),
    "first degree AV block": (
        (0.944, 0.909, 0.971), (0.929, 0.884, 0.962), (0.965, 0.941, 0.983), (0.952, 0.922, 0.975)
    ),
    "left ventricular hypertrophy": (
        (0.912, 0.871, 0.945), (0.904, 0.859, 0.942), (0.940, 0.911, 0.965), (0.915, 0.868, 0.952)
    ),
    "normal ECG": (
        (0.958, 0.943, 0.972), (0.910, 0.885, 0.933), (0.964, 0.949, 0.976), (0.919, 0.896, 0.941)
    ),
    "anteroseptal infarction": (
        (0.902, 0.868, 0.931), (0.803, 0.739, 0.859), (0.948, 0.922, 0.970), (0.829, 0.775, 0.877)
    ),
    "inferior infarction": (
        (0.821, 0.757, 0.883), (0.731, 0.658, 0.800), (0.913, 0.875, 0.947), (0.752, 0.677, 0.828)
    ),
    "left anterior fascicular block": (
        (0.982, 0.970, 0.991), (0.609, 0.502, 0.711), (0.985, 0.974, 0.993), (0.657, 0.550, 0.756)
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
# Rhythm, extra beats and wide complexes are in every lead, and lead I tells them nearly as well as
# twelve, and not much less of hypertrophy. Where an infarction lies, and the axis that tells a
# fascicular block, is written in the other leads: there lead I loses 0.09 to 0.37 of the AUC, and a
# probe that was trained on lead I does not bring it back. Do not ask a watch for an infarction: a
# small probability from lead I excludes nothing.
#
# These are figures of lead I at rest in a hospital. Dry electrodes, arms that move and the filter of
# a watch are not in PTB-XL, and no recording of a watch was at hand. Thresholds that are stored with
# the weights are those of twelve leads.
