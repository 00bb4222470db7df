"""
Serve an encoder with onnxruntime
=================================

One file holds everything from millivolts to the embedding: band-pass filter, standardization,
encoder, read-out. Where it runs, neither PyTorch nor this library is needed. Writing it needs
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
# The metadata say what the model wants: rate, leads, unit and length.
import onnxruntime

session = onnxruntime.InferenceSession(path)
session.get_modelmeta().custom_metadata_map

# %%
import numpy as np

from merit_sk.datasets import make_ecg

ecg = make_ecg(64, random_state=0)
signal = np.asarray(ecg.data)  # (n, 12, 1000), float32 in mV
(Z,) = session.run(["embedding"], {"signal": signal})
print(
    Z.shape,
    f"largest difference to transform: {np.abs(Z - embedder.transform(ecg.data)).max():.1e}",
)

# %%
# Recordings longer than a window
# -------------------------------
# The graph takes one window. Cut longer recordings yourself and average the embeddings.
# ``transform`` does the same, but filters the whole recording before it cuts, so that embeddings
# differ by what the filter does at the ends of windows. That is little, beside how much two
# recordings differ.
long = make_ecg(30, duration=60, random_state=1).data
windows = np.asarray(long).reshape(30, 12, 6, 1000).swapaxes(1, 2)
mean = np.array([session.run(None, {"signal": one})[0].mean(axis=0) for one in windows])
own = embedder.transform(long)
to_own = np.linalg.norm(mean - own, axis=1)
to_others = np.linalg.norm(own[:, None] - own[None], axis=2)[np.triu_indices(30, 1)]
print(f"median distance to transform: {np.median(to_own):.2f}")
print(f"median distance of two recordings: {np.median(to_others):.2f}")

# %%
import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
bins = np.linspace(0, to_others.max(), 60)
ax.hist(to_own, bins, density=True, label="windows cut here, and transform")
ax.hist(to_others, bins, density=True, alpha=0.6, label="two recordings")
ax.set(xlabel="distance between embeddings", ylabel="density")
ax.legend(frameon=False)
plt.show()
