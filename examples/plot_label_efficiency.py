"""
How many labels does a probe need?
==================================

What pretraining is worth shows where labels are few. A linear probe is fitted to 20, 50, 100, 171
and all labels, on a pretrained encoder and on a random one, and both are compared on the same
records. Papers call 171 labels "1 %", of the 17,084 training records of PTB-XL.
"""

# %%
# Two encoders
# ------------
# One is pretrained without labels, shortly and on few recordings, one is not pretrained at all.
from merit_sk import MeritEmbedder
from merit_sk.datasets import make_ecg

ecg = make_ecg(600, task="superclass", random_state=0)
train = ecg.folds <= 8
merit = MeritEmbedder(pretrained=None, max_epochs=5, random_state=0).fit(
    ecg.data[train], reports=ecg.reports[train]
)
random = MeritEmbedder(pretrained=None, max_epochs=0, random_state=0).fit(ecg.data[train])

# %%
# Embed once, probe often
# -----------------------
# :func:`~merit_sk.evaluation.evaluate_probe` takes an embedder, or features that are there already.
# Draws are stratified, by patient, and equal for both models. The penalty is chosen on fold 9; fold
# 10 is only scored. ``n_train`` is the number of records drawn, on average.
from merit_sk.evaluation import evaluate_probe

embedders = {"MERIT": merit, "random encoder": random}
features = {name: embedder.transform(ecg.data) for name, embedder in embedders.items()}
results = {
    name: evaluate_probe(Z, ecg, fractions=(20, 50, 100, 171, 1.0), n_repeats=5)
    for name, Z in features.items()
}
print(results["MERIT"].summary().round(3).to_string(index=False))

# %%
from merit_sk.inspection import ProbeCurveDisplay

display = ProbeCurveDisplay.from_results(results)

# %%
# Which difference is real?
# -------------------------
# Two intervals that overlap do not answer that. :func:`~merit_sk.metrics.compare` resamples the
# patients for both models at once, so that what makes a resample easy for both cancels.
from merit_sk.metrics import compare, macro_auc

ours, theirs = (result.best for result in results.values())
y, groups = results["MERIT"].y_test, results["MERIT"].groups_test
print("MERIT          ", ours.auc)
print("random encoder ", theirs.auc)
print("difference     ", compare(macro_auc, y, ours.scores, theirs.scores, groups=groups,
                                 random_state=0))  # fmt: skip

# %%
# Here it holds 0: with all labels, five epochs on a few hundred recordings bring nothing that sixty
# test records could show. With twenty labels the curves above are far apart.

# %%
# Class by class
# --------------
frame = results["MERIT"].to_frame(per_class=True)
print(frame.pivot_table("auc", ["target", "n_positives"], "labels", sort=False).round(3))

# %%
# Every record tested once
# ------------------------
# One fold of sixty records is few. With ``cv``, the probe is fitted and tested on splits of all of
# them, patients kept together.
for name, Z in features.items():
    print(f"{name:15}", evaluate_probe(Z, ecg, cv=5, fractions=[1.0]))
