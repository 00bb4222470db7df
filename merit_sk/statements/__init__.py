"""Statements about ECGs: codes, classes, and the phrases in which reports express them."""

from ._codes import PTBXL_STATEMENTS, PTBXL_TASKS, task_labels
from ._members import class_statements, task_members
from ._other_sets import class_prompts
from ._prompts import statement_prompts, task_prompts

__all__ = [
    "PTBXL_STATEMENTS",
    "PTBXL_TASKS",
    "class_prompts",
    "class_statements",
    "statement_prompts",
    "task_labels",
    "task_members",
    "task_prompts",
]
