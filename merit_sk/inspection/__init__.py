"""Plots of recordings and of what a model has learned."""

from ._ecg import ECGDisplay

__all__ = ["ECGDisplay"]
