"""
Serve an encoder with onnxruntime
=================================

One file holds everything from millivolts to the embedding: band-pass filter, standardization,
encoder, read-out. Where it runs, neither PyTorch nor this library is needed. Needs
``pip install 'merit_sk[onnx]'``.
"""

# %%
# Export
# ------
import tempfile
from pathlib import Path

from merit_sk import MeritEmbedder

path = Path(tempfile.mkdtemp()) / "merit.onnx"
embedder = MeritEmbedder()
embedder.to_onnx(path)
f"{path.stat().st_size / 1e6:.1f} MB"

# %%
# Run
# ---
# The metadata say what the model wants.
import onnxruntime

session = onnxruntime.InferenceSession(path)
session.get_modelmeta().custom_metadata_map

# %%
import numpy as np

from merit_sk.datasets import make_ecg

ecg = make_ecg(64, random_state=0)
signal = np.asarray(ecg.data)  # (n, 12, 1000), float32 in mV
(Z,) = session.run(["embedding"], {"signal": signal})
Z.shape, float(np.abs(Z - embedder.transform(ecg.data)).max())

# %%
# Recordings longer than a window
# -------------------------------
# These are cut by the caller, and the embeddings of the windows averaged. ``transform`` filters
# before it cuts; the graph sees one window at a time. How much that matters: against the
# differences between one recording and another, little.
long = make_ecg(30, duration=60, random_state=1).data
windows = np.asarray(long).reshape(30, 12, 6, 1000).swapaxes(1, 2)
mean = np.array([session.run(None, {"signal": one})[0].mean(axis=0) for one in windows])
own = embedder.transform(long)
to_own = np.linalg.norm(mean - own, axis=1)
to_others = np.linalg.norm(own[:, None] - own[None], axis=2)[np.triu_indices(30, 1)]
float(np.median(to_own)), float(np.median(to_others))

# %%
import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
bins = np.linspace(0, to_others.max(), 60)
ax.hist(to_own, bins, density=True, label="cut by the caller, and by transform")
ax.hist(to_others, bins, density=True, alpha=0.6, label="two recordings")
ax.set(xlabel="distance between embeddings", ylabel="density")
ax.legend(frameon=False)
plt.show()
