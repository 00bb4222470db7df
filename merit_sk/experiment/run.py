"""An experiment from its settings to its results: fit what is not there, score, and keep all."""

import json
import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from joblib import Parallel, delayed

from ..evaluation import LABEL_COUNTS
from ..nn.checkpoint import write_arrays, write_text
from ..statements import PTBXL_TASKS
from . import tables
from .config import LIGHT_MODELS, MODELS, OTHER_SETS, Settings, digest, versions
from .data import ExperimentData, fingerprint, with_fewer_reports
from .models import fit, left_out_models, trained
from .protocols import Protocols, plan


@dataclass(frozen=True)
class Experiment:
    """A finished experiment, as :func:`run_experiment` returns it.

    Attributes
    ----------
    data : ExperimentData
        Recordings, with the reports that the models saw.
    settings : Settings
        All other arguments of :func:`run_experiment`.
    left_out : dict of str
        Reason by what could not be done.
    models : list
        Fitted models in their folders.
    results : list of dict
        What every model came to, in their order.
    output : Path
        Folder with models, results and tables.
    """

    data: ExperimentData
    settings: Settings
    left_out: dict
    models: list
    results: list
    output: Path

    @cached_property
    def rows(self):
        """Macro AUC by model, seed, protocol, task, label count and repeat: a DataFrame."""
        return tables.row_frame(self.results)[0]

    @cached_property
    def summary(self):
        """Means of `rows` over repeats and seeds, with deviations and intervals: a DataFrame."""
        return tables.summarize(self.results)

    @cached_property
    def comparisons(self):
        """MERIT minus every other model, with paired intervals by patient: a DataFrame."""
        return tables.compare_all(self.results)

    @cached_property
    def classes(self):
        """AUC of every class, with all labels: a DataFrame."""
        import pandas as pd

        return pd.DataFrame([row for r in self.results for row in r["classes"]])

    def __str__(self):
        return tables.format_blocks(self.blocks)

    @cached_property
    def blocks(self):
        """Tables for people: a list of (title, explanation, DataFrame of str)."""
        return tables.blocks(self.summary, self.comparisons)

    @property
    def versions(self):
        """Versions under which each model was fitted, a dict of dict."""
        return {f"{m.name}, seed {m.seed}": m.record["versions"] for m in self.models}

    def config(self):
        """Return where the recordings come from and all settings, as JSON types."""
        return {**self.data.source, **self.settings.to_dict()}

    def counts(self):
        """Count the recordings of every data set, as a list of dict."""
        main, settings = self.data.main, self.settings
        train = np.isin(main.folds, settings.train_folds)
        texts = np.array([isinstance(r, str) and bool(r.strip()) for r in main.reports])
        table = [
            {"data set": self.data.title, "recordings": len(main.data),
             "patients": len(np.unique(main.groups)), "training": int(train.sum()),
             "training, with report": int((train & texts).sum()),
             "validation": int((main.folds == settings.valid_fold).sum()),
             "test": int((main.folds == settings.test_fold).sum())}
        ]  # fmt: skip
        for name, ecg in self.data.others.items():
            n = int(ecg.target.any(axis=1).sum())
            table.append({"data set": OTHER_SETS[name], "recordings": len(ecg.data),
                          "patients": len(np.unique(ecg.groups)), "training": 0,
                          "training, with report": 0, "validation": 0, "test": n})  # fmt: skip
        return table

    def model(self, key):
        """Return the fitted model of the first seed, None if it is not among them."""
        return next((m for m in self.models if m.model == key), None)

    def scores(self, name, protocol, task):
        """Return scores of test records by a model of the first seed, None if there are none."""
        key = "/".join((name, protocol, "main", task))
        found = (r["scores"][key] for r in self.results if key in r["scores"])
        return next(found, None)


