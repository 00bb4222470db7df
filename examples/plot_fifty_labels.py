"""
Fifty labels
============

Labels are what a hospital has least of. Here fifty recordings carry one, and a linear probe has to
make do with them: on the embedding that comes with the package, on that of a random encoder, and on
simple summary statistics.

The recordings are simulated, and so were most that ``merit-tiny`` was pretrained on: it knows this
simulator, though not these recordings. For real ones, and more rivals, see :doc:`/results`, "How
many labels".
"""

# %%
# Recordings with one label each
# ------------------------------
# Is the conduction of the ventricles disturbed (superclass CD)?
import numpy as np

from merit_sk.datasets import make_ecg

ecg = make_ecg(850, task="superclass", random_state=2026)
y = ecg.target[:, ecg.target_names.index("CD")]
train, test = np.arange(250), np.arange(250, 850)
print(ecg.data, f"{y.mean():.0%} with CD")

# %%
# Three kinds of features, none of which needs a label
# ----------------------------------------------------
from scipy.stats import kurtosis, skew

from merit_sk import MeritEmbedder


def summary(X):
    """Moments of every lead and of its slope."""
    parts = [X, np.diff(X, axis=-1)]
    moments = [f(part, axis=-1) for part in parts for f in (np.mean, np.std, skew, kurtosis)]
    extremes = [f(part, axis=-1) for part in parts for f in (np.min, np.max)]
    return np.nan_to_num(np.concatenate(moments + extremes, axis=1))  # flat leads have no skew


features = {
    "merit-tiny": MeritEmbedder().fit_transform(ecg.data),
    "random encoder": MeritEmbedder(pretrained=None, max_epochs=0, random_state=0).fit_transform(
        ecg.data
    ),
    "summary statistics": summary(np.asarray(ecg.data)),
}

# %%
# Fifty labels, and fewer
# -----------------------
# The same ridge probe for all, its penalty chosen by leave-one-out on the labels there are. Twenty
# random subsets of labels each.
import warnings

from sklearn.linear_model import RidgeClassifierCV
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def aucs(Z, n_labels, n_repeats=20):
    """AUC on the test records, for several random subsets of labeled records."""
    aucs = []
    for seed in range(n_repeats):
        rng = np.random.default_rng(seed)
        both = [rng.choice(train[y[train] == k], n_labels // 2, replace=False) for k in (0, 1)]
        rows = np.concatenate(both)
        probe = make_pipeline(StandardScaler(), RidgeClassifierCV(np.logspace(0, 6, 13)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a penalty at the end of the grid
            probe.fit(Z[rows], y[rows])
        aucs.append(roc_auc_score(y[test], probe.decision_function(Z[test])))
    return np.array(aucs)


sizes = (10, 20, 50)
results = {name: [aucs(Z, n) for n in sizes] for name, Z in features.items()}
for name, by_size in results.items():
    means = [f"{a.mean():.3f} ± {a.std():.3f}" for a in by_size]
    print(f"{name:20s}", dict(zip(sizes, means, strict=True)))

# %%
import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for k, (name, by_size) in enumerate(results.items()):
    means, spread = ([f(a) for a in by_size] for f in (np.mean, np.std))
    ax.errorbar(np.array(sizes) * (1 + 0.03 * k), means, spread, marker="o", capsize=3, label=name)
ax.set_xscale("log")
ax.set_xticks(sizes, [str(n) for n in sizes])
ax.minorticks_off()
ax.set(xlabel="labeled recordings", ylabel="AUC on 600 others", title="Conduction disturbance")
ax.legend(frameon=False)
plt.show()

# %%
# No label at all
# ---------------
# Zero-shot classification needs none: the class is described in words.
from merit_sk import MeritZeroShotClassifier

zero = MeritZeroShotClassifier(classes="superclass")
scores = zero.fit(ecg.data).decision_function(ecg.data[test])
cd = scores[:, list(zero.classes_).index("CD")]
print(f"zero-shot: {roc_auc_score(y[test], cd):.3f}")
