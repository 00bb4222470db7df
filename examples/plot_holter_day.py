"""
A day of Holter
===============

Twenty-four hours of ECG are 8,640 windows of ten seconds. When was the rhythm not sinus rhythm, and
for how long? The recording is read and embedded piece by piece, so that memory does not grow with
its length.
"""

# %%
# A day, written as WFDB
# ----------------------
# Four leads, as a Holter recorder may have them. The day is made of simulated stretches of five
# minutes that are repeated: sinus rhythm, slow at night, with three episodes of atrial
# fibrillation. Every stretch is another simulated person, where a real day has one.
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

bits = {
    rhythm: np.round(1000 * np.asarray(data.with_leads(LEADS))).astype(np.int16)
    for rhythm, data in stretches.items()
}
day = np.concatenate([bits[r][i % len(bits[r])].T for i, r in enumerate(rhythms)])
folder = tempfile.mkdtemp()
wfdb.wrsamp(
    "day", fs=100, units=["mV"] * 4, sig_name=LEADS, d_signal=day, fmt=["16"] * 4,
    adc_gain=[1000] * 4, baseline=[0] * 4, write_dir=folder,
)  # fmt: skip
del day

# %%
# Ask every window
# ----------------
# Leads III, aVR, aVL and aVF follow from I and II; four chest leads stay missing, of which a warning
# tells. bfloat16 is taken where the processor has it.
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
# A window is taken for fibrillation above the operating point that is stored with the weights. A
# single one may be wrong, and an episode is what lasts: the median of five minutes.
from scipy.ndimage import label, median_filter

k = list(zero.classes_).index("AFIB")
truth = in_af[(times // STRETCH).astype(int)]
windows = chances[:, k] >= zero.thresholds_[k]
lasting = median_filter(windows.astype(int), 31, mode="nearest").astype(bool)
for name, found in {"single windows": windows, "median of five minutes": lasting}.items():
    print(
        f"{name}: {found[truth].mean():.1%} of fibrillation found, "
        f"{found[~truth].mean():.1%} of the rest taken for it"
    )
numbers, n_episodes = label(lasting)
for number in range(1, n_episodes + 1):
    inside = times[numbers == number]
    print(f"episode from {inside[0] / 3600:.2f} h to {(inside[-1] + 10) / 3600:.2f} h")

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
# ``embedder.transform_windows(record)`` gives the embedding of every window in the same way, for a
# classifier of your own or for clusters.
#
# On a real recording the boundaries are not known. Look at windows around those that are found
# (``record.read_range``) before you believe them. That all is found here says little: simulated
# stretches resemble those of pretraining, and nobody moves. For a day of walking about nothing has
# been measured.
