"""ECG data sets: loaders for published ones, and simulated recordings."""

from ._prompts import statement_prompts
from ._ptbxl import load_ptbxl
from ._statements import PTBXL_STATEMENTS, PTBXL_TASKS, task_labels

__all__ = [
    "PTBXL_STATEMENTS",
    "PTBXL_TASKS",
    "load_ptbxl",
    "statement_prompts",
    "task_labels",
]
