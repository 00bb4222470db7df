"""ECG foundation-model pretraining behind scikit-learn's ``fit`` and ``transform``."""

import importlib

__version__ = "0.2.0"

_PUBLIC = {
    "ECGRecords": "records",
    "MeritClassifier": "estimators",
    "MeritEmbedder": "estimators",
    "MeritMeasurements": "estimators",
    "MeritReportGenerator": "estimators",
    "MeritZeroShotClassifier": "estimators",
    "list_pretrained": "estimators",
    "read_ecg": "datasets",
    "tune": "estimators",
}
_SUBPACKAGES = {
    "datasets", "estimators", "evaluation", "experiment", "inspection", "metrics", "nn", "records",
    "signals", "statements", "training",
}  # fmt: skip

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name):
    if name in _PUBLIC:
        return getattr(importlib.import_module(f".{_PUBLIC[name]}", __name__), name)
    if name in _SUBPACKAGES:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_PUBLIC, *_SUBPACKAGES})
