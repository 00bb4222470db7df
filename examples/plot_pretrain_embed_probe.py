"""
Pretrain, embed, probe
======================

Pretrain an encoder on recordings and their reports, embed recordings with it, and see how much a
linear classifier can read from the embedding. The same classifier on the embedding of a random
encoder is the baseline to beat.
"""

# %%
# Recordings with reports
# -----------------------
# :func:`~merit_sk.datasets.make_ecg` simulates twelve-lead ECGs with PTB-XL statements and English
# reports. :func:`~merit_sk.datasets.load_ptbxl` returns real ones in the same form.
from merit_sk.datasets import make_ecg
from merit_sk.inspection import ECGDisplay

ecg = make_ecg(400, task="superclass", random_state=0)
train, test = ecg.folds <= 8, ecg.folds > 8
print(ecg.data)

# %%
display = ECGDisplay.from_records(ecg.data, 3)

# %%
# Pretraining
# -----------
# No label is used. ``reports`` could be left out here, because these
# :class:`~merit_sk.ECGRecords` carry them.
from merit_sk import MeritEmbedder

embedder = MeritEmbedder(pretrained=None, max_epochs=6, random_state=0)
embedder.fit(ecg.data[train], reports=ecg.reports[train])

# %%
# Both halves of the objective are lower bounds on mutual information, so their progress has a unit:
# how many nats at least the embedding tells of the report, and the visible part of a signal of a
# sample of the hidden part.
from merit_sk.inspection import PretrainingDisplay

display = PretrainingDisplay.from_estimator(embedder)

# %%
# Masked modeling hides blocks of lead and time, and fills them in from the rest. After so few
# epochs it knows where the beats are, and little of their shape.
from merit_sk.inspection import ReconstructionDisplay

display = ReconstructionDisplay.from_estimator(embedder, ecg.data[test], random_state=0)

# %%
# A linear probe
# --------------
# The embedding goes into any classifier. ``FrozenEstimator`` keeps the pipeline from pretraining
# again; without it, a pipeline around ``MeritEmbedder(pretrained=None)`` pretrains on its training
# data.
import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import RidgeClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from merit_sk.metrics import bootstrap_interval, macro_auc

baseline = MeritEmbedder(pretrained=None, max_epochs=0, random_state=0).fit(ecg.data[train])
for name, frozen in {"random encoder": baseline, "MERIT": embedder}.items():
    probe = make_pipeline(
        FrozenEstimator(frozen), StandardScaler(), RidgeClassifierCV(np.logspace(0, 6, 13))
    )
    probe.fit(ecg.data[train], ecg.target[train])
    scores = probe.decision_function(ecg.data[test])
    auc = bootstrap_interval(macro_auc, ecg.target[test], scores, random_state=0)
    print(f"{name:15} macro AUC {auc}")

# %%
# So short a pretraining on a few hundred recordings buys nothing: the difference is far inside the
# intervals. On real recordings :doc:`/results` has the weights in the package, which have seen
# more, beside a random encoder.

# %%
# Keeping the model
# -----------------
# A model is a folder with ``config.json`` and ``model.safetensors``. Its preprocessing (sampling
# rate, leads, filter, normalization) travels with the weights.
import tempfile

with tempfile.TemporaryDirectory() as folder:
    embedder.save_pretrained(folder)
    again = MeritEmbedder.from_pretrained(folder)
print(again.window_)

# sphinx_gallery_thumbnail_number = 2
