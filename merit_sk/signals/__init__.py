"""Leads by name, resampling, filtering and normalization of ECG arrays.

Every function works along the last axis of an array of any number of dimensions, so that one
record ``(n_leads, n_times)`` and a batch ``(n_samples, n_leads, n_times)`` are treated alike.
"""

from ._amplitudes import peak_voltages
from ._beats import find_beats
from ._filters import bandpass, resample, zscore
from ._lead_order import check_lead_order
from ._leads import STANDARD_LEADS, canonical_lead_name, lead_indices, millivolts_per_unit
from ._quality import check_finite
from ._sampling_rate import check_sampling_rate

__all__ = [
    "STANDARD_LEADS",
    "bandpass",
    "canonical_lead_name",
    "check_finite",
    "check_lead_order",
    "check_sampling_rate",
    "find_beats",
    "lead_indices",
    "millivolts_per_unit",
    "peak_voltages",
    "resample",
    "zscore",
]
