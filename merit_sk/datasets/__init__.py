"""ECG data sets: loaders for published ones, and simulated recordings."""

from ._prompts import statement_prompts
from ._statements import PTBXL_STATEMENTS, PTBXL_TASKS, task_labels

__all__ = [
    "PTBXL_STATEMENTS",
    "PTBXL_TASKS",
    "statement_prompts",
    "task_labels",
]
