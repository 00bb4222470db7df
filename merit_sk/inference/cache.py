"""Embeddings kept by what they were computed from, so that each is computed once."""

import contextlib
import hashlib
import json
import os
import sqlite3
import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np

MEMORY_BYTES = 2**29
FOLDER_BYTES = 2**34
ROWS_AT_ONCE = 2048
MARK_BYTES = 8
SAMPLES_AT_ONCE = 2**18  # of each lead of a long recording

_OF_THE_DISK = (
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
)  # fmt: skip


def model_key(model, **settings):
    """Digest of all that an embedding depends on besides the recording."""
    from .. import __version__

    settings = settings | {"version": __version__}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(json.dumps(model.config.to_dict(), sort_keys=True).encode())
    for name, weight in model.state_dict().items():
        digest.update(name.encode())
        digest.update(weight.detach().cpu().contiguous().numpy())
    return digest.hexdigest()


def recording_keys(source):
    """Digest of every recording of a source, as it is read."""
    keys, rate = [], float(source.sampling_rate)
    for rows in source.chunks():
        if source.is_long(rows[0]):
            keys.append(_key_of_long(source, rows[0], rate))
            continue
        for x in source.read(rows):
            digest = _digest(x.shape, rate)
            digest.update(np.ascontiguousarray(x))
            keys.append(digest.digest())
    return keys


def _key_of_long(source, i, rate):
    n_times = int(source.n_times[i])
    digest = _digest((len(source.spec.leads), n_times), rate)
    for start in range(0, n_times, SAMPLES_AT_ONCE):
        part = source.read_range(i, start, min(start + SAMPLES_AT_ONCE, n_times))
        digest.update(np.ascontiguousarray(part))
    return digest.digest()


def _digest(shape, rate):
    head = repr((tuple(map(int, shape)), "<f4", rate))
    return hashlib.blake2b(head.encode(), digest_size=16)


class EmbeddingCache:
    """Embeddings of one model, in memory or in a folder that several processes may share.

    Of several processes that miss the same recordings, one computes them and the others wait.
    The oldest embeddings make room for new ones: memory holds 512 MiB, a folder 16 GiB.

    A folder needs file locks that work, as local disks and most cluster file systems have them. On
    a network file system without them processes may compute an embedding twice or find the file
    damaged, which is an error; an embedding that is not as it was written is computed anew.

    Parameters
    ----------
    where : True or path-like
        True is the memory of this process.
    model : str
        See `model_key`.
    """

    def __init__(self, where, model):
        self.store = _Memory(model) if where is True else _File(Path(where), model)

    def rows(self, keys, embed):
        """Embeddings of some recordings.

        Parameters
        ----------
        keys : list of bytes
        embed : callable
            From positions in `keys` (ndarray of int) to rows of embeddings.

        Returns
        -------
        ndarray of shape (len(keys), n_features), float32
        """
        with self.store.opened():
            found = self.store.get(keys)
            missing = list({key: i for i, key in enumerate(keys) if key not in found}.values())
            for start in range(0, len(missing), ROWS_AT_ONCE):
                part = missing[start : start + ROWS_AT_ONCE]
                with self.store.locked():
                    found |= self.store.get([keys[i] for i in part])
                    part = [i for i in part if keys[i] not in found]
                    if part:
                        new = dict(zip([keys[i] for i in part], embed(np.array(part)), strict=True))
                        self.store.put(new)
                        found |= new
        return np.stack([found[key] for key in keys])


class _Memory:
    entries, lock, size = OrderedDict(), threading.RLock(), 0

    def __init__(self, model):
        self.model = model

    def opened(self):
        return contextlib.nullcontext()

    def locked(self):
        return self.lock

    def get(self, keys):
        with self.lock:
            entries = ((key, self.entries.get((self.model, key))) for key in keys)
            return {key: row for key, row in entries if row is not None}

    def put(self, rows):
        for key, row in rows.items():
            self.entries[self.model, key] = row.copy()
            _Memory.size += row.nbytes
        while self.size > MEMORY_BYTES:
            _Memory.size -= self.entries.popitem(last=False)[1].nbytes


class _File:
    """One SQLite file per model."""

    def __init__(self, folder, model):
        self.path = folder / f"{model[:32]}.sqlite"

    @contextlib.contextmanager
    def opened(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _connected(self.path, timeout=86_400) as self.connection:
                self.connection.execute(
                    "CREATE TABLE IF NOT EXISTS embeddings (key BLOB PRIMARY KEY, row BLOB)"
                )
                with contextlib.suppress(OSError):  # a cache that is read-only can be read
                    os.utime(self.path)
                yield
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _OF_THE_DISK:
                raise OSError(
                    f"cannot write the cache of embeddings {self.path}: {error}"
                ) from None
            raise ValueError(
                f"the cache of embeddings {self.path} cannot be used ({error}): delete the file"
            ) from error
        self._make_room()

    @contextlib.contextmanager
    def locked(self):
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:  # a full disk has ended it already
                self.connection.execute("ROLLBACK")
            raise

    def get(self, keys):
        found = {}
        for start in range(0, len(keys), 500):
            part = keys[start : start + 500]
            marks = ",".join("?" * len(part))
            query = f"SELECT key, row FROM embeddings WHERE key IN ({marks})"
            for key, written in self.connection.execute(query, part):
                if not isinstance(written, bytes):
                    continue
                row, mark = written[:-MARK_BYTES], written[-MARK_BYTES:]
                if mark == _mark(key, row):
                    found[key] = np.frombuffer(row, np.float32)
        return found

    def put(self, rows):
        written = ((key, row.tobytes()) for key, row in rows.items())
        self.connection.executemany(
            "INSERT OR REPLACE INTO embeddings VALUES (?, ?)",
            ((key, row + _mark(key, row)) for key, row in written),
        )
        row_bytes = next(iter(rows.values())).nbytes
        self.connection.execute(
            "DELETE FROM embeddings WHERE rowid <= (SELECT max(rowid) FROM embeddings) - ?",
            (max(FOLDER_BYTES // row_bytes, 1),),
        )

    def _make_room(self):
        """Empty the files of other models, the longest unused first, while nobody uses them.

        They are not deleted: a process that has one open would go on writing to nothing.
        """
        others = [p for p in self.path.parent.glob("*.sqlite") if p != self.path]
        for other in sorted(others, key=_last_used):
            if sum(map(_size, self.path.parent.glob("*.sqlite"))) <= FOLDER_BYTES:
                break
            with contextlib.suppress(sqlite3.DatabaseError), _connected(other) as connection:
                connection.execute("DELETE FROM embeddings")
                connection.execute("VACUUM")


@contextlib.contextmanager
def _connected(path, timeout=0):
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    with contextlib.closing(connection):
        yield connection


def _mark(key, row):
    """Checksum of an embedding and what it belongs to."""
    return hashlib.blake2b(key + row, digest_size=MARK_BYTES).digest()


def _last_used(path):
    return path.stat().st_mtime if path.exists() else 0.0


def _size(path):
    return path.stat().st_size if path.exists() else 0
