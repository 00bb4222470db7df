"""An evaluation from its settings to its results: fit what is not there, judge, and keep all."""

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from joblib import Parallel, delayed
from sklearn.utils import Bunch

from ..nn.checkpoint import write_arrays, write_text
from .config import MODELS, OTHER_SETS, RunConfig, digest, versions
from .data import fingerprint, load_main, load_others
from .models import fit, left_out_models, trained
from .protocols import Protocols, plan


@dataclass
class Evaluation:
    """A finished evaluation.

    Attributes
    ----------
    config : RunConfig
    main : Bunch
        Recordings with all 71 statements.
    others : dict of Bunch
    left_out : dict
        Reason by what could not be done.
    models : list of Trained
    results : list of dict
        Of every model, see ``Protocols.run``.
    output : Path
    """

    config: RunConfig
    main: dict
    others: dict
    left_out: dict
    models: list
    results: list
    output: Path

    def counts(self):
        """Recordings of every data set, as a list of dict."""
        main, config = self.main, self.config
        train = np.isin(main.folds, config.train_folds)
        texts = np.array([isinstance(r, str) and bool(r.strip()) for r in main.reports])
        table = [
            {"data set": config.title, "recordings": len(main.data),
             "patients": len(np.unique(main.groups)), "training": int(train.sum()),
             "training, with report": int((train & texts).sum()),
             "validation": int((main.folds == config.valid_fold).sum()),
             "test": int((main.folds == config.test_fold).sum())}
        ]  # fmt: skip
        for name, ecg in self.others.items():
            n = int(ecg.target.any(axis=1).sum())
            table.append({"data set": OTHER_SETS[name], "recordings": len(ecg.data),
                          "patients": len(np.unique(ecg.groups)), "training": 0,
                          "training, with report": 0, "validation": 0, "test": n})  # fmt: skip
        return table

    def model(self, key):
        """The fitted model of the first seed, None if it is not among them."""
        return next((m for m in self.models if m.model == key), None)

    def scores(self, name, protocol, task):
        """Scores of test records by a model of the first seed, None if there are none."""
        key = "/".join((name, protocol, "main", task))
        found = (r["scores"][key] for r in self.results if key in r["scores"])
        return next(found, None)


def prepare(config):
    """Read the recordings, and find out what they allow.

    Returns
    -------
    Bunch
        ``main``, ``others``, ``protocols`` and ``left_out``.

    Raises
    ------
    FileNotFoundError
        If a folder is not what it should be.
    ValueError
        If a file is faulty, or nothing can be judged.
    """
    main, others = load_main(config), load_others(config)
    left_out = {MODELS[key]: why for key, why in left_out_models(config.models).items()}
    protocols, lacking = plan(config, main, others)
    left_out |= lacking
    if not protocols:
        reasons = "; ".join(f"{what}: {why}" for what, why in left_out.items())
        raise ValueError(f"nothing can be judged: {reasons}")
    return Bunch(main=main, others=others, protocols=protocols, left_out=left_out)


def run(config, prepared, output, *, n_jobs=None, verbose=0):
    """Fit and judge all models; what is already in ``output`` is not done again.

    Parameters
    ----------
    config : RunConfig
    prepared : Bunch
        See ``prepare``.
    output : path-like
        Folder for results.
    n_jobs : int or None, default=None
        Models fitted at a time.
    verbose : int, default=0
        1 shows progress and what is left out.

    Returns
    -------
    evaluation : Evaluation
    """
    output, main, others = Path(output), prepared.main, prepared.others
    if verbose:
        announce(config, main, others, prepared.left_out)
    (output / "models").mkdir(parents=True, exist_ok=True)
    (output / "runs").mkdir(exist_ok=True)
    keys = [key for key in config.models if MODELS[key] not in prepared.left_out]
    models = [
        trained(config, key, seed, main, others, output) for seed in config.seeds for key in keys
    ]
    fit_all(models, main, others, n_jobs, verbose)
    jobs = [(model, main, others, prepared.protocols, output) for model in models]
    found = in_parallel(judge, jobs, n_jobs, "judged", verbose)
    return Evaluation(config, main, others, prepared.left_out, models, found, output)


def announce(config, main, others, left_out):
    """Print what there is and what will be left out."""
    n_train = int(np.isin(main.folds, config.train_folds).sum())
    n_test = int((main.folds == config.test_fold).sum())
    print(
        f"{config.title}: {len(main.data)} recordings, {n_train} for training, {n_test} for "
        f"testing (fold {config.test_fold})"
    )
    for name, ecg in others.items():
        print(f"{name}: {len(ecg.data)} recordings, {int(ecg.target.any(axis=1).sum())} labelled")
    for what, why in left_out.items():
        print(f"left out: {what}: {why}", flush=True)


def fit_all(models, main, others, n_jobs, verbose):
    """Fit models, the slow ones first; fine-tuning in the same job as what it starts from."""
    order = ["merit", "masked", "alignment", "xresnet", "minirocket", "random", "summary"]
    chains = {}
    for model in models:
        first = "merit" if model.model == "finetuned" else model.model
        chains.setdefault((model.seed, first), []).append(model)
    slow_first = sorted(chains, key=lambda chain: order.index(chain[1]))
    jobs = [(chains[chain], main, others) for chain in slow_first]
    in_parallel(fit_chain, jobs, n_jobs, "fitted", verbose)


def fit_chain(models, main, others):
    """Fit models that follow from the first of them."""
    for model in models:
        fit(model, main, others, models[0])


def in_parallel(function, jobs, n_jobs, what, verbose):
    """Results of ``function`` in the order of ``jobs``, with a progress bar."""
    from tqdm.auto import tqdm

    parallel = Parallel(n_jobs=n_jobs, return_as="generator")
    done = parallel(delayed(_quietly)(function, job) for job in jobs)
    return list(tqdm(done, total=len(jobs), desc=f"models {what}", disable=not verbose))


def _quietly(function, job):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*flat leads")
        return function(*job)


def judge(model, main, others, protocols, output):
    """Results of one model, from its file if they are there."""
    config = model.config
    settings = {
        "folder": model.folder.name, "protocols": sorted(protocols),
        "fractions": config.fractions, "n_draws": config.n_draws,
        "min_positives": config.min_positives,
        "others": {name: fingerprint(ecg) for name, ecg in others.items()},
    }  # fmt: skip
    path = Path(output) / "runs" / f"{model.folder.name}-{digest(settings)}.json"
    arrays = path.with_suffix(".npz")
    try:
        found = json.loads(path.read_text())
        with np.load(arrays) as kept:
            scores = {key: kept[key] for key in kept.files if key != "resamples"}
            return found | {"resamples": kept["resamples"], "scores": scores}
    except (OSError, ValueError, KeyError, BadZipFile):
        pass
    found = Protocols(model, main, others).run(protocols)
    write_arrays(arrays, found["scores"] | {"resamples": found["resamples"]})
    tables = {"rows": found["rows"], "classes": found["classes"]}
    write_text(path, json.dumps(tables | {"settings": settings, "versions": versions()}))
    return found
