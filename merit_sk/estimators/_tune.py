"""Hyperparameter search for pretraining with Optuna, without labels."""

from sklearn.base import clone
from skorch.callbacks import Callback


def tune(embedder, X, space, *, reports=None, metric=None, n_trials=20, study=None,
         random_state=None):  # fmt: skip
    """Search parameters of pretraining by the mutual information on validation recordings.

    Every trial pretrains a clone of the embedder. Trials whose bound is below the median of earlier
    trials are stopped early; those in which training diverges count as failed. No label is used.

    Parameters
    ----------
    embedder : MeritEmbedder
        Stays as it is. Its `validation_fraction` must be positive.
    X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
        Recordings in mV.
    space : dict from str to optuna.distributions.BaseDistribution
        Parameters of the embedder to search, with their distributions. Bounds of different batch
        sizes or networks can be compared, bounds of different masks or windows cannot.
    reports : array-like of str of shape (n_samples,) or None, default=None
        As in :meth:`~merit_sk.MeritEmbedder.fit`.
    metric : str or None, default=None
        Entry of `history_` to maximize; None is ``"valid_mi_text"`` where reports are given or
        carried by `X`, ``"valid_mi_signal"`` otherwise.
    n_trials : int, default=20
    study : optuna.Study or None, default=None
        Study to continue, which may be shared with other processes through its storage. None
        creates one in memory, with the TPE sampler and the median pruner.
    random_state : int or None, default=None
        Seed of the sampler of a new study.

    Returns
    -------
    study : optuna.Study
        ``embedder.set_params(**study.best_params)`` sets what was found.

    Examples
    --------
    >>> from optuna.distributions import FloatDistribution
    >>> from merit_sk import MeritEmbedder
    >>> from merit_sk.datasets import make_ecg
    >>> from merit_sk import tune
    >>> ecg = make_ecg(32, duration=2, random_state=0)
    >>> embedder = MeritEmbedder(
    ...     encoder={"widths": [8, 8], "patch": 4}, pretrained=None, duration=2, max_epochs=1,
    ...     validation_fraction=0.25, random_state=0)
    >>> space = {"lr": FloatDistribution(1e-4, 1e-2, log=True)}
    >>> study = tune(embedder, ecg.data, space, n_trials=2, random_state=0)
    >>> list(study.best_params), len(study.trials)
    (['lr'], 2)
    """
    import optuna
    from optuna.trial import TrialState

    if not embedder.validation_fraction > 0:
        raise ValueError("tune needs validation recordings: set validation_fraction, e.g. 0.2")
    if metric is None:
        paired = reports is not None or getattr(X, "reports", None) is not None
        metric = "valid_mi_text" if paired else "valid_mi_signal"
    if study is None:
        study = optuna.create_study(
            direction="maximize",
            sampler=optuna.samplers.TPESampler(seed=random_state),
            pruner=optuna.pruners.MedianPruner(),
        )
    for _ in range(n_trials):
        trial = study.ask(space)
        candidate = clone(embedder).set_params(**trial.params)
        candidate.set_params(callbacks=[*candidate.callbacks, Pruning(trial, metric)])
        try:
            candidate.fit(X, reports=reports)
        except optuna.TrialPruned:
            study.tell(trial, state=TrialState.PRUNED)
        except FloatingPointError:
            study.tell(trial, state=TrialState.FAIL)
        except BaseException:
            study.tell(trial, state=TrialState.FAIL)
            raise
        else:
            study.tell(trial, candidate.history_[-1][metric])
    return study


class Pruning(Callback):
    """Report a metric to an Optuna trial after every epoch, and stop where the pruner says so.

    Parameters
    ----------
    trial : optuna.Trial
    metric : str
        Entry of the net's history, for example ``"valid_mi_text"``.
    """

    def __init__(self, trial, metric):
        self.trial, self.metric = trial, metric

    def on_epoch_end(self, net, **kwargs):
        import optuna

        self.trial.report(net.history[-1, self.metric], step=len(net.history))
        if self.trial.should_prune():
            raise optuna.TrialPruned(f"after epoch {len(net.history)}")
