"""ECG data sets: loaders for published ones, and simulated recordings."""

from ._prompts import statement_prompts, task_prompts
from ._ptbxl import load_ptbxl
from ._statements import PTBXL_STATEMENTS, PTBXL_TASKS, task_labels
from .simulation.generator import make_ecg

__all__ = [
    "PTBXL_STATEMENTS",
    "PTBXL_TASKS",
    "load_ptbxl",
    "make_ecg",
    "statement_prompts",
    "task_labels",
    "task_prompts",
]