def run_experiment(
    data,
    *,
    output,
    models=None,
    embedder=None,
    tasks=PTBXL_TASKS,
    fractions=LABEL_COUNTS,
    n_repeats=5,
    seeds=(0,),
    report_fraction=1.0,
    min_positives=5,
    valid_fold=9,
    test_fold=10,
    n_jobs=None,
    verbose=0,
):
    """Fit models on the same recordings, evaluate them by every protocol, and write the tables.

    Fitted models and results are kept in `output`, by what decides them: settings, signals,
    labels, reports, and the version of the library and of the simulator. The same call goes on
    where it was interrupted; what another version has made is not taken.

    Parameters
    ----------
    data : ExperimentData
        See :func:`load_experiment`.
    output : path-like
        Folder for models, results and tables (``results.csv``, ``summary.csv``,
        ``comparisons.csv``, ``classes.csv``, ``tables.txt``, ``results.json``).
    models : sequence of str or None, default=None
        Among ``"random"``, ``"masked"``, ``"alignment"``, ``"merit"``, ``"summary"``,
        ``"minirocket"``, ``"mantis"``, ``"xresnet"`` and ``"finetuned"``. None takes all, for
        simulated recordings the first five. The random encoder is always there. MiniRocket and
        Mantis are left out, with the reason, where their packages or weights are missing.
    embedder : MeritEmbedder or None, default=None
        Parameters of the pretrained models, with ``pretrained=None``; their objective is the
        model's. None takes the defaults. The random state is the seed.
    tasks : sequence of str, default=all
        PTB-XL tasks.
    fractions : sequence of float, default=(20, 50, 100, 171, 500, 1.0)
        Numbers of training labels for the probe; values up to 1 are fractions of them. See
        :func:`~merit_sk.evaluation.evaluate_probe`.
    n_repeats : int, default=5
        Draws of each size below all.
    seeds : sequence of int, default=(0,)
        All that is random is repeated with each.
    report_fraction : float, default=1.0
        Fraction of the training patients whose reports are shown to the models.
    min_positives : int, default=5
        Positive and negative test recordings that a class needs.
    valid_fold, test_fold : int, default=9 and 10
        Folds to choose and to test on; the others are for training.
    n_jobs : int or None, default=None
        Models fitted at a time.
    verbose : int, default=0
        1 shows progress and what is left out.

    Returns
    -------
    experiment : Experiment

    Raises
    ------
    ValueError
        If nothing can be evaluated; before anything is fitted.

    Examples
    --------
    >>> import tempfile
    >>> from merit_sk import MeritEmbedder
    >>> from merit_sk.experiment import load_experiment, run_experiment
    >>> experiment = run_experiment(
    ...     load_experiment(simulated=100), output=tempfile.mkdtemp(), models=["summary"],
    ...     embedder=MeritEmbedder(pretrained=None, duration=2), tasks=["superclass"],
    ...     fractions=[1], min_positives=3,
    ... )
    >>> experiment.summary.query("protocol == 'probe'").model.tolist()
    ['random encoder', 'summary features']
    """
    from ..estimators import MeritEmbedder

    if models is None:
        models = LIGHT_MODELS if "simulated" in data.source else MODELS
    models = [*dict.fromkeys(("random", *models))]
    settings = Settings(
        embedder=MeritEmbedder(pretrained=None) if embedder is None else embedder,
        models=(*(key for key in MODELS if key in models), *(k for k in models if k not in MODELS)),
        tasks=tuple(tasks), fractions=tuple(fractions), n_repeats=n_repeats, seeds=tuple(seeds),
        report_fraction=report_fraction, min_positives=min_positives, valid_fold=valid_fold,
        test_fold=test_fold,
    )  # fmt: skip
    data = replace(data, main=with_fewer_reports(data.main, settings))
    left_out = {MODELS[key]: why for key, why in left_out_models(settings.models).items()}
    protocols, lacking = plan(settings, data.main, data.others)
    left_out |= lacking
    if not protocols:
        reasons = "; ".join(f"{what}: {why}" for what, why in left_out.items())
        raise ValueError(f"nothing can be evaluated: {reasons}")
    if verbose:
        announce(settings, data, left_out)
    output = Path(output)
    for folder in ("models", "runs"):
        (output / folder).mkdir(parents=True, exist_ok=True)
    keys = [key for key in settings.models if MODELS[key] not in left_out]
    current = current_versions(data)
    prints = {name: fingerprint(ecg) for name, ecg in {"main": data.main, **data.others}.items()}
    fitted = [
        trained(settings, key, seed, prints, current, output)
        for seed in settings.seeds
        for key in keys
    ]
    fit_all(fitted, data, n_jobs, verbose)
    jobs = [(model, data, protocols, current, output) for model in fitted]
    found = in_parallel(evaluate, jobs, n_jobs, "evaluated", verbose)
    experiment = Experiment(data, settings, left_out, fitted, found, output)
    tables.write_tables(experiment)
    return experiment


