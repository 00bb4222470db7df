"""Evaluation protocols and metrics."""

from ._bootstrap import Comparison, Interval, bootstrap_interval, compare
from ._metrics import (
    class_table,
    f1_thresholds,
    fmax,
    macro_auc,
    macro_auc_scorer,
    macro_average_precision,
    macro_average_precision_scorer,
    macro_f1,
)
from ._probe import ProbeDraw, ProbeResult, evaluate_probe

__all__ = [
    "Comparison",
    "Interval",
    "ProbeDraw",
    "ProbeResult",
    "bootstrap_interval",
    "class_table",
    "compare",
    "evaluate_probe",
    "f1_thresholds",
    "fmax",
    "macro_auc",
    "macro_auc_scorer",
    "macro_average_precision",
    "macro_average_precision_scorer",
    "macro_f1",
]
