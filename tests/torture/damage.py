"""Read damaged inputs and see what comes of them."""

import contextlib
import functools
import os
import random
import re
import shutil
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from .mutate import damage
from .process import Died, Hang, bound_memory, forked, limited, peak_memory, place

SECONDS_EACH = 20
SPARE_MEMORY = 1 << 30
N_ORIGINALS, N_MODELS = 24, 4
IN_A_ROW = 20
ROOT = Path(__file__).resolve().parents[2]


class Kind(NamedTuple):
    """A kind of input.

    Attributes
    ----------
    make : callable
        ``make(folder, rng)`` writes a whole input into an empty folder.
    read : callable
        ``read(folder, rng)`` reads it with public names, checks shapes, and returns what it found.
    damaged : str
        Regular expression: which of the files are damaged.
    share : float
        Of all inputs.
    exact : bool
        Whether a damaged input must give what the whole one gives, or an error.
    """

    make: Callable
    read: Callable
    damaged: str = r".*"
    share: float = 1
    exact: bool = False


@functools.cache
def originals(kind):
    """Make whole inputs of a kind in a process of its own: the files of each, and what it holds."""
    made = forked(_originals, kind)
    assert not isinstance(made, Died), made.reason
    return made


def _originals(kind):
    made = []
    with place() as around, quiet():
        for number in range(N_MODELS if kind.exact else N_ORIGINALS):
            rng, folder = random.Random(number), around / str(number)
            folder.mkdir()
            kind.make(folder, rng)
            files = files_of(folder)
            made.append((files, kind.read(folder, rng)))
    return made


def files_of(folder):
    """Return the bytes of every file in a folder, by its path there."""
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def put(folder, files):
    """Write files into a folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(data, bytes):
            path.write_bytes(data)
        elif data is not None:
            path.mkdir()


def fuzz(kind, n, seed):
    """Read `n` damaged inputs of a kind.

    Parameters
    ----------
    kind : Kind
    n, seed : int

    Returns
    -------
    dict
        How many gave a "record" and how many an "error"; and "failures", texts about the others.
    """
    whole, rng = originals(kind), random.Random(seed)
    counts = {"record": 0, "error": 0, "failures": []}
    with place() as around, quiet():
        folder = around / "data"
        tempfile.tempdir = str(around / "temporary")
        put(around, {"secret.dat": b"secret", "secret.hea": b"secret 1 100 3\n", "temporary": {}})
        for number in range(n):
            if number % IN_A_ROW == 0:
                shutil.rmtree(folder, ignore_errors=True)
                files, held = rng.choice(whole)
                put(folder, files)
            victim = rng.choice([name for name in files if re.fullmatch(kind.damaged, name)])
            changed = damage(files, victim, rng)
            (folder / victim).unlink()
            put(folder, {victim: changed})
            what, opened = None, []
            try:
                with limited(SECONDS_EACH), watched() as opened:
                    found = kind.read(folder, rng)
                counts["record"] += 1
                if kind.exact and found != held:
                    what = "not what was saved"
            except (ValueError, OSError) as error:
                counts["error"] += 1
                what = None if str(error) else "an error without a word"
            except Hang:
                what = "hang"
            except BaseException:
                what = traceback.format_exc()
            strange = [path for path in opened if outside(path, folder)]
            if strange:
                what = f"opened {strange}"
            if what:
                about = changed[:400] if isinstance(changed, bytes) else changed
                counts["failures"].append(f"seed {seed} {number} {victim} {about!r}: {what}")
            if kind.exact:  # reading may have written
                shutil.rmtree(folder)
                put(folder, files)
            else:
                remove(folder / victim)
                put(folder, {victim: files[victim]})
        tempfile.tempdir = None
    return counts


def remove(path):
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def work(kind, n, seed):
    """Like `fuzz`, of bounded memory, with its peak."""
    fuzz(kind, 3, -1)  # imports
    bound_memory(SPARE_MEMORY)
    before = peak_memory()
    return fuzz(kind, n, seed) | {"peak": peak_memory() - before}


@contextlib.contextmanager
def quiet():
    """Silence warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


_watched = []


def _audit(event, args):
    if event == "open" and _watched and not isinstance(args[0], int):
        _watched.append(os.fsdecode(args[0]))


@functools.cache
def _watch():
    sys.addaudithook(_audit)


@contextlib.contextmanager
def watched():
    """List the files that are opened meanwhile."""
    _watch()
    _watched[:] = ["watching"]
    opened = []
    try:
        yield opened
    finally:
        opened += _watched[1:]
        _watched.clear()


def outside(path, folder):
    """Tell whether an opened file is neither in the folder nor a part of Python."""
    path = os.path.abspath(path)
    python = (sys.prefix, sys.base_prefix, os.path.dirname(os.__file__), "/proc", "/sys")
    own = (
        str(folder),
        tempfile.gettempdir(),
        str(ROOT / "merit_sk"),
        str(ROOT / "tests"),
        "/dev/null",
        "/dev/urandom",
    )
    return not path.startswith((*own, *python))
