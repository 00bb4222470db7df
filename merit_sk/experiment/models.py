"""The models of an experiment: each is fitted once, and what it makes of the recordings is kept."""

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.base import clone

from ..nn.checkpoint import write_arrays, write_text
from ..statements import PTBXL_TASKS
from .config import MODELS, digest, embedder_settings, versions
from .data import select_task

VARIANTS = {
    "random": {"max_epochs": 0},
    "masked": {"structure_weight": 1.0},
    "alignment": {"structure_weight": 0.0},
    "merit": {},
}
ALIGNED = ("alignment", "merit")
FEATURES = ("summary", "minirocket", "mantis")
CLASSIFIERS = ("xresnet", "finetuned")
XRESNET_DEPTH = 18  # 101 takes ten times as long, more than all other models together
_LEARNED_AT_ONCE = ("all", "subclass", "superclass")


def left_out_models(models):
    """Return the reason by name of the models that cannot be fitted here."""
    from ..evaluation._baselines import import_minirocket, load_mantis

    left_out = {}
    for name, load in {"minirocket": import_minirocket, "mantis": load_mantis}.items():
        if name in models:
            try:
                load()
            except (ImportError, OSError) as error:
                left_out[name] = str(error)
    return left_out


@dataclass(frozen=True)
class Trained:
    """One fitted model in its folder.

    Parameters
    ----------
    settings : Settings
    model : str
        Key of ``MODELS``.
    seed : int
    folder : Path
    prints : dict of str
        Digests of the data sets, by their names.
    """

    settings: object
    model: str
    seed: int
    folder: Path
    prints: dict

    @property
    def name(self):
        """Name of the model in tables."""
        return MODELS[self.model]

    @property
    def record(self):
        """Notes of its fit (``fit.json``): seconds, history, versions. None before it."""
        try:
            return json.loads((self.folder / "fit.json").read_text())
        except (OSError, ValueError):
            return None

    def embedder(self):
        """Load the pretrained embedder, which keeps its embeddings in the folder."""
        from ..estimators import MeritEmbedder

        embedder = MeritEmbedder.from_pretrained(self.folder / "model")
        return embedder.set_params(cache=self.folder / "cache")

    def extractor(self, main):
        """Load what turns recordings into features, or fit it where it is not kept."""
        if self.model in VARIANTS:
            return self.embedder().set_params(cache=None)
        return fit_features(self.settings, self.model, self.seed, main)

    def features(self, name, main, ecg, extractor=None):
        """Return features of all recordings of a data set, computed once.

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
        path = self.folder / f"{name}-{self.prints[name]}.npy"
        if not path.exists():
            Z = (extractor or self.extractor(main)).transform(ecg.data)
            write_arrays(path, np.asarray(Z, dtype=np.float32))
        return np.load(path)

    def scores(self, name):
        """Return the scores of a classifier on the recordings of a data set, an array by task."""
        with np.load(self.folder / f"{name}-{self.prints[name]}.npz") as kept:
            return dict(kept)


def trained(settings, model, seed, prints, current, output):
    """Find the place of one model of an experiment, fitted or not.

    Parameters
    ----------
    settings : Settings
    model : str
    seed : int
    prints : dict of str
        Digests of the data sets, by their names.
    current : dict of str
        Versions under which nothing older is reused.
    output : Path

    Returns
    -------
    model : Trained
    """
    parts = {"model": model, "seed": seed, "data": prints["main"], "versions": current}
    parts |= {name: getattr(settings, name) for name in ("valid_fold", "test_fold")}
    if model not in (*FEATURES, "xresnet"):
        parts["embedder"] = embedder_settings(settings.embedder)
    if model in CLASSIFIERS:
        parts["data"] = prints
    name = f"{MODELS[model].replace(' ', '-')}-{seed}-{digest(parts)}"
    return Trained(settings, model, seed, Path(output) / "models" / name, prints)


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
        "seconds": time.perf_counter() - begin, "settings": model.settings.to_dict(),
        "versions": versions(),
    }  # fmt: skip
    write_text(model.folder / "fit.json", json.dumps(note))
    return model


def pretrain(model, main):
    """Pretrain an embedder, keep it and return its history."""
    settings = model.settings
    embedder = clone(settings.embedder).set_params(
        random_state=model.seed, checkpoint_dir=model.folder / "training", **VARIANTS[model.model]
    )
    rows = np.flatnonzero(np.isin(main.folds, settings.train_folds))
    embedder.fit(main.data[rows], reports=main.reports[rows])
    embedder.save_pretrained(model.folder / "model")
    shutil.rmtree(model.folder / "training")
    return embedder.history_


def fit_features(settings, model, seed, main):
    """Fit a feature extractor of the baselines."""
    from ..evaluation import MantisFeatures, MiniRocketFeatures, SummaryFeatures

    extractor = {
        "summary": SummaryFeatures(), "minirocket": MiniRocketFeatures(random_state=seed),
        "mantis": MantisFeatures(),
    }[model]  # fmt: skip
    return extractor.fit(main.data[np.isin(main.folds, settings.train_folds)])


def classify(model, main, others, start):
    """Train a network on the labels of all tasks at once, and keep what it says of test records."""
    from ..estimators import MeritClassifier, XResNetClassifier

    settings, columns = model.settings, {}
    for task in _LEARNED_AT_ONCE:
        ecg = select_task(main, task)
        columns |= {(task, name): y for name, y in zip(ecg.target_names, ecg.target.T, strict=True)}
    Y, rows = np.column_stack(list(columns.values())), np.isin(main.folds, settings.train_folds)
    rows &= Y.any(axis=1)
    learned = [c for c, y in columns.items() if y[rows].any() and not y[rows].all()]
    Y = np.column_stack([columns[c] for c in learned])
    if model.model == "finetuned":
        network = MeritClassifier(start.embedder(), random_state=model.seed)
    else:
        network = XResNetClassifier(depth=XRESNET_DEPTH, random_state=model.seed)
    network.fit(main.data[rows], Y[rows])
    test = np.flatnonzero(main.folds == settings.test_fold)
    sets = {"main": main.data[test], **{name: ecg.data for name, ecg in others.items()}}
    for name, X in sets.items():
        found = dict(zip(learned, np.asarray(network.predict_proba(X)).T, strict=True))
        scores = {task: _task_scores(found, main, task, len(X)) for task in PTBXL_TASKS}
        write_arrays(model.folder / f"{name}-{model.prints[name]}.npz", scores)


def _task_scores(found, main, task, n_samples):
    """Pick the scores of the classes of a task; 0 for those that could not be learned."""
    source = task if task in _LEARNED_AT_ONCE else "all"
    nothing = np.zeros(n_samples)
    names = select_task(main, task).target_names
    return np.column_stack([found.get((source, name), nothing) for name in names])
