"""
Grid search and Optuna
======================

The embedder is an estimator like others: its parameters can be searched together with those of
the classifier behind it, with the reports cut along with the recordings. And a study can stop
hopeless pretraining early, by the bound on validation data.
"""

# %%
# Searching both steps of a pipeline
# ----------------------------------
# Reports are passed to the step by its name. With metadata routing switched on, ``reports=`` alone
# would do.
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from merit_sk import MeritEmbedder
from merit_sk.datasets import make_ecg

ecg = make_ecg(240, task="superclass", random_state=0)
abnormal = 1 - ecg.target[:, ecg.target_names.index("NORM")]

clf = Pipeline(
    [
        ("merit", MeritEmbedder(pretrained=None, max_epochs=2, random_state=0)),
        ("scale", StandardScaler()),
        ("clf", LogisticRegression(max_iter=1000)),
    ]
)
search = GridSearchCV(
    clf,
    {"merit__structure_weight": [0, 0.5], "clf__C": [1e-4, 1e-2]},
    scoring="roc_auc",
    cv=GroupKFold(2),
)
search.fit(ecg.data, abnormal, groups=ecg.groups, merit__reports=ecg.reports)
columns = ["param_merit__structure_weight", "param_clf__C", "mean_test_score", "std_test_score"]
print(pd.DataFrame(search.cv_results_)[columns].round(3))

# %%
# Searching only the classifier
# -----------------------------
# When the encoder stays as it is, freeze it: nothing is pretrained again. Cheaper still is to
# embed once and to search on the embeddings.
embedder = MeritEmbedder(pretrained=None, max_epochs=4, random_state=0).fit(ecg.data)
Z = embedder.transform(ecg.data)
head = Pipeline([("scale", StandardScaler()), ("clf", LogisticRegression(max_iter=1000))])
search = GridSearchCV(head, {"clf__C": [1e-5, 1e-4, 1e-3, 1e-2]}, scoring="roc_auc", cv=5)
print(search.fit(Z, abnormal).best_params_)

# %%
# A study that prunes
# -------------------
# :func:`~merit_sk.tune` hands parameters of pretraining to Optuna. It compares
# trials by the bound on the mutual information with the reports, on a quarter of the recordings,
# and uses no label at all. Trials that fall behind are stopped early.
import optuna
from optuna.distributions import FloatDistribution

from merit_sk import tune

optuna.logging.set_verbosity(optuna.logging.WARNING)

candidate = MeritEmbedder(pretrained=None, max_epochs=4, validation_fraction=0.25, random_state=0)
study = tune(
    candidate,
    ecg.data,
    {
        "lr": FloatDistribution(1e-5, 1e-2, log=True),
        "structure_weight": FloatDistribution(0, 0.5),
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

figure, ax = plt.subplots()
for trial in study.trials:
    values = trial.intermediate_values
    style = "--" if trial.state.name == "PRUNED" else "-"
    label = f"lr {trial.params['lr']:.0e} ({trial.state.name.lower()})"
    ax.plot(list(values), list(values.values()), style, marker="o", label=label)
ax.set(xlabel="epoch", ylabel="validation bound on I(Z; report), nats")
ax.set_xticks(range(4))
legend = ax.legend()