def current_versions(data):
    """Return the versions that results must share to be reused."""
    kept = ("merit_sk", "simulator") if "simulated" in data.source else ("merit_sk",)
    return {name: version for name, version in versions().items() if name in kept}


def announce(settings, data, left_out):
    """Print what there is and what will be left out."""
    main = data.main
    n_train = int(np.isin(main.folds, settings.train_folds).sum())
    n_test = int((main.folds == settings.test_fold).sum())
    print(
        f"{data.title}: {len(main.data)} recordings, {n_train} for training, {n_test} for "
        f"testing (fold {settings.test_fold})"
    )
    for name, ecg in data.others.items():
        print(f"{name}: {len(ecg.data)} recordings, {int(ecg.target.any(axis=1).sum())} labeled")
    for what, why in left_out.items():
        print(f"left out: {what}: {why}", flush=True)


def fit_all(models, data, n_jobs, verbose):
    """Fit models, the slow ones first; fine-tuning in the same job as what it starts from."""
    order = ["merit", "masked", "alignment", "xresnet", "minirocket", "mantis", "random", "summary"]
    chains = {}
    for model in models:
        first = "merit" if model.model == "finetuned" else model.model
        chains.setdefault((model.seed, first), []).append(model)
    slow_first = sorted(chains, key=lambda chain: order.index(chain[1]))
    jobs = [(chains[chain], data) for chain in slow_first]
    in_parallel(fit_chain, jobs, n_jobs, "fitted", verbose)


def fit_chain(models, data):
    """Fit models that follow from the first of them."""
    for model in models:
        fit(model, data.main, data.others, models[0])


def in_parallel(function, jobs, n_jobs, what, verbose):
    """Return results of ``function`` in the order of ``jobs``, with a progress bar."""
    from tqdm.auto import tqdm

    parallel = Parallel(n_jobs=n_jobs, return_as="generator")
    done = parallel(delayed(_quietly)(function, job) for job in jobs)
    return list(tqdm(done, total=len(jobs), desc=f"models {what}", disable=not verbose))


def _quietly(function, job):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*flat leads")
        return function(*job)


def evaluate(model, data, protocols, current, output):
    """Return results of one model, from its file if they are there."""
    settings = model.settings
    decided_by = {
        "folder": model.folder.name, "protocols": sorted(protocols),
        "labels": settings.fractions, "n_repeats": settings.n_repeats,
        "min_positives": settings.min_positives, "versions": current, "data": model.prints,
    }  # fmt: skip
    path = Path(output) / "runs" / f"{model.folder.name}-{digest(decided_by)}.json"
    arrays = path.with_suffix(".npz")
    try:
        found = json.loads(path.read_text())
        with np.load(arrays) as kept:
            scores = {key: kept[key] for key in kept.files if key != "resamples"}
            return found | {"resamples": kept["resamples"], "scores": scores}
    except (OSError, ValueError, KeyError, BadZipFile):
        pass
    found = Protocols(model, data.main, data.others).run(protocols)
    write_arrays(arrays, found["scores"] | {"resamples": found["resamples"]})
    rows = {"rows": found["rows"], "classes": found["classes"]}
    write_text(path, json.dumps(rows | {"settings": decided_by, "versions": versions()}))
    return found
