import os
import shutil
import subprocess
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


TINY = {"widths": [8, 8, 16], "patch": 8}


@pytest.fixture(scope="session")
def tiny():
    """Parameters of an embedder that trains in a moment."""
    return {
        "encoder": TINY, "pretrained": None, "duration": 2, "max_epochs": 2, "random_state": 0,
    }  # fmt: skip


@pytest.fixture(scope="session")
def ecg():
    """A small simulated data set with reports."""
    from merit_sk.datasets import make_ecg

    return make_ecg(60, task="superclass", duration=3, noise=0, random_state=0)


@pytest.fixture(scope="session")
def fitted(tiny, ecg):
    """An embedder pretrained with reports."""
    from merit_sk import MeritEmbedder

    return MeritEmbedder(**tiny).fit(ecg.data, reports=ecg.reports)


@pytest.fixture(scope="session")
def learn(ecg):
    """Fit the smallest embedder to recordings with these reports."""
    import numpy as np

    from merit_sk import ECGRecords, MeritEmbedder

    without = ECGRecords.from_array(np.asarray(ecg.data), sampling_rate=ecg.data.sampling_rate)

    def fit(reports, **parameters):
        parameters = {
            "encoder": {"widths": [8], "patch": 2}, "pretrained": None, "duration": 1,
            "max_epochs": 1, "random_state": 0,
        } | parameters  # fmt: skip
        data = without[np.arange(max(len(reports), 2)) % len(without)]
        return MeritEmbedder(**parameters).fit(data, reports=reports if len(reports) else None)

    return fit


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a file system of limited size cannot be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)
