"""Kill what writes files, at random moments, and let it go on."""

import functools
import hashlib
import itertools
import random
import shutil
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from merit_sk import ECGRecords, MeritEmbedder
from merit_sk.training import resume

from .damage import files_of, quiet
from .models import cached_embeddings, embedder, few, pretrain, what_it_knows
from .process import Child, Died, forked, place


class Job(NamedTuple):
    """Something that is killed.

    Attributes
    ----------
    act : callable
        ``act(folder)`` does it, or goes on with it, and returns what must be equal after kills.
    prepare : callable
        ``prepare(folder)`` writes what is there before.
    """

    act: Callable
    prepare: Callable = lambda folder: None


def names_in(folder):
    """Return the names of the files in a folder."""
    return [name for name in files_of(folder) if not name.endswith(".lock")]


def contents(folder):
    """Return a digest of every file in a folder, by its path there."""
    files = files_of(folder)
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def train(folder):
    """Pretrain with a checkpoint after every batch."""
    resume.SECONDS = 0.0
    return what_it_knows(pretrain(checkpoint_dir=folder, max_epochs=4)), names_in(folder)


@functools.cache
def many():
    """Make recordings for a cache of three shards."""
    X = np.random.default_rng(0).standard_normal((2200, 12, 8)).astype(np.float32)
    return ECGRecords.from_array(X, sampling_rate=100)


def cache_signals(folder, n_jobs=1):
    """Build a cache of signals."""
    many().cache(folder / "cache", n_jobs=n_jobs)
    return contents(folder)


def embed(folder):
    """Embed with a cache; the second time nothing is computed."""
    return cached_embeddings(folder), names_in(folder)


def start_embedding(folder):
    """Write a cache that has some of the embeddings."""
    embedder().__copy__().set_params(cache=folder).transform(few()[0][:3])


def save(folder):
    """Save a model where there was an older one, that one or this one, never another."""
    model = folder / "model"
    if (folder / "older").exists() or model.exists():
        found = what_it_knows(MeritEmbedder.from_pretrained(model, device="cpu"))
        assert found in (what_it_knows(embedder(0)), what_it_knows(embedder(1))), "neither"
    embedder(0).save_pretrained(model)
    return contents(model)


def save_older(folder):
    """Save the older model."""
    embedder(1).save_pretrained(folder / "model")
    (folder / "older").touch()


JOBS = {
    "pretraining": Job(train),
    "cache of signals": Job(cache_signals),
    "cache of embeddings": Job(embed, start_embedding),
    "saving a model": Job(save, save_older),
}
BY_TWO = Job(functools.partial(cache_signals, n_jobs=2))


def kill(job, n, seed):
    """Kill a job `n` times, up to three times in a row, and let it end after that.

    Parameters
    ----------
    job : Job
    n, seed : int

    Returns
    -------
    dict
        How many "kills" there were, and "failures", texts.
    """
    rng = random.Random(seed)
    counts = {"kills": 0, "failures": []}
    embedder(0), embedder(1), many()
    with place() as around, quiet():

        def prepared(name):
            folder = around / name
            folder.mkdir()
            job.prepare(folder)
            return folder

        seconds, wholes = [], []
        for k in range(3):
            folder = prepared(f"whole-{k}")
            child = Child(job.act, folder)
            child.begun()
            wholes.append(child.result())
            seconds.append(time.monotonic() - child.started)
        whole = wholes[0]
        if isinstance(whole, Died) or wholes != [whole] * 3:
            return counts | {"failures": [f"without a kill: {wholes}"]}
        for number in itertools.count():
            if counts["kills"] >= n:
                break
            folder = prepared(f"killed-{number}")
            for _ in range(rng.randrange(1, 4)):
                child = Child(job.act, folder)
                child.begun()
                time.sleep(rng.uniform(0, statistics.median(seconds)))
                if child.kill():
                    counts["kills"] += 1
                elif isinstance(answer := child.result(), Died):
                    counts["failures"].append(f"seed {seed} {folder.name}: {answer.reason}")
            found = forked(job.act, folder)
            if found != whole:
                what = found.reason if isinstance(found, Died) else f"{found} instead of {whole}"
                counts["failures"].append(f"seed {seed} {folder.name}: {what}")
            shutil.rmtree(folder)
    return counts
