"""tune: Optuna on the bounds of pretraining."""

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from merit_sk import MeritEmbedder, tune

optuna.logging.set_verbosity(optuna.logging.WARNING)


@pytest.fixture
def embedder(tiny):
    return MeritEmbedder(**(tiny | {"max_epochs": 4, "validation_fraction": 0.3}))


def queued(*values, **options):
    """A study that tries these learning rates first."""
    study = optuna.create_study(direction="maximize", **options)
    for lr in values:
        study.enqueue_trial({"lr": lr})
    return study


LR = {"lr": FloatDistribution(1e-9, 1e30, log=True)}


def states(study):
    return [trial.state.name for trial in study.trials]


def test_hopeless_trials_are_pruned_and_the_best_is_found(embedder, ecg):
    pruner = optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=1)
    study = queued(1e-2, 3e-3, 1e-9, pruner=pruner)
    tune(embedder, ecg.data, LR, metric="valid_mi_signal", n_trials=3, study=study)
    assert states(study) == ["COMPLETE", "COMPLETE", "PRUNED"]
    assert study.best_params == {"lr": 1e-2}
    assert len(study.trials[2].intermediate_values) < 4


def test_value_is_that_of_a_fit_with_these_parameters(embedder, ecg):
    before = embedder.get_params()
    study = tune(embedder, ecg.data, LR, n_trials=1, study=queued(3e-3))
    assert embedder.get_params() == before and not hasattr(embedder, "model_")
    fitted = embedder.set_params(**study.best_params).fit(ecg.data)
    assert study.best_value == fitted.history_[-1]["valid_mi_text"]
    assert list(study.trials[0].intermediate_values.values()) == [
        row["valid_mi_text"] for row in fitted.history_
    ]


def test_without_reports_the_signal_counts(embedder, ecg):
    X = np.asarray(ecg.data)
    study = tune(embedder, X, LR, n_trials=1, study=queued(3e-3))
    assert study.best_value == embedder.set_params(lr=3e-3).fit(X).history_[-1]["valid_mi_signal"]


def test_diverging_trials_fail_and_the_search_goes_on(embedder, ecg):
    study = tune(embedder, ecg.data, LR, n_trials=2, study=queued(1e30, 1e-3))
    assert states(study) == ["FAIL", "COMPLETE"]


def test_equal_seeds_give_equal_trials(embedder, ecg):
    space = {"structure_weight": CategoricalDistribution([0.2, 0.5]), "lr": LR["lr"]}
    space["lr"] = FloatDistribution(1e-4, 1e-2, log=True)
    runs = [tune(embedder, ecg.data, space, n_trials=2, random_state=1) for _ in range(2)]
    a, b = ([(t.params, t.value) for t in study.trials] for study in runs)
    assert a == b and {"lr", "structure_weight"} == set(a[0][0])


def test_errors(embedder, ecg):
    with pytest.raises(ValueError, match="set validation_fraction"):
        tune(embedder.set_params(validation_fraction=0), ecg.data, LR)
    study = queued(1e-3)
    with pytest.raises(ValueError, match="reports"):
        tune(embedder.set_params(validation_fraction=0.3), ecg.data, LR, reports=["x"], study=study)
    assert states(study) == ["FAIL"]
