"""RunConfig: what one evaluation does."""

import hashlib
import importlib.metadata
import json
import platform
from dataclasses import asdict, dataclass

from ..statements import PTBXL_TASKS

MODELS = {
    "random": "random encoder",
    "masked": "masked only",
    "alignment": "alignment only",
    "merit": "MERIT",
    "summary": "summary features",
    "minirocket": "MiniRocket",
    "xresnet": "supervised xresnet1d18",
    "finetuned": "MERIT fine-tuned",
}
LIGHT_MODELS = ("random", "masked", "alignment", "merit", "summary")
OTHER_SETS = {"cpsc2018": "CPSC2018", "csn": "CSN", "georgia": "Georgia"}


@dataclass(frozen=True)
class RunConfig:
    """What one evaluation does.

    Parameters
    ----------
    ptbxl : str or None
        Folder of PTB-XL; None simulates recordings.
    standardized : tuple of str
        Empty, or a folder of further PTB-XL recordings as standardised arrays and the table with
        their rows, see :func:`~merit_sk.experiment.data.load_standardized`.
    cpsc2018, csn, georgia : str or None
        Folders of data sets to transfer to.
    simulated : int
        Recordings to simulate if there is no `ptbxl`.
    reports : tuple of str
        Columns of the table, or csv files with ``ecg_id`` and a text; texts of several are joined.
    report_fraction : float
        Share of the training patients whose reports are shown to the models.
    models : tuple of str
        Keys of ``MODELS``.
    tasks : tuple of str
        PTB-XL tasks.
    fractions : tuple of float
        Shares of the training labels for the probe.
    n_draws : int
        Draws of each share below 1.
    seeds : tuple of int
    max_epochs : int
    encoder : str
    structure_weight : float or "auto"
    min_positives : int
        Positive and negative test records that a class needs.
    valid_fold, test_fold : int
        Folds to choose and to test on; the others are for training.
    """

    ptbxl: str | None = None
    standardized: tuple = ()
    cpsc2018: str | None = None
    csn: str | None = None
    georgia: str | None = None
    simulated: int = 1200
    reports: tuple = ("report",)
    report_fraction: float = 1.0
    models: tuple = tuple(MODELS)
    tasks: tuple = PTBXL_TASKS
    fractions: tuple = (0.01, 0.1, 1.0)
    n_draws: int = 5
    seeds: tuple = (0,)
    max_epochs: int = 25
    encoder: str = "tiny"
    structure_weight: float | str = "auto"
    min_positives: int = 5
    valid_fold: int = 9
    test_fold: int = 10

    def __post_init__(self):
        if not 0 < self.report_fraction <= 1:
            raise ValueError(f"--report-fraction must be in (0, 1], got {self.report_fraction}")
        folds = self.valid_fold, self.test_fold
        if len({*folds}) < 2 or not {*folds} <= {*range(1, 11)}:
            raise ValueError(f"--valid-fold and --test-fold must be two folds of 1 to 10: {folds}")
        if self.standardized and self.ptbxl is None:
            raise ValueError("--standardized adds to PTB-XL: give --ptbxl, too")
        if "finetuned" in self.models and "merit" not in self.models:
            raise ValueError("--models finetuned starts from merit: name both")

    @property
    def train_folds(self):
        """Folds for pretraining and for fitting probes."""
        return tuple(k for k in range(1, 11) if k not in (self.valid_fold, self.test_fold))

    @property
    def readout(self):
        """What embeddings are: standardised recordings have no voltages to add."""
        return "stages" if self.standardized else "all"

    @property
    def title(self):
        """What the recordings are."""
        return "simulated recordings" if self.ptbxl is None else "PTB-XL"

    def to_dict(self):
        """All settings as JSON types."""
        return json.loads(json.dumps(asdict(self)))


def digest(content):
    """Short name of some JSON content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def versions():
    """What the figures were made with."""
    found = {}
    for name in ("merit_sk", "torch", "numpy", "scikit-learn", "skorch", "wfdb", "aeon"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found | {"python": platform.python_version(), "machine": platform.machine()}
