"""The wheel and the sdist, installed into an environment of their own, offline."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest

from merit_sk import MeritEmbedder
from merit_sk.nn.checkpoint import BUNDLED, bundled_weights

ROOT = Path(__file__).parents[1]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="not in a source tree"),
]

FIRST_EMBEDDING = """
import socket, sys, time

def refuse(*args, **kwargs):
    raise AssertionError("the network was asked for")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import torch, sklearn.pipeline, numpy as np
import merit_sk
from merit_sk import MeritEmbedder, MeritZeroShotClassifier
assert merit_sk.__file__.startswith(sys.prefix), merit_sk.__file__
X = np.random.default_rng(0).standard_normal((2, 12, 1000)).astype(np.float32)
start = time.process_time()
Z = MeritEmbedder.from_pretrained("merit-tiny").transform(X)
print("seconds", time.process_time() - start)
assert Z.shape == (2, 1656) and np.isfinite(Z).all()
zero = MeritZeroShotClassifier("merit-tiny", classes="all").fit(X)
assert zero.predict(X).shape == (2, 71)
np.save(sys.argv[1], Z)
"""


def run(*command, **options):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of what is tracked or new, so that nothing is built in the tree."""
    folder = tmp_path_factory.mktemp("source")
    listed = run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).splitlines()
    for name in listed:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


@pytest.fixture(scope="module")
def built(source, tmp_path_factory):
    """An sdist of the tree, and a wheel of the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    backend = (
        "import sys; from setuptools import build_meta as b; print(getattr(b, sys.argv[1])('.'))"
    )
    run(sys.executable, "-c", backend, "build_sdist", cwd=source)
    (sdist,) = source.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    run(sys.executable, "-c", backend, "build_wheel", cwd=unpacked)
    (wheel,) = unpacked.glob("*.whl")
    return sdist, wheel


def test_both_hold_the_weights_and_stay_small(built):
    sdist, wheel = built
    wanted = {f"merit_sk/pretrained/{path.relative_to(BUNDLED).as_posix()}"
              for path in BUNDLED.rglob("*") if path.is_file()}  # fmt: skip
    assert any("/report_writer/language_model/" in name for name in wanted)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        weights = [i for i in archive.infolist() if i.filename.startswith("merit_sk/pretrained/")]
        assert sum(info.compress_size for info in weights) < 10e6
    assert "merit-tiny" in bundled_weights() and wanted <= set(names)
    assert not [name for name in names if name.startswith(("tests", "docs", "benchmarks"))]
    with tarfile.open(sdist) as archive:
        there = {name.partition("/")[2] for name in archive.getnames()}
    assert wanted | {"LICENSE", "README.md", "pyproject.toml"} <= there


def test_the_wheel_embeds_in_an_empty_environment(built, tmp_path):
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    run(sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", site,
        built[1])  # fmt: skip
    (Path(site) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "HF_HUB_OFFLINE")}
    out = run(python, "-c", FIRST_EMBEDDING, tmp_path / "Z.npy", cwd=tmp_path, env=env)
    assert float(out.split()[1]) < 5
    X = np.random.default_rng(0).standard_normal((2, 12, 1000)).astype(np.float32)
    Z = MeritEmbedder.from_pretrained(BUNDLED / "merit-tiny").transform(X)
    np.testing.assert_allclose(np.load(tmp_path / "Z.npy"), Z, rtol=1e-4, atol=1e-5)
