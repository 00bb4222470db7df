"""The scripts in docs/scaling.rst run as they stand."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).parents[1] / "docs" / "scaling.rst"
BLOCK = re.compile(r"   :name: (\S+)\n\n((?:   .*\n|\n)+)")


@pytest.fixture(scope="module")
def recipes():
    return {name: textwrap.dedent(code) for name, code in BLOCK.findall(PAGE.read_text())}


@pytest.fixture
def start(recipes, tmp_path):
    def start(name, *launcher):
        (tmp_path / name).write_text(recipes[name])
        return subprocess.Popen(
            [sys.executable, *launcher, name], cwd=tmp_path, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    return start


def finished(process):
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return out


def test_all_are_found(recipes):
    assert set(recipes) == {
        "embed_all.py",
        "frozen.py",
        "pretrain.py",
        "search_dask.py",
        "study.py",
    }


@pytest.mark.slow
def test_search_on_a_frozen_embedder(start, tmp_path):
    assert "logisticregression__C" in finished(start("frozen.py"))
    assert len(list((tmp_path / "embeddings").iterdir())) == 1


@pytest.mark.slow
def test_embedding_goes_on(start, tmp_path):
    finished(start("embed_all.py"))
    parts = sorted((tmp_path / "embedded").iterdir())
    before = [np.load(path) for path in parts]
    assert sum(map(len, before)) == 40
    parts[1].unlink()
    finished(start("embed_all.py"))
    np.testing.assert_array_equal(np.load(parts[1]), before[1])


@pytest.mark.slow
def test_torchrun(start, tmp_path):
    from merit_sk import MeritEmbedder

    finished(start("pretrain.py", "-m", "torch.distributed.run", "--nproc_per_node=2"))
    assert MeritEmbedder.from_pretrained(tmp_path / "model").n_iter_ == 1


@pytest.mark.slow
def test_dask(start):
    pytest.importorskip("distributed")
    assert re.search(r"\[0\.\d+ +0\.\d+\]", finished(start("search_dask.py")))


@pytest.mark.slow
def test_two_processes_share_a_study(start, tmp_path):
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    for process in [start("study.py"), start("study.py")]:
        finished(process)
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "study.log")))
    trials = optuna.load_study(study_name="merit", storage=storage).trials
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert {trial.state.name for trial in trials} <= {"COMPLETE", "PRUNED"}
