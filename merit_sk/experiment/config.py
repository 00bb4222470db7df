"""What an experiment does: its models, and the settings that they share."""

import hashlib
import importlib.metadata
import json
import platform
from dataclasses import dataclass

from ..evaluation import LABEL_COUNTS
from ..statements import PTBXL_TASKS

MODELS = {
    "random": "random encoder",
    "masked": "masked only",
    "alignment": "alignment only",
    "merit": "MERIT",
    "summary": "summary features",
    "minirocket": "MiniRocket",
    "mantis": "Mantis",
    "xresnet": "supervised xresnet1d18",
    "finetuned": "MERIT fine-tuned",
}
LIGHT_MODELS = ("random", "masked", "alignment", "merit", "summary")
OTHER_SETS = {"cpsc2018": "CPSC2018", "csn": "CSN", "georgia": "Georgia"}
NOT_OF_THE_MODEL = ("cache", "callbacks", "checkpoint_dir", "device", "n_jobs", "random_state",
                    "verbose")  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What an experiment does, see :func:`~merit_sk.experiment.run_experiment`."""

    embedder: object
    models: tuple
    tasks: tuple = PTBXL_TASKS
    fractions: tuple = LABEL_COUNTS
    n_repeats: int = 5
    seeds: tuple = (0,)
    report_fraction: float = 1.0
    min_positives: int = 5
    valid_fold: int = 9
    test_fold: int = 10

    def __post_init__(self):
        for name, allowed in {"models": MODELS, "tasks": PTBXL_TASKS}.items():
            unknown = [value for value in getattr(self, name) if value not in allowed]
            if unknown:
                raise ValueError(f"{name} must be among {', '.join(allowed)}, got {unknown}")
        if not 0 < self.report_fraction <= 1:
            raise ValueError(f"report_fraction must be in (0, 1], got {self.report_fraction}")
        folds = self.valid_fold, self.test_fold
        if len({*folds}) < 2 or not {*folds} <= {*range(1, 11)}:
            raise ValueError(f"valid_fold and test_fold must be two folds of 1 to 10: {folds}")
        if "finetuned" in self.models and "merit" not in self.models:
            raise ValueError("the model finetuned starts from merit: name both")
        if self.embedder.get_params()["pretrained"] is not None:
            raise ValueError("models of an experiment are trained from scratch: pretrained=None")

    @property
    def train_folds(self):
        """Folds for pretraining and for fitting probes."""
        return tuple(k for k in range(1, 11) if k not in (self.valid_fold, self.test_fold))

    def to_dict(self):
        """Return all settings as JSON types."""
        settings = {**vars(self), "embedder": embedder_settings(self.embedder)}
        return json.loads(json.dumps(settings, default=repr))


def embedder_settings(embedder):
    """Return the parameters of an embedder that decide which model it becomes."""
    found = embedder.get_params(deep=False)
    return {name: value for name, value in found.items() if name not in NOT_OF_THE_MODEL}


def digest(content):
    """Return a short name of some content, JSON or what ``repr`` says of it."""
    text = json.dumps(content, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def versions():
    """Return the versions of what figures are made with.

    Returns
    -------
    versions : dict of str
        Of merit_sk, its simulator (see
        :data:`~merit_sk.datasets.simulation.SIMULATOR_VERSION`), Python and the libraries that
        have a say in the figures.

    Examples
    --------
    >>> from merit_sk.experiment import versions
    >>> sorted(versions())[:3]
    ['machine', 'merit_sk', 'numpy']
    """
    from .. import __version__
    from ..datasets import simulation

    found = {"merit_sk": __version__, "simulator": simulation.SIMULATOR_VERSION}
    for name in ("torch", "numpy", "scikit-learn", "skorch", "wfdb", "aeon"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found | {"python": platform.python_version(), "machine": platform.machine()}
