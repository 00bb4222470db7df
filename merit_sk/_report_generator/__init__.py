"""MeritReportGenerator: write the report of a recording."""

from ._generator import MeritReportGenerator

__all__ = ["MeritReportGenerator"]
