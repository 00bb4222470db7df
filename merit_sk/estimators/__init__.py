"""The estimators, imported when they are used."""

import importlib

_WHERE = {
    "MeritClassifier": "_classifier",
    "MeritEmbedder": "_embedder",
    "MeritMeasurements": "_measurements",
    "MeritReportGenerator": "_report_generator",
    "MeritZeroShotClassifier": "_zero_shot",
    "XResNetClassifier": "_xresnet",
    "calibrate_zero_shot": "_learn_calibration",
    "list_pretrained": "_storage",
    "tune": "_tune",
}

__all__ = list(_WHERE)


def __getattr__(name):
    if name in _WHERE:
        return getattr(importlib.import_module(f".{_WHERE[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_WHERE})
