"""Metrics: ranking of classes, searches, bootstrap intervals and comparisons by patient, texts."""

from ._bootstrap import Comparison, Interval, bootstrap_interval, compare
from ._ranking import (
    class_table,
    f1_thresholds,
    fmax,
    macro_auc,
    macro_average_precision,
    macro_f1,
)
from ._retrieval import macro_retrieval
from ._scorers import (
    macro_auc_scorer,
    macro_average_precision_scorer,
    macro_f1_oracle_scorer,
    macro_f1_scorer,
    macro_retrieval_scorer,
    rouge_l_scorer,
)
from ._text import bert_score, bleu, meteor_exact_stem, rouge

__all__ = [
    "Comparison",
    "Interval",
    "bert_score",
    "bleu",
    "bootstrap_interval",
    "class_table",
    "compare",
    "f1_thresholds",
    "fmax",
    "macro_auc",
    "macro_auc_scorer",
    "macro_average_precision",
    "macro_average_precision_scorer",
    "macro_f1",
    "macro_f1_oracle_scorer",
    "macro_f1_scorer",
    "macro_retrieval",
    "macro_retrieval_scorer",
    "meteor_exact_stem",
    "rouge",
    "rouge_l_scorer",
]
