"""Write to disks that are full or read-only."""

import contextlib
import io
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from merit_sk.__main__ import main as command

from .damage import files_of, quiet
from .kills import cache_signals, embed, many, save, save_older, start_embedding, train
from .models import Stop, embedder, pretrain
from .process import Died, forked

SIZE = 4 << 20
STEP = 4096


class Action(NamedTuple):
    """Something that writes files.

    Attributes
    ----------
    act : callable
        ``act(folder)`` writes, and returns what must be equal however often it is tried.
    prepare : callable
        ``prepare(folder)`` writes what is there before.
    left : str
        Regular expression: which files may be new or changed after a failure, to go on from.
    """

    act: Callable
    prepare: Callable = lambda folder: None
    left: str = r"(?!)"


def start_training(folder):
    """Train for an epoch."""
    with contextlib.suppress(InterruptedError):
        pretrain(checkpoint_dir=folder, max_epochs=4, callbacks=[Stop()])


def run(*arguments):
    """Run the command of the package."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        try:
            failed = command([str(argument) for argument in arguments])
        except SystemExit as error:
            failed = error.code
    if failed:
        raise OSError(f"{err.getvalue()}{failed}")


def simulate(folder):
    """Write a simulated record."""
    run("simulate", folder / "ecg", "AFIB")
    written = files_of(folder)
    for name in written:
        (folder / name).unlink()
    return written


def draw(folder):
    """Draw a record, over an older picture."""
    run("read", folder / "ecg", "--output", folder / "ecg.png", "--force")
    return sorted(files_of(folder))


def start_drawing(folder):
    """Write a record and a picture."""
    run("simulate", folder / "ecg", "AFIB")
    (folder / "ecg.png").write_bytes(b"older")


PARTIAL = r"cache\.partial/(shard-\d{5}\.(bin|npy)|names\.txt|meta\.json|fingerprint)"
ACTIONS = {
    "pretraining": Action(train, start_training, r"training\.safetensors|\.lock"),
    "cache of signals": Action(cache_signals, left=PARTIAL),
    "cache of embeddings": Action(embed, start_embedding, r"\w+\.sqlite"),
    "saving a model": Action(save, save_older),
    "simulated record": Action(simulate),
    "picture": Action(draw, start_drawing),
}


@contextlib.contextmanager
def small_disk():
    """Mount a file system of limited size.

    Yields
    ------
    Path or None
        None where that is not allowed.
    """
    with tempfile.TemporaryDirectory(prefix="torture-") as around:
        folder = Path(around).resolve()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
        if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
            yield None
            return
        try:
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)


def fill(action, n, seed):
    """Let an action fail `n` times on a disk that is full, and once on one that is read-only.

    Parameters
    ----------
    action : Action
    n, seed : int

    Returns
    -------
    dict
        How many tries were "refused" with an error and how many were "written" as there was room
        enough; and "failures", texts. None where no disk can be mounted.
    """
    rng = random.Random(seed)
    counts = {"refused": 0, "written": 0, "failures": []}
    embedder(0), embedder(1), many()
    with quiet(), small_disk() as disk:
        if disk is None:
            return None
        folder = disk / "data"
        start(action, folder)
        whole = forked(action.act, folder)
        if isinstance(whole, Died):
            return counts | {"failures": [f"with room enough: {whole.reason}"]}
        for number in range(n + 1):
            start(action, folder)
            before = files_of(folder)
            if number < n:
                block(disk, STEP * (int(2 ** rng.uniform(0, 6)) - 1))
            else:
                remount(disk, "ro")
            what = attempt(action, folder, before, whole, counts)
            if number == n:
                remount(disk, "rw")
            (disk / "filler").unlink(missing_ok=True)
            again = forked(action.act, folder)
            if again != whole:
                what = what or f"afterwards: {again}"
            if what:
                counts["failures"].append(f"seed {seed} {number}: {what}")
    return counts


def start(action, folder):
    """Make the folder as it is before the action."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    ready = forked(action.prepare, folder)
    assert ready is None, ready


def block(disk, room):
    """Fill a disk but for `room` bytes."""
    (disk / "filler").write_bytes(bytes(max(0, shutil.disk_usage(disk).free - room)))


def remount(disk, how):
    """Make a disk read-only or writable."""
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)


def attempt(action, folder, before, whole, counts):
    """Try an action; return what is wrong with what came of it, or None."""
    found = forked(_caught, action.act, folder)
    if isinstance(found, Died):
        return found.reason
    error, result = found
    if error is None:
        counts["written"] += 1
        return None if result == whole else "another result"
    counts["refused"] += 1
    if str(folder) not in error:
        return f"an error that does not name the file: {error}"
    after = files_of(folder)
    kept = {name for name in before if not re.fullmatch(action.left, name)}
    changed = [name for name in kept if after.get(name) != before[name]]
    new = [name for name in after.keys() - before if not re.fullmatch(action.left, name)]
    lost = [name for name in before if name not in after]
    if changed or new or lost:
        return f"changed {changed}, left behind {new}, lost {lost}, after: {error}"
    return None


def _caught(act, folder):
    try:
        return None, act(folder)
    except OSError as error:
        return str(error), None
