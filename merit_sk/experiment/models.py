"""The models of an evaluation: each is fitted once, and what it makes of the recordings is kept."""

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..nn.checkpoint import write_arrays, write_text
from ..statements import PTBXL_TASKS
from .config import MODELS, digest, versions
from .data import fingerprint, task_bunch

VARIANTS = {
    "random": {"max_epochs": 0},
    "masked": {"structure_weight": 1.0},
    "alignment": {"structure_weight": 0.0},
    "merit": {},
}
ALIGNED = ("alignment", "merit")
FEATURES = ("summary", "minirocket")
CLASSIFIERS = ("xresnet", "finetuned")
XRESNET_DEPTH = 18  # 101 takes ten times as long, more than all other models together
_LEARNED_AT_ONCE = ("all", "subclass", "superclass")


def left_out_models(models):
    """Reason by name of the models that cannot be fitted here."""
    from ..evaluation._baselines import import_minirocket

    if "minirocket" in models:
        try:
            import_minirocket()
        except ImportError as error:
            return {"minirocket": str(error)}
    return {}


@dataclass(frozen=True)
class Trained:
    """One fitted model in its folder.

    Parameters
    ----------
    config : RunConfig
    model : str
        Key of ``MODELS``.
    seed : int
    folder : Path
    """

    config: object
    model: str
    seed: int
    folder: Path

    @property
    def name(self):
        """What tables call the model."""
        return MODELS[self.model]

    @property
    def record(self):
        """What was noted when it was fitted, None if it is not."""
        try:
            return json.loads((self.folder / "fit.json").read_text())
        except (OSError, ValueError):
            return None

    def embedder(self):
        """The pretrained embedder, which keeps its embeddings in the folder."""
        from ..estimators._embedder import MeritEmbedder

        embedder = MeritEmbedder.from_pretrained(self.folder / "model")
        return embedder.set_params(cache=self.folder / "cache")

    def extractor(self, main):
        """What turns recordings into features; fitted again where it is not kept."""
        if self.model in VARIANTS:
            return self.embedder().set_params(cache=None)
        return fit_features(self.config, self.model, self.seed, main)

    def features(self, name, main, ecg, extractor=None):
        """Features of all recordings of a data set, computed once.

        Parameters
        ----------
        name : str
            Of the data set.
        main : Bunch
            What the model was fitted on.
        ecg : Bunch
            The data set.
        extractor : transformer or None, default=None
            See `extractor`.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features)
        """
        path = self.folder / f"{name}-{fingerprint(ecg)}.npy"
        if not path.exists():
            Z = (extractor or self.extractor(main)).transform(ecg.data)
            write_arrays(path, np.asarray(Z, dtype=np.float32))
        return np.load(path)

    def scores(self, name, ecg):
        """What a classifier said of the recordings of a data set: by task, an array."""
        with np.load(self.folder / f"{name}-{fingerprint(ecg)}.npz") as kept:
            return dict(kept)


def trained(config, model, seed, main, others, output):
    """Where one model of an evaluation is, or will be."""
    config_of = {
        name: getattr(config, name)
        for name in ("encoder", "structure_weight", "max_epochs", "report_fraction",
                     "valid_fold", "test_fold", "readout")
    }  # fmt: skip
    settings = {"model": model, "seed": seed, "data": fingerprint(main)} | config_of
    if model in CLASSIFIERS:
        settings["others"] = {name: fingerprint(ecg) for name, ecg in others.items()}
    name = f"{MODELS[model].replace(' ', '-')}-{seed}-{digest(settings)}"
    return Trained(config, model, seed, Path(output) / "models" / name)


def fit(model, main, others, start=None):
    """Fit a model if it is not there yet.

    Parameters
    ----------
    model : Trained
    main : Bunch
    others : dict of Bunch
    start : Trained or None
        The pretrained model that fine-tuning starts from.

    Returns
    -------
    model : Trained
    """
    if model.record is not None:
        return model
    model.folder.mkdir(parents=True, exist_ok=True)
    begin, history = time.perf_counter(), []
    if model.model in VARIANTS:
        history = pretrain(model, main)
    if model.model in CLASSIFIERS:
        classify(model, main, others, start)
    else:
        extractor = model.extractor(main)
        for name, ecg in {"main": main, **others}.items():
            model.features(name, main, ecg, extractor)
    note = {
        "model": model.name, "seed": model.seed, "history": history,
        "seconds": time.perf_counter() - begin, "settings": model.config.to_dict(),
        "versions": versions(),
    }  # fmt: skip
    write_text(model.folder / "fit.json", json.dumps(note))
    return model


def pretrain(model, main):
    """Pretrain an embedder, keep it and return its history."""
    from ..estimators._embedder import MeritEmbedder

    config = model.config
    options = {"max_epochs": config.max_epochs, "structure_weight": config.structure_weight}
    embedder = MeritEmbedder(
        config.encoder, readout=config.readout, random_state=model.seed,
        checkpoint_dir=model.folder / "training", **options | VARIANTS[model.model],
    )  # fmt: skip
    rows = np.flatnonzero(np.isin(main.folds, config.train_folds))
    embedder.fit(main.data[rows], reports=main.reports[rows])
    embedder.save_pretrained(model.folder / "model")
    shutil.rmtree(model.folder / "training")
    return embedder.history_


def fit_features(config, model, seed, main):
    """A fitted feature extractor of the baselines."""
    from ..evaluation._baselines import MiniRocketFeatures, SummaryFeatures

    extractor = SummaryFeatures() if model == "summary" else MiniRocketFeatures(random_state=seed)
    return extractor.fit(main.data[np.isin(main.folds, config.train_folds)])


def classify(model, main, others, start):
    """Train a network on the labels of all tasks at once, and keep what it says of test records."""
    from ..estimators._classifier import MeritClassifier
    from ..estimators._xresnet import XResNetClassifier

    config, columns = model.config, {}
    for task in _LEARNED_AT_ONCE:
        ecg = task_bunch(main, task)
        columns |= {(task, name): y for name, y in zip(ecg.target_names, ecg.target.T, strict=True)}
    Y, rows = np.column_stack(list(columns.values())), np.isin(main.folds, config.train_folds)
    rows &= Y.any(axis=1)
    learned = [c for c, y in columns.items() if y[rows].any() and not y[rows].all()]
    Y = np.column_stack([columns[c] for c in learned])
    if model.model == "finetuned":
        network = MeritClassifier(start.embedder(), random_state=model.seed)
    else:
        network = XResNetClassifier(depth=XRESNET_DEPTH, random_state=model.seed)
    network.fit(main.data[rows], Y[rows])
    test = np.flatnonzero(main.folds == config.test_fold)
    sets = {"main": (main, main.data[test]), **{n: (e, e.data) for n, e in others.items()}}
    for name, (ecg, X) in sets.items():
        found = dict(zip(learned, np.asarray(network.predict_proba(X)).T, strict=True))
        scores = {task: _task_scores(found, main, task, len(X)) for task in PTBXL_TASKS}
        write_arrays(model.folder / f"{name}-{fingerprint(ecg)}.npz", scores)


def _task_scores(found, main, task, n_samples):
    """Scores for the classes of a task; 0 for those that could not be learned."""
    source = task if task in _LEARNED_AT_ONCE else "all"
    nothing = np.zeros(n_samples)
    names = task_bunch(main, task).target_names
    return np.column_stack([found.get((source, name), nothing) for name in names])
