"""ECG data sets: loaders for published ones, and simulated recordings."""

from ._cpsc2018 import load_cpsc2018
from ._csn import load_csn
from ._fetch import fetch_cpsc2018, fetch_csn, fetch_georgia, fetch_mimic_iv_ecg, fetch_ptbxl
from ._georgia import load_georgia
from ._mimic import clean_machine_report, load_mimic_iv_ecg
from ._mix_simulated import mix_simulated
from ._ptbxl import load_ptbxl
from ._read_ecg import read_ecg
from ._wfdb import read_wfdb
from .simulation.generator import make_ecg, stream_ecg

__all__ = [
    "clean_machine_report",
    "fetch_cpsc2018",
    "fetch_csn",
    "fetch_georgia",
    "fetch_mimic_iv_ecg",
    "fetch_ptbxl",
    "load_cpsc2018",
    "load_csn",
    "load_georgia",
    "load_mimic_iv_ecg",
    "load_ptbxl",
    "make_ecg",
    "mix_simulated",
    "read_ecg",
    "read_wfdb",
    "stream_ecg",
]
