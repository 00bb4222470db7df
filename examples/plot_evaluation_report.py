"""
Reading the evaluation report
=============================

``merit-sk compare`` pretrains and evaluates several models and writes a report. Here it runs on few
simulated recordings, from Python, and its tables are read one by one.
"""

# %%
# The experiment
# --------------
# MERIT stands beside a random encoder and beside alignment without masked modeling, on two tasks.
# :func:`~merit_sk.experiment.write_report` puts the tables into ``report.html``, with figures.
import tempfile

from merit_sk import MeritEmbedder
from merit_sk.experiment import load_experiment, run_experiment, write_report

experiment = run_experiment(
    load_experiment(simulated=400),
    output=tempfile.mkdtemp(),
    models=["alignment", "merit"],
    embedder=MeritEmbedder(pretrained=None, max_epochs=4),
    tasks=["superclass", "rhythm"],
    fractions=[50, 1],
    n_repeats=3,
    min_positives=3,
)
path = write_report(experiment)
print(experiment)

# %%
# How to read the tables
# ----------------------
# - **Linear probe, all training labels.** The bracket is the 95 % bootstrap interval over the test
#   patients: how far the figure would move with other patients. With forty test records it is wide,
#   and the order of the rows says little.
# - **50 labels.** ± is the spread over random subsets of labels, a different uncertainty.
# - **Zero-shot.** A row is worth something if it beats "nearest reports": the reports of the ten
#   most similar training records, searched for the same phrases, without any alignment. After four
#   epochs on so few recordings none does on rhythms.
# - **MERIT minus the others.** The only table that answers which model is better: both meet the
#   same patients, and a bracket that holds 0 means that these records cannot tell. With all labels
#   every bracket holds 0; asked in words, MERIT is behind nearest reports on rhythms.
#
# The same figures are data frames, and csv files in the folder.
gaps = experiment.comparisons
columns = ["task", "labels", "model", "difference", "low", "high", "p_value"]
gaps[gaps.protocol == "probe"][columns].round(3)

# %%
# The p-value says in one number whether a bracket holds 0. It is not corrected for the number of
# comparisons: of twenty models that are all alike, about one looks different.

# %%
# Curves and classes
# ------------------
import matplotlib.pyplot as plt

from merit_sk.inspection import ProbeCurveDisplay

summary = experiment.summary.query("protocol == 'probe'")
figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
for ax, (task, part) in zip(axes, summary.groupby("task"), strict=True):
    part = part.rename(columns={"macro_auc": "mean", "sd_repeats": "std"})
    ProbeCurveDisplay(dict(list(part.groupby("model")))).plot(ax=ax)
    ax.set_title(task)

# %%
# A macro average hides its classes. Those with fewer positives than ``min_positives`` are among
# ``classes``, but not in the average.
classes = experiment.classes.query("protocol == 'probe' and model == 'MERIT'")
classes[["task", "target", "n_positives", "auc", "included"]].round(3)

# %%
# Going on
# --------
# The folder also holds the weights and the embeddings. The same call with more tasks, label counts
# or data sets does not train again.
output = experiment.output
folder = next((output / "models").glob("MERIT-*"))
print(MeritEmbedder.from_pretrained(folder / "model").window_)
print(sorted(path.name.split("-")[0] for path in output.iterdir()))
