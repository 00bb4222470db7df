"""Evaluation protocols, and the baselines beside which a model is evaluated."""

from ._baselines import MantisFeatures, MiniRocketFeatures, SummaryFeatures
from ._cross_validated import CrossValidated
from ._heads import LogisticProbe, MerlProbe, RidgeProbe
from ._nearest_reports import nearest_report_scores
from ._probe import ProbeRepeat, ProbeResult, evaluate_probe
from ._reports import ReportScores, evaluate_reports, report_baselines, report_labeler
from ._scored import ScoredTest
from ._shift import category_map, evaluate_shift, map_scores
from ._subsets import LABEL_COUNTS
from ._zero_shot import evaluate_zero_shot

__all__ = [
    "LABEL_COUNTS",
    "CrossValidated",
    "LogisticProbe",
    "MantisFeatures",
    "MerlProbe",
    "MiniRocketFeatures",
    "ProbeRepeat",
    "ProbeResult",
    "ReportScores",
    "RidgeProbe",
    "ScoredTest",
    "SummaryFeatures",
    "category_map",
    "evaluate_probe",
    "evaluate_reports",
    "evaluate_shift",
    "evaluate_zero_shot",
    "map_scores",
    "nearest_report_scores",
    "report_baselines",
    "report_labeler",
]
