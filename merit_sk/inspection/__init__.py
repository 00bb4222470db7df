"""Plots of recordings and of what a model has learned."""

from ._ecg import ECGDisplay
from ._embedding import EmbeddingDisplay
from ._explain import Explanation, explain
from ._explanation import ExplanationDisplay
from ._neighbors import NeighborsDisplay
from ._pretraining import PretrainingDisplay
from ._probe import ProbeCurveDisplay
from ._reconstruction import ReconstructionDisplay
from ._reliability import ReliabilityDisplay
from ._timeline import TimelineDisplay
from ._zero_shot import ZeroShotDisplay

__all__ = [
    "ECGDisplay",
    "EmbeddingDisplay",
    "Explanation",
    "ExplanationDisplay",
    "NeighborsDisplay",
    "PretrainingDisplay",
    "ProbeCurveDisplay",
    "ReconstructionDisplay",
    "ReliabilityDisplay",
    "TimelineDisplay",
    "ZeroShotDisplay",
    "explain",
]
