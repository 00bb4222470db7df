"""
Grid search and Optuna
======================

The embedder is an estimator like others: its parameters are searched together with those of the
classifier behind it, with the reports cut along with the recordings. And a study can stop hopeless
pretraining early, by the bound on validation data.
"""

# %%
# Searching both steps of a pipeline
# ----------------------------------
# With the weights in the box nothing is trained but the classifier. ``cache=True`` keeps embeddings
# by the recording, so that each is computed once for every read-out, and not once for every ``C``
# and fold. A pipeline's own ``memory`` would keep those of training folds only.
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline

from merit_sk import MeritEmbedder
from merit_sk.datasets import make_ecg

ecg = make_ecg(200, task="superclass", random_state=4)
conduction = ecg.target[:, ecg.target_names.index("CD")]
columns = ["mean_test_score", "std_test_score"]

clf = Pipeline([("merit", MeritEmbedder(cache=True)), ("clf", LogisticRegression())])
grid = {"merit__readout": ["all", "last"], "clf__C": [0.01, 0.1, 1]}
search = GridSearchCV(clf, grid, scoring="roc_auc", cv=GroupKFold(3))
search.fit(ecg.data, conduction, groups=ecg.groups)
results = pd.DataFrame(search.cv_results_)
print(results[["param_merit__readout", "param_clf__C", *columns]].round(3).to_string(index=False))

# %%
# Searching parameters of pretraining
# -----------------------------------
# Reports are passed to the step by its name. With metadata routing switched on, ``reports=`` alone
# would do.
clf = Pipeline(
    [
        ("merit", MeritEmbedder(pretrained=None, max_epochs=2, random_state=0)),
        ("clf", LogisticRegression()),
    ]
)
grid = {"merit__structure_weight": [0, 0.5]}
search = GridSearchCV(clf, grid, scoring="roc_auc", cv=2)
search.fit(ecg.data[:80], conduction[:80], merit__reports=ecg.reports[:80])
results = pd.DataFrame(search.cv_results_)
print(results[["param_merit__structure_weight", *columns]].round(3).to_string(index=False))

# %%
# A study that prunes
# -------------------
# :func:`~merit_sk.tune` hands parameters of pretraining to Optuna. It compares trials by the bound
# on the mutual information with the reports, on a quarter of the recordings, and uses no label.
# Trials that fall behind are stopped early.
#
# The bound measures alignment with the reports and nothing else. It cannot say what masked modeling
# is worth, so search ``structure_weight`` with labels, as above. Here it is 0, which takes about
# half the time.
import optuna
from optuna.distributions import FloatDistribution

from merit_sk import tune

optuna.logging.set_verbosity(optuna.logging.WARNING)

candidate = MeritEmbedder(
    pretrained=None,
    structure_weight=0,
    max_epochs=3,
    batch_size=16,
    validation_fraction=0.25,
    random_state=0,
)
study = tune(
    candidate,
    ecg.data,
    {
        "lr": FloatDistribution(1e-5, 1e-2, log=True),
        "weight_decay": FloatDistribution(1e-3, 1, log=True),
    },
    reports=ecg.reports,
    n_trials=5,
    study=optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=2),
    ),
)
table = study.trials_dataframe(attrs=("number", "params", "state", "value"))
print(table.round(4).to_string(index=False))

# %%
import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for trial in study.trials:
    values = trial.intermediate_values
    style = "--" if trial.state.name == "PRUNED" else "-"
    label = f"lr {trial.params['lr']:.0e} ({trial.state.name.lower()})"
    ax.plot(list(values), list(values.values()), style, marker="o", label=label)
ax.set(xlabel="epoch", ylabel="validation bound on I(Z; report), nats")
ax.set_xticks(range(1, candidate.max_epochs + 1))
legend = ax.legend()

# %%
# A bound below zero says that the embedding tells nothing of the report yet. Three epochs of few
# recordings show how a search is done, not which learning rate is right.
