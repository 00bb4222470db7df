"""The main job: pretrain, probe and zero-shot several models on the same records."""

import hashlib
import json
import os
import platform
import tempfile
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

from joblib import Parallel, delayed
from sklearn.frozen import FrozenEstimator

from ._bootstrap import bootstrap_interval
from ._metrics import class_table, macro_auc
from ._probe import evaluate_probe

MODELS = {
    "random encoder": {"max_epochs": 0},
    "masked only": {"structure_weight": 1.0},
    "alignment only": {"structure_weight": 0.0},
    "MERIT": {},
}
ALIGNED = ("alignment only", "MERIT")
TASKS = ("superclass", "subclass")
TEST_FOLD = 10


@dataclass(frozen=True)
class RunConfig:
    """What one evaluation does.

    Parameters
    ----------
    ptbxl : str or None
        Folder of PTB-XL; None simulates recordings.
    reports : str
        ``"report"``, or a csv file with ``ecg_id`` and ``text_en``.
    simulated : int
        Recordings to simulate if there is no `ptbxl`.
    seeds : tuple of int
    max_epochs : int
    encoder : str
    structure_weight : float
    min_positives : int
        Positive test records that a class needs to enter a macro average.
    """

    ptbxl: str | None = None
    reports: str = "report"
    simulated: int = 1200
    seeds: tuple = (0,)
    max_epochs: int = 25
    encoder: str = "tiny"
    structure_weight: float = 0.25
    min_positives: int = 5

    def load(self, task):
        """The data set, as a Bunch."""
        from ..datasets import load_ptbxl, make_ecg

        if self.ptbxl is None:
            return make_ecg(self.simulated, task=task, random_state=0)
        return load_ptbxl(self.ptbxl, task=task, reports=self.reports)

    def embedder(self, model, seed):
        """An unfitted embedder for one row of the table."""
        from .._embedder import MeritEmbedder

        parameters = {"max_epochs": self.max_epochs, "structure_weight": self.structure_weight}
        return MeritEmbedder(self.encoder, random_state=seed, **(parameters | MODELS[model]))


def evaluate_model(config, model, seed):
    """Pretrain one model on folds 1 to 8, probe and zero-shot it on fold 10.

    Parameters
    ----------
    config : RunConfig
    model : str
        A key of ``MODELS``.
    seed : int

    Returns
    -------
    result : dict
        Of JSON types: ``rows`` (one per protocol and task), ``classes`` (one per class) and
        ``history``.
    embedder : MeritEmbedder
    """
    ecg = config.load(TASKS[0])
    train = ecg.folds <= 8
    embedder = config.embedder(model, seed).fit(ecg.data[train], reports=ecg.reports[train])
    features = embedder.transform(ecg.data)
    rows, classes = [], []
    for task in TASKS:
        data = config.load(task)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Left out of the macro average")
            probe = evaluate_probe(
                features, data, fractions=(1.0,), n_draws=1, min_positives=config.min_positives
            )
        test, scores = probe.test_index, {"probe": probe.best.scores}
        if model in ALIGNED:
            scores["zero-shot"] = zero_shot_scores(embedder, data.data[test], task)
        for protocol, score in scores.items():
            add_rows(rows, classes, config, protocol, task, data, test, score)
    label = {"model": model, "seed": seed}
    return {
        "rows": [label | row for row in rows],
        "classes": [label | row for row in classes],
        "history": embedder.history_,
    }, embedder


def zero_shot_scores(embedder, X, task):
    """Agreement of recordings with our phrases for every class of a task."""
    from .._zero_shot import MeritZeroShotClassifier
    from ..datasets import task_prompts

    zero = MeritZeroShotClassifier(
        FrozenEstimator(embedder),
        classes=task_prompts(task, embedder.language_),
        multi_label=True,
    )
    return zero.fit(X).decision_function(X)


def add_rows(rows, classes, config, protocol, task, data, test, score):
    """Macro AUC with its interval, and the AUC of every class."""
    y, groups = data.target[test], data.groups[test]
    table = class_table(
        y, score, target_names=data.target_names, min_positives=config.min_positives
    )
    kept = table.included
    auc = bootstrap_interval(macro_auc, y[:, kept], score[:, kept], groups=groups, random_state=0)
    where = {"protocol": protocol, "task": task}
    rows.append(
        where
        | {"n_test": len(test), "n_classes": int(kept.sum()), "macro_auc": auc.estimate}
        | {"low": auc.low, "high": auc.high}
    )
    for k, name in enumerate(table.target):
        if table.n_positives[k]:
            classes.append(
                where
                | {"target": name, "n_positives": int(table.n_positives[k])}
                | {"auc": float(table.auc[k]), "included": bool(kept[k])}
            )


def run(config, output, *, n_jobs=None, verbose=0):
    """Evaluate every model with every seed; results already in ``output`` are kept.

    Parameters
    ----------
    config : RunConfig
    output : path-like
        Folder for results.
    n_jobs : int or None, default=None
        Models trained at a time.
    verbose : int, default=0

    Returns
    -------
    results : list of dict
        As ``evaluate_model`` gives them.
    """
    from tqdm.auto import tqdm

    output = Path(output)
    (output / "runs").mkdir(parents=True, exist_ok=True)
    jobs = [(model, seed) for seed in config.seeds for model in reversed(MODELS)]
    tasks = (delayed(_one)(config, model, seed, output) for model, seed in jobs)
    done = Parallel(n_jobs=n_jobs, return_as="generator")(tasks)
    results = list(tqdm(done, total=len(jobs), desc="models", disable=not verbose))
    order = list(MODELS)
    return sorted(results, key=lambda r: (r["rows"][0]["seed"], order.index(r["rows"][0]["model"])))


def _one(config, model, seed, output):
    settings = asdict(config) | {"seeds": None, "model": model, "seed": seed}
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
    path = output / "runs" / f"{model.replace(' ', '-')}-seed{seed}-{key}.json"
    if path.exists():
        try:
            return json.loads(path.read_text())
        except ValueError:
            path.unlink()
    result, embedder = evaluate_model(config, model, seed)
    if model == "MERIT" and seed == config.seeds[0]:
        embedder.save_pretrained(output / "model")
    write_text(path, json.dumps(result | {"settings": settings, "versions": versions()}))
    return result


def versions():
    """What the figures were made with."""
    import importlib.metadata as metadata

    names = ("merit_sk", "torch", "numpy", "scikit-learn", "skorch", "wfdb")
    found = {name: metadata.version(name) for name in names}
    return found | {"python": platform.python_version(), "machine": platform.machine()}


def write_text(path, text):
    """Write a file whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)
