"""Evaluation protocols and metrics."""

from ._baselines import MiniRocketFeatures, SummaryFeatures
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
from ._scored import ScoredTest
from ._shift import category_map, evaluate_shift, map_scores
from ._text import bert_score, bleu, meteor_exact_stem, rouge
from ._text_evaluation import ReportScores, evaluate_reports, report_baselines, report_labeler
from ._xresnet import XResNetClassifier
from ._zero_shot import evaluate_zero_shot

__all__ = [
    "Comparison",
    "Interval",
    "MiniRocketFeatures",
    "ProbeDraw",
    "ProbeResult",
    "ReportScores",
    "ScoredTest",
    "SummaryFeatures",
    "XResNetClassifier",
    "bert_score",
    "bleu",
    "bootstrap_interval",
    "category_map",
    "class_table",
    "compare",
    "evaluate_probe",
    "evaluate_reports",
    "evaluate_shift",
    "evaluate_zero_shot",
    "f1_thresholds",
    "fmax",
    "macro_auc",
    "macro_auc_scorer",
    "macro_average_precision",
    "macro_average_precision_scorer",
    "macro_f1",
    "map_scores",
    "meteor_exact_stem",
    "report_baselines",
    "report_labeler",
    "rouge",
]
