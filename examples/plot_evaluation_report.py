"""
Reading the evaluation report
=============================

``python -m merit_sk.experiment`` pretrains and judges several models and writes a report. Here it
runs on few simulated recordings, and its tables are read one by one.
"""

# %%
# The command
# -----------
# From Python it is the same command. MERIT stands beside a random encoder and beside alignment
# without masked modelling, on two tasks. What it prints is also in ``report.html``, with figures.
import tempfile
from pathlib import Path

from merit_sk.experiment.command import main

output = Path(tempfile.mkdtemp())
main([
    "--simulated", "400", "--max-epochs", "4", "--models", "alignment", "merit",
    "--tasks", "superclass", "rhythm", "--fractions", "0.1", "1", "--n-draws", "3",
    "--min-positives", "3", "--n-jobs", "1", "--output", str(output),
])  # fmt: skip

# %%
# How to read the tables
# ----------------------
# - **Linear probe, all training labels.** The bracket is the 95 % bootstrap interval over the test
#   patients: how far the figure would move with other patients. With forty test records it is wide,
#   and the order of the rows says little.
# - **10 % of the labels.** ± is the spread over draws of labels, a different uncertainty.
# - **Zero-shot.** A row is worth something if it beats "nearest reports": the reports of the ten
#   most similar training records, searched for the same phrases, without any alignment.
# - **MERIT minus the others.** The only table that answers which model is better: both meet the same
#   patients, and a bracket that holds 0 means that these records cannot tell.
#
# The same figures are in csv files.
import pandas as pd

gaps = pd.read_csv(output / "comparisons.csv")
columns = ["task", "fraction", "model", "difference", "low", "high", "p_value"]
gaps[gaps.protocol == "probe"][columns].round(3)

# %%
# The p-value says whether a bracket holds 0, in one number. It is not corrected for the number of
# comparisons: of twenty models that are all alike, one will look different.

# %%
# Curves and classes
# ------------------
import matplotlib.pyplot as plt

from merit_sk.inspection import ProbeCurveDisplay

summary = pd.read_csv(output / "summary.csv").query("protocol == 'probe'")
figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
for ax, (task, part) in zip(axes, summary.groupby("task"), strict=True):
    part = part.rename(columns={"macro_auc": "mean", "sd_draws": "std"})
    ProbeCurveDisplay(dict(list(part.groupby("model")))).plot(ax=ax)
    ax.set_title(task)

# %%
# A macro average hides its classes. Those with fewer positives than ``--min-positives`` are in
# ``classes.csv``, but not in the average.
classes = pd.read_csv(output / "classes.csv").query("protocol == 'probe' and model == 'MERIT'")
classes[["task", "target", "n_positives", "auc", "included"]].round(3)

# %%
# Going on
# --------
# The folder also holds the weights and the embeddings. The same command with more tasks, fractions
# or data sets does not train again.
from merit_sk import MeritEmbedder

folder = next((output / "models").glob("MERIT-*"))
print(MeritEmbedder.from_pretrained(folder / "model").window_)
print(sorted(path.name.split("-")[0] for path in output.iterdir()))
