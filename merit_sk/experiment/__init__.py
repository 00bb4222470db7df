"""Experiments: models pretrained and evaluated side by side, on the same recordings."""

from .config import MODELS, versions
from .data import ExperimentData, load_experiment, select_task
from .html import write_report
from .run import Experiment, run_experiment

__all__ = [
    "MODELS",
    "Experiment",
    "ExperimentData",
    "load_experiment",
    "run_experiment",
    "select_task",
    "versions",
    "write_report",
]
