"""
A day of Holter
===============

Twenty-four hours of ECG are 8,640 windows of ten seconds. When did the atria fibrillate, and for
how long? The recording is read and embedded piece by piece, so that memory does not grow with its
length.
"""

# %%
# A day, written as WFDB
# ----------------------
# Four leads, as a Holter recorder may have them, in sinus rhythm, slow at night, with three
# episodes of atrial fibrillation. To save time the day is put together of nine simulated stretches
# of five minutes, each of another person: they come again and again, and of the 8,640 windows 270
# are different ones.
import tempfile

import numpy as np
import wfdb

from merit_sk.datasets import make_ecg

LEADS = ["I", "II", "V1", "V5"]
STRETCH, DAY = 300, 24 * 3600
EPISODES = [(2.0, 3.25), (11.0, 11.5), (19.5, 22.0)]  # hours

stretches = {
    rhythm: make_ecg(n, statements=[rhythm], duration=STRETCH, random_state=seed).data
    for seed, (rhythm, n) in enumerate({"SR": 4, "SBRAD": 2, "AFIB": 3}.items())
}
hours = np.arange(0, DAY, STRETCH) / 3600
in_af = np.any([(start <= hours) & (hours < end) for start, end in EPISODES], axis=0)
rhythms = np.where(in_af, "AFIB", np.where(hours < 6, "SBRAD", "SR"))

samples = {
    rhythm: np.round(1000 * np.asarray(data.with_leads(LEADS))).astype(np.int16)
    for rhythm, data in stretches.items()
}
which = [(r, i % len(samples[r])) for i, r in enumerate(rhythms)]
day = np.concatenate([samples[r][i].T for r, i in which])
folder = tempfile.mkdtemp()
wfdb.wrsamp(
    "day", fs=100, units=["mV"] * 4, sig_name=LEADS, d_signal=day, fmt=["16"] * 4,
    adc_gain=[1000] * 4, baseline=[0] * 4, write_dir=folder,
)  # fmt: skip
del day

# %%
# Ask every window
# ----------------
# Leads III, aVR, aVL and aVF follow from I and II; four chest leads stay missing, of which a
# warning tells. bfloat16 is taken where the processor has it.
import warnings

from merit_sk import MeritEmbedder, MeritZeroShotClassifier, read_ecg

record = read_ecg(folder).data
embedder = MeritEmbedder(inference_precision="auto")
classes = ["AFIB", "SR", "STACH", "SBRAD"]
zero = MeritZeroShotClassifier(embedder, classes=classes, multi_label=True).fit(record)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    ((times, chances),) = zero.predict_proba_windows(record)
print(record, chances.shape)

# %%
# From windows to episodes
# ------------------------
# A window is taken for fibrillation above the operating point that is stored with the weights. Of
# windows that come again one is counted.
from scipy.ndimage import label, median_filter

k = list(zero.classes_).index("AFIB")
truth = in_af[(times // STRETCH).astype(int)]
found = chances[:, k] >= zero.thresholds_[k]
first = [which.index(one) for one in set(which)]
once = np.isin(times // STRETCH, first)
print(f"{(found & truth & once).sum()} of {(truth & once).sum()} windows of fibrillation found")
print(f"{(found & ~truth & once).sum()} of {(~truth & once).sum()} others taken for it")

# %%
# A single window may be wrong, and an episode is what lasts: the median of five minutes.
lasting = median_filter(found.astype(int), 31, mode="nearest").astype(bool)
numbers, n_episodes = label(lasting)
for number in range(1, n_episodes + 1):
    inside = times[numbers == number]
    print(f"episode from {inside[0] / 3600:.2f} h to {(inside[-1] + 10) / 3600:.2f} h")
print("true:", EPISODES)

# %%
# What one sees over the day
# --------------------------
import matplotlib.pyplot as plt

from merit_sk.inspection import TimelineDisplay

strips = np.column_stack([truth, lasting, chances])
names = ["AFIB, true", "AFIB, lasting", *zero.classes_]
thresholds = np.concatenate([[0.5, 0.5], zero.thresholds_])
TimelineDisplay.from_predictions(times, strips, names, threshold=thresholds, title="One day")
plt.show()

# %%
# Stripes are stretches that take turns, each of another person: at night both are answered with
# bradycardia, one of them more surely than the other.
#
# ``embedder.transform_windows(record)`` gives the embedding of every window in the same way, for a
# classifier of your own or for clusters.
#
# On a real recording the boundaries are not known. Look at windows around those that are found
# (``record.read_range``) before you believe them. This page shows how it is done, not how well it
# works: simulated stretches resemble those of pretraining, and nobody moves. On real days of
# walking about nothing has been measured.
