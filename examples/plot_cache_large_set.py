"""
Cache a large set
=================

A million small files are slow to read, and a million ECGs do not fit in memory. ``cache`` turns
any collection, once, into a few large files of 16-bit integers. Training then reads batches from
there.
"""

# %%
# Some recordings
# ---------------
# They are written to WFDB files first, as you would have them.
import tempfile
import time
from pathlib import Path

import numpy as np
import wfdb

from merit_sk.datasets import make_ecg, read_wfdb

folder = Path(tempfile.mkdtemp())
(folder / "wfdb").mkdir()
simulated = make_ecg(200, sampling_rate=500, random_state=0)
for name, signal in zip(simulated.data.record_names, simulated.data, strict=True):
    wfdb.wrsamp(
        name,
        fs=500,
        units=["mV"] * 12,
        sig_name=list(simulated.data.lead_names),
        p_signal=signal.T.astype(float),
        fmt=["16"] * 12,
        adc_gain=[1000.0] * 12,
        baseline=[0] * 12,
        write_dir=str(folder / "wfdb"),
    )
records = read_wfdb(folder / "wfdb").data
print(records)

# %%
# One call
# --------
# What is cached is what you see: here the recordings at 100 Hz. ``n_jobs=-1`` would share the work
# between all cores. If it is stopped, even killed, the next call goes on where it was; if the
# folder is complete, it is opened at once.
at_100 = records.resampled(100)
cached = at_100.cache(folder / "at 100 Hz")
print(cached)

start = time.perf_counter()
cached = at_100.cache(folder / "at 100 Hz")
print(f"opened in {1000 * (time.perf_counter() - start):.0f} ms")

# %%
# The rounding is far below the noise of an electrocardiograph.
error = np.abs(np.asarray(cached[:50]) - np.asarray(at_100[:50])).max()
print(f"largest difference {1000 * error:.2f} µV")

# %%
# Recordings at their own sampling rate come back exactly, integer for integer, and take as much
# space as their files. At 100 Hz there are a fifth of the samples, and four of the limb leads,
# which follow from I and II to within the rounding, are not stored.
exact = records.cache(folder / "at 500 Hz")
print(np.array_equal(np.asarray(exact[:50]), np.asarray(records[:50])))
for name in ("wfdb", "at 500 Hz", "at 100 Hz"):
    n_bytes = sum(path.stat().st_size for path in (folder / name).iterdir())
    print(f"{name}: {n_bytes / 1e6:.1f} MB")

# %%
# How fast
# --------
# Recordings at 500 Hz, one by one with wfdb, in batches of 50 otherwise; the best of three rounds.
# The files were written just now and lie in memory: on a disk all three wait longer.


def read_wfdb_loop():
    for name in records.record_names:
        wfdb.rdrecord(str(folder / "wfdb" / name))


def read_batches(collection):
    for start in range(0, len(collection), 50):
        np.asarray(collection[start : start + 50])


def seconds(call, *arguments):
    times = []
    for _ in range(3):
        start = time.perf_counter()
        call(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


times = {
    "wfdb": seconds(read_wfdb_loop),
    "ECGRecords": seconds(read_batches, records),
    "cache": seconds(read_batches, exact),
}

# %%
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(7, 2.2), layout="constrained")
rates = {name: len(records) / value for name, value in times.items()}
bars = axis.barh(list(rates), list(rates.values()))
axis.bar_label(bars, fmt="{:,.0f}", padding=3)
axis.set(xlabel="recordings per second (12 leads, 10 s at 500 Hz)")
axis.margins(x=0.15)
axis.invert_yaxis()
plt.show()

# %%
# It is still a collection of records
# -----------------------------------
# Names, leads and reports come along, and everything that takes ``ECGRecords`` takes the cache.
# On another machine the folder alone is enough.
from merit_sk import ECGRecords

again = ECGRecords.from_cache(folder / "at 100 Hz")
print(again[[3, 1]].record_names, again[0].shape)
print(again.check())
