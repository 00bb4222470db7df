"""ECGRecords: many recordings that behave like one array and are read when they are needed."""

from ._records import ECGRecords

__all__ = ["ECGRecords"]
