"""
Read your own WFDB folder
=========================

Leads in another order, microvolts instead of millivolts, recordings of different lengths, a file
that is broken, and reports in a table: what a folder of real recordings looks like, and what it
takes to use it.
"""

# %%
# A folder as one finds it
# ------------------------
# We write one here, from simulated ECGs. The names of the leads differ from record to record, and
# so do their units, order and durations; one signal file is cut off.
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import wfdb

from merit_sk.datasets import make_ecg

folder = Path(tempfile.mkdtemp())
simulated = make_ecg(6, statements=["NORM", "AFIB", "CLBBB"], sampling_rate=500, random_state=0)
spellings = [
    ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"],
    ["DI", "DII", "DIII", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"],
    [f"MDC_ECG_LEAD_{n}" for n in "I II III aVR aVF aVL V1 V2 V3 V4 V5 V6".split()],
]
for i, signal in enumerate(np.asarray(simulated.data)):
    leads = spellings[i % 3]
    order = [0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10, 11] if i % 3 == 2 else range(12)
    unit, factor = [("mV", 1), ("uV", 1000)][i % 2]
    wfdb.wrsamp(
        f"ecg{i}",
        fs=500,
        units=[unit] * 12,
        sig_name=leads,
        p_signal=factor * signal[list(order), : 5000 - 500 * i].T.astype(float),
        fmt=["16"] * 12,
        write_dir=str(folder),
    )
(folder / "ecg4.dat").write_bytes(b"the disk was full")
pd.DataFrame({"report": simulated.reports}, index=[f"ecg{i}" for i in range(6)]).to_csv(
    folder / "reports.csv"
)

# %%
# Read it
# -------
# ``read_wfdb`` reads and checks headers; signals are read when they are needed, and a file that is
# cut off is an error only then. With ``errors="skip"`` all signals are read once now, and what
# cannot be used is left out and listed in ``ecg.skipped``.
import warnings

from merit_sk.datasets import read_wfdb

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    ecg = read_wfdb(folder, table=folder / "reports.csv", errors="skip")
print(caught[0].message)

# %%
# Leads have standard names and order, and everything is in millivolts.
print(ecg.data)
print(ecg.data.lead_names)
print(ecg.reports[1])

# %%
# Use it like an array
# --------------------
# Slices stay on disk; an integer reads one recording. Views that cut, resample or choose leads
# are lazy, too.
same_length = ecg.data.with_duration(5).resampled(100)
X = np.asarray(same_length)
print(same_length, "->", X.shape, X.dtype)

# %%
from sklearn.model_selection import KFold

for train, test in KFold(2, shuffle=True, random_state=0).split(same_length):
    print(same_length[train].record_names, same_length[test].record_names)

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(len(X), sharex=True, figsize=(8, 6), layout="constrained")
for axis, signal, name, report in zip(axes, X, ecg.data.record_names, ecg.reports, strict=True):
    axis.plot(np.arange(500) / 100, signal[1], linewidth=1)
    axis.set_title(f"{name}: {report[:80]}", fontsize="small", loc="left")
axes[-1].set_xlabel("time (s)")
figure.supylabel("lead II (mV)")
plt.show()
