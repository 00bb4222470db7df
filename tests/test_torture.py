"""A portion of ``make torture``; and what goes wrong is seen."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from torture import disks, kills, models, records
from torture.damage import Kind, fuzz
from torture.process import Died, forked, forked_all

from merit_sk import MeritEmbedder

ROOT = Path(__file__).parents[1]
SLOW = ("saved zero-shot", "saved classifier", "saved generator", "picture")


def marked(kinds):
    return [pytest.param(k, marks=pytest.mark.slow if k in SLOW else ()) for k in kinds]


@pytest.mark.parametrize("kind", marked(records.KINDS))
def test_damaged_records(kind):
    counts = fuzz(records.KINDS[kind], 60, seed=0)
    assert counts["failures"] == []
    assert counts["record"] > 5 and counts["error"] > 5


@pytest.mark.parametrize("kind", marked(models.KINDS))
def test_damaged_models(kind):
    counts = fuzz(models.KINDS[kind], 25, seed=0)
    assert counts["failures"] == []
    assert counts["error"] > 5


@pytest.mark.parametrize("job", kills.JOBS)
def test_kills(job):
    counts = kills.kill(kills.JOBS[job], 4, seed=0)
    assert counts["failures"] == [] and counts["kills"] >= 4


@pytest.mark.parametrize("action", marked(disks.ACTIONS))
def test_full_and_read_only_disks(action):
    counts = disks.fill(disks.ACTIONS[action], 3, seed=0)
    if counts is None:
        pytest.skip("a file system of limited size cannot be mounted here")
    assert counts["failures"] == [] and counts["refused"] > 0


def make_anything(folder, rng):
    (folder / "r").write_bytes(bytes(range(100)))


@pytest.mark.parametrize("read, said", [
    (lambda folder, rng: open(folder.parent / "secret.dat").close(), "secret"),
    (lambda folder, rng: len(None), "TypeError"),
    (lambda folder, rng: (folder / "r").read_bytes(), "not what was saved"),
])  # fmt: skip
def test_what_goes_wrong_with_damaged_files_is_a_failure(read, said):
    def only_damaged(folder, rng):
        whole = (folder / "r").is_file() and (folder / "r").read_bytes() == bytes(range(100))
        return bytes(range(100)) if whole else read(folder, rng)

    counts = fuzz(Kind(make_anything, only_damaged, exact=True), 30, seed=0)
    assert said in "".join(counts["failures"])


def test_a_job_that_forgets_is_a_failure():
    def count(folder):
        with open(folder / "times", "a") as file:
            file.write("x")
        return (folder / "times").read_text()

    def slowly(folder):
        found = count(folder)
        kills.time.sleep(0.2)
        return found

    assert "instead of" in kills.kill(kills.Job(slowly), 2, seed=0)["failures"][0]


def test_what_writes_in_place_is_a_failure():
    def write(folder):
        try:
            (folder / "file").write_bytes(bytes(300_000))
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(folder)) from None

    def old(folder):
        (folder / "file").write_text("old")

    counts = disks.fill(disks.Action(write, old), 3, seed=0)
    if counts is None:
        pytest.skip("a file system of limited size cannot be mounted here")
    assert "changed ['file']" in "".join(counts["failures"])


def test_processes_that_die_say_so():
    assert forked(os._exit, 3) == Died("the process ended with 3")
    assert "ZeroDivisionError" in forked(divmod, 1, 0).reason
    assert "hung" in forked(kills.time.sleep, 60, seconds=0.2).reason
    found = dict(forked_all(divmod, [(7, k) for k in range(5)], jobs=2))
    assert isinstance(found.pop((7, 0)), Died)
    assert found == {(7, k): divmod(7, k) for k in range(1, 5)}


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_damage_to_a_model_names_the_file_and_what_to_do(tmp_path, name):
    models.KINDS["saved embedder"].make(tmp_path, random.Random(0))
    data = bytearray((tmp_path / name).read_bytes())
    at = data.index(b'"patch": 4') + 9 if name == "config.json" else len(data) // 2
    data[at] ^= 1
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=rf"{name} is damaged.*Save or download the model again"):
        MeritEmbedder.from_pretrained(tmp_path)


def test_a_folder_without_leftovers_of_a_killed_save(tmp_path):
    models.embedder().save_pretrained(tmp_path / "whole")
    (tmp_path / ".saving.abc").mkdir()
    (tmp_path / ".saving.abc" / "config.json").touch()
    models.embedder().save_pretrained(tmp_path)
    assert not (tmp_path / ".saving.abc").exists()


def test_a_cache_of_embeddings_that_is_read_only_can_be_read(tmp_path):
    with disks.small_disk() as disk:
        if disk is None:
            pytest.skip("a file system of limited size cannot be mounted here")
        (disk / "data").mkdir()
        found = models.cached_embeddings(disk / "data")
        disks.remount(disk, "ro")
        assert models.cached_embeddings(disk / "data") == found
        disks.remount(disk, "rw")


@pytest.mark.slow
def test_the_command_prints_tables(tmp_path):
    command = [sys.executable, "-m", "tests.torture", "--n", "20000", "--kills", "40"]
    command += ["--output", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    damaged, killed = [line.split() for line in done.stdout.splitlines() if line[:4] == "all "][:2]
    assert 19_900 < int(damaged[1].replace(",", "")) < 20_100 and int(killed[1]) >= 40
    names = {path.stem for path in tmp_path.iterdir()}
    assert {"torture-damaged-inputs", "torture-kills"} <= names
