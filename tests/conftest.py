import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import matplotlib
import pytest

matplotlib.use("Agg")


@pytest.fixture(scope="session")
def data_dir():
    """Folder with real ECGs, laid out as the data sets are published."""
    path = os.environ.get("MERIT_SK_DATA")
    if not path:
        pytest.skip("MERIT_SK_DATA is not set: no real recordings to test on")
    return Path(path)
