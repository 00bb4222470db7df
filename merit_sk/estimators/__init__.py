"""The estimators."""

from ._classifier import MeritClassifier
from ._embedder import MeritEmbedder
from ._report_generator import MeritReportGenerator
from ._xresnet import XResNetClassifier
from ._zero_shot import MeritZeroShotClassifier

__all__ = [
    "MeritClassifier",
    "MeritEmbedder",
    "MeritReportGenerator",
    "MeritZeroShotClassifier",
    "XResNetClassifier",
]
