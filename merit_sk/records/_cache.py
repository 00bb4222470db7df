"""The cache: every record of a collection as 16-bit integers in a few large files.

A cache is a folder with

- ``meta.json``: format version, fingerprint of the records, sampling rate, leads, checksum of all
  else; it is written last,
- ``names.txt``: record names, one a line,
- ``shard-00000.bin``, ...: for each record, one (gain, baseline, unit) per lead and its samples,
  lead by lead, and at the end of the file the SHA-256 of the shard and its index,
- ``shard-00000.npy``, ...: offset, length and form of every record of the shard.

It is built in ``<folder>.partial``, one shard after another, each under a temporary name until it
is complete, and renamed to ``<folder>`` at the end. Shards do not depend on each other nor on the
time or the machine, so a build that was killed goes on where it was and gives the same bytes. A
folder of that name that holds anything else is left alone, for ``<folder>.partial-2`` and so on.
"""

import contextlib
import hashlib
import io
import itertools
import json
import os
import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..signals._lead_map import LIMB_LEADS
from ..signals._leads import lead_indices
from ._wfdb_reader import Scale, _read_file, to_millivolts

FORMAT = 1
SHARD_RECORDS = 1024

_INDEX = np.dtype([("offset", "<i8"), ("n_times", "<i4"), ("reduced", "?")])
_DERIVED = [name for name in LIMB_LEADS if name not in ("I", "II")]
_DIGEST_SIZE = hashlib.sha256().digest_size
_OWN = re.compile(
    r"(fingerprint|names\.txt|meta\.json)(\.tmp)?|shard-\d{5,}\.(bin|npy|\d+(\.index)?\.tmp)"
)


def reduce_leads(samples, lead_names, scales, tolerance):
    """Leave out the limb leads that follow from I and II.

    Parameters
    ----------
    samples : ndarray of shape (n_leads, n_times), int16
    lead_names : tuple of str
    scales : tuple of Scale
    tolerance : int
        By how many steps a lead computed by `expand_leads` may differ.

    Returns
    -------
    ndarray of shape (n_leads - 4, n_times) or None
        None if the leads do not follow within the tolerance, or not all of them are there.
    """
    kept = _kept(lead_names)
    if kept is None or len(set(scales)) > 1 or scales[0].baseline:
        return None
    reduced = samples[kept]
    error = expand_leads(reduced, lead_names).astype(np.int32) - samples
    return reduced if np.abs(error).max() <= tolerance else None


def expand_leads(reduced, lead_names):
    """Compute the leads that `reduce_leads` left out.

    These are `LIMB_LEADS` in integers; how halves are rounded is a part of the format.
    """
    samples = np.empty((len(lead_names), reduced.shape[-1]), dtype=np.int16)
    samples[_kept(lead_names)] = reduced
    row = {name: samples[i] for i, name in enumerate(lead_names)}
    one, two = row["I"].astype(np.int32), row["II"].astype(np.int32)
    row["III"][...] = two - one
    row["aVR"][...] = -((one + two) >> 1)
    row["aVL"][...] = (2 * one - two) >> 1
    row["aVF"][...] = (2 * two - one) >> 1
    return samples


@lru_cache(maxsize=64)
def _kept(lead_names):
    if not set(LIMB_LEADS) <= set(lead_names):
        return None
    return [i for i, name in enumerate(lead_names) if name not in _DERIVED]


def quantize(signal, n_leads):
    """Round mV to 16-bit integers with the finest step that is a power of two."""
    peak = float(np.abs(signal).max(initial=0))
    gain = 2.0 ** np.floor(np.log2(32767 / peak)) if peak > 0 else 1.0
    gain = float(np.clip(gain, 2.0**-20, 2.0**24))
    samples = np.rint(signal * np.float32(gain)).clip(-32767, 32767).astype(np.int16)
    return samples, (Scale(gain, 0, 1.0),) * n_leads


def _encode(records, i):
    """Encode record `i`: its bytes, its length and whether limb leads are left out."""
    names = records.lead_names
    digital = records._read_digital(i)
    if digital is None:
        signal = records[i]
        samples, scales = quantize(signal, len(names))
        tolerance = max(1, int(scales[0].gain * records._adc_step(i)))
    else:
        samples, scales = digital
        tolerance = 0
    reduced = reduce_leads(samples, names, scales, tolerance)
    head = np.array(scales, dtype="<f8").tobytes()
    body = np.ascontiguousarray(samples if reduced is None else reduced, dtype="<i2").tobytes()
    return head + body, samples.shape[-1], reduced is not None


def write_shard(records, folder, number):
    """Write one shard unless it is there already, whole."""
    file = Path(folder) / f"shard-{number:05d}.bin"
    if _shard_is_whole(file):
        return
    index = np.zeros(len(records), dtype=_INDEX)
    digest = hashlib.sha256()
    with _written(file.with_suffix(f".{os.getpid()}.tmp"), file) as stream:
        for i in range(len(records)):
            block, n_times, reduced = _encode(records, i)
            index[i] = stream.tell(), n_times, reduced
            stream.write(block)
            digest.update(block)
        digest.update(index.tobytes())
        stream.write(digest.digest())
        whole = file.with_suffix(".npy")
        with _written(file.with_suffix(f".{os.getpid()}.index.tmp"), whole) as index_stream:
            npy = io.BytesIO()  # numpy's own writing to a file does not say that the disk is full
            np.save(npy, index)
            index_stream.write(npy.getbuffer())


@contextlib.contextmanager
def _written(temporary, file):
    """Open a temporary file that becomes `file` when all is written, and goes away otherwise."""
    try:
        with open(temporary, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.filename is None and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(file)) from None
        raise
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _shard_is_whole(file):
    try:
        index = _load_index(file.with_suffix(".npy"))
        digest = hashlib.sha256()
        with open(file, "rb") as stream:
            left = os.fstat(stream.fileno()).st_size - _DIGEST_SIZE
            while left > 0:
                block = stream.read(min(left, 1 << 20))
                digest.update(block)
                left -= len(block)
            digest.update(index.tobytes())
            return stream.read() == digest.digest()
    except (OSError, ValueError):
        return False


def _load_index(file):
    try:
        return np.load(file, allow_pickle=False)
    except Exception as error:  # numpy's parser of headers raises whatever Python's does
        raise ValueError(f"{file}: {error}") from None


def build(records, folder, n_jobs=None):
    """Build the cache of `records` in `folder`, or find it there.

    Returns
    -------
    CacheSource
    """
    from joblib import Parallel, delayed
    from tqdm import tqdm

    folder = Path(folder)
    broken = [name for name in records.record_names if "\n" in name]
    if broken:
        raise ValueError(f"names of records must have one line to be cached, got {broken[0]!r}")
    fingerprint = records._fingerprint()
    if folder.exists():
        return CacheSource.open(folder, fingerprint)
    starts = range(0, len(records), SHARD_RECORDS)
    shards = [records[start : start + SHARD_RECORDS] for start in starts]
    with _sole_builder(folder) as partial:
        if partial is not None:
            _start_or_resume(partial, fingerprint)
            tasks = (delayed(write_shard)(part, partial, k) for k, part in enumerate(shards))
            done = Parallel(n_jobs=n_jobs, return_as="generator")(tasks)
            for _ in tqdm(done, total=len(shards), unit="shard", desc="caching", disable=None):
                pass
            _finish(records, partial, folder, fingerprint, len(shards))
    return CacheSource.open(folder, fingerprint)


@contextlib.contextmanager
def _sole_builder(folder):
    """Hold the lock on ``<folder>.partial``; None if another process has built `folder`."""
    while True:
        if folder.exists():
            yield None
            return
        partial = _work_folder(folder)
        partial.mkdir(parents=True, exist_ok=True)
        with _locked(partial):
            if not folder.exists() and partial.exists() and _is_own(partial):
                yield partial
                return


def _work_folder(folder):
    """Find the first of ``<folder>.partial``, ``<folder>.partial-2``, ... without alien files."""
    for k in itertools.count(1):
        partial = folder.with_name(f"{folder.name}.partial" + (f"-{k}" if k > 1 else ""))
        if not os.path.lexists(partial) or _is_own(partial):
            return partial


def _is_own(partial):
    """Tell whether a build has made this folder: it has its mark and no other files."""
    if not partial.is_dir() or partial.is_symlink():
        return False
    names = [file.name for file in partial.iterdir()]
    if not all(_OWN.fullmatch(name) for name in names):
        return False
    return set(names) <= {"fingerprint.tmp"} or _mark(partial) is not None


def _mark(partial):
    """Return the fingerprint of the records that a build is of, None if there is none."""
    for name in ("fingerprint", "meta.json"):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            text = (partial / name).read_text()
            mark = text if name == "fingerprint" else json.loads(text).get("fingerprint")
            if re.fullmatch("[0-9a-f]{64}", str(mark)):
                return mark
    return None


@contextlib.contextmanager
def _locked(folder):
    try:
        import fcntl
    except ImportError:  # no such locks on this system: renaming still keeps a cache whole
        yield
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:  # just renamed by the process that had the lock
        yield
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _start_or_resume(partial, fingerprint):
    """Empty a folder left by a build of other records."""
    if _mark(partial) != fingerprint:
        files = [file for file in partial.iterdir() if _OWN.fullmatch(file.name)]
        for file in sorted(files, key=lambda file: file.name in ("fingerprint", "meta.json")):
            file.unlink()
    _write(partial / "fingerprint", fingerprint.encode())
    _remove_temporary(partial)


def _remove_temporary(folder):
    for file in folder.glob("*.tmp"):
        if _OWN.fullmatch(file.name):
            file.unlink(missing_ok=True)


def _finish(records, partial, folder, fingerprint, n_shards):
    _write(partial / "names.txt", "\n".join(records.record_names).encode())
    meta = {
        "format": FORMAT,
        "fingerprint": fingerprint,
        "sampling_rate": records.sampling_rate,
        "lead_names": list(records.lead_names),
        "n_records": len(records),
        "n_shards": n_shards,
        "index_sha256": _index_digest(partial, n_shards),
    }
    _write(partial / "meta.json", json.dumps(meta, indent=1).encode())
    (partial / "fingerprint").unlink()
    _remove_temporary(partial)
    os.rename(partial, folder)


def _write(file, data):
    with _written(file.with_name(f"{file.name}.tmp"), file) as stream:
        stream.write(data)


def _index_digest(folder, n_shards):
    digest = hashlib.sha256((folder / "names.txt").read_bytes())
    for k in range(n_shards):
        digest.update((folder / f"shard-{k:05d}.npy").read_bytes())
    return digest.hexdigest()


@lru_cache(maxsize=1024)
def _scales(head):
    values = np.frombuffer(head, dtype="<f8").reshape(-1, 3)
    sizes = np.abs(values)
    if not ((sizes < 1e12).all() and (sizes[:, 0] > 1e-12).all()):
        raise ValueError("the scale of a record is none")
    return tuple(Scale(gain, int(baseline), unit) for gain, baseline, unit in values.tolist())


class CacheSource:
    """Records of a cache; see `merit_sk.records._sources` for what a source is."""

    def __init__(self, folder, meta, shards, index):
        self.folder = folder
        self.meta = meta
        self.shards = shards
        self.index = index
        self.lead_names = tuple(meta["lead_names"])

    @classmethod
    def open(cls, folder, fingerprint=None):
        """Open a cache and check that its index is whole and its files have their sizes."""
        folder = Path(folder)
        try:
            meta = json.loads((folder / "meta.json").read_text())
        except (FileNotFoundError, NotADirectoryError):
            raise FileNotFoundError(f"{folder} is not a cache: it has no meta.json") from None
        except ValueError:
            raise ValueError(f"the cache {folder} is damaged: meta.json") from None
        found = meta.get("format") if isinstance(meta, dict) else None
        if found != FORMAT:
            raise ValueError(
                f"the cache {folder} has the format {found!r}, this version reads "
                f"{FORMAT}: delete the folder and build it again"
            )
        _check_meta(folder, meta)
        if fingerprint not in (None, meta["fingerprint"]):
            raise ValueError(
                f"the cache {folder} holds other records, or the same ones with other leads, "
                "sampling rate or duration, or was written by an older version that did not look "
                "at what records hold: choose another folder, or delete this one"
            )
        n_shards = meta["n_shards"]
        try:
            if _index_digest(folder, n_shards) != meta["index_sha256"]:
                raise ValueError("its index does not match its checksum")
            files = [folder / f"shard-{k:05d}.npy" for k in range(n_shards)]
            parts = [_load_index(file) for file in files]
            for file, part in zip(files, parts, strict=True):
                _check_index(file.with_suffix(".bin"), part, tuple(meta["lead_names"]))
        except (OSError, ValueError) as error:
            raise ValueError(
                f"the cache {folder} is damaged: {error}; delete the folder and build it again"
            ) from None
        shards = np.repeat(np.arange(n_shards, dtype=np.int32), [len(part) for part in parts])
        index = np.concatenate(parts) if parts else np.zeros(0, dtype=_INDEX)
        return cls(str(folder.resolve()), meta, shards, index)

    @property
    def rates(self):
        return np.full(len(self.index), float(self.meta["sampling_rate"]))

    @property
    def n_times(self):
        return self.index["n_times"].astype(np.int64)

    def names(self):
        """Return the names of all records of the cache, in the order they were written."""
        text = (Path(self.folder) / "names.txt").read_bytes().decode("utf-8")
        return text.split("\n") if len(self.index) else []

    def take(self, key):
        return CacheSource(self.folder, self.meta, self.shards[key], self.index[key])

    def describe(self, i):
        return f"at {self.index['offset'][i]} of {self._file(i)}"

    def _file(self, i):
        return f"{self.folder}/shard-{self.shards[i]:05d}.bin"

    def read_digital(self, i, lead_names):
        """Read samples and scales of a record, with its leads in the order asked for."""
        offset, n_times, reduced = self.index[i].item()
        n_leads = len(self.lead_names)
        head = 24 * n_leads
        stored = n_leads - len(_DERIVED) if reduced else n_leads
        size = head + 2 * stored * n_times
        data = _read_file(self.folder, self._file(i), "shard", offset, size)
        if len(data) < size:
            raise ValueError(f"the cache {self.folder} is damaged: {self._file(i)} is truncated")
        samples = np.frombuffer(data, dtype="<i2", offset=head).reshape(stored, n_times)
        try:
            scales = _scales(data[:head])
        except ValueError as error:
            raise ValueError(
                f"the cache {self.folder} is damaged: {self._file(i)}: {error}"
            ) from None
        if reduced:
            samples = expand_leads(samples, self.lead_names)
        if lead_names != self.lead_names:
            leads = lead_indices(self.lead_names, lead_names)
            samples, scales = samples[leads], tuple([scales[lead] for lead in leads])
        return samples, scales

    def read(self, i, lead_names, out=None):
        samples, scales = self.read_digital(i, lead_names)
        out = np.empty(samples.shape, dtype=np.float32) if out is None else out
        to_millivolts(samples, scales, out)
        return out, True

    def adc_step(self, i):
        return 0.0

    def fingerprint(self):
        digest = hashlib.sha256(repr((self.lead_names, self.meta["sampling_rate"])).encode())
        for k in np.unique(self.shards):
            with open(f"{self.folder}/shard-{k:05d}.bin", "rb") as stream:
                stream.seek(-_DIGEST_SIZE, os.SEEK_END)
                digest.update(stream.read())
        digest.update(self.shards.tobytes() + self.index.tobytes())
        return digest.digest()

    def wrong_checksums(self):
        """Return a reason by position for records in files that do not match their checksum."""
        reasons = {}
        for k in np.unique(self.shards):
            file = Path(self.folder) / f"shard-{k:05d}.bin"
            if not _shard_is_whole(file):
                reason = f"{file} does not match its checksum"
                reasons |= dict.fromkeys(np.flatnonzero(self.shards == k).tolist(), reason)
        return reasons


def _check_meta(folder, meta):
    names, rate = meta.get("lead_names"), meta.get("sampling_rate")
    whole = (
        isinstance(meta.get("fingerprint"), str)
        and isinstance(meta.get("index_sha256"), str)
        and isinstance(meta.get("n_shards"), int)
        and meta["n_shards"] >= 0
        and isinstance(rate, int | float)
        and 0 < rate < float("inf")
        and isinstance(names, list)
        and all(isinstance(name, str) for name in names)
        and 0 < len(set(names)) == len(names)
    )
    if not whole:
        raise ValueError(f"the cache {folder} is damaged: meta.json")


def _check_index(file, index, lead_names):
    if index.dtype != _INDEX or index.ndim != 1 or not len(index):
        raise ValueError(f"the index of {file} is none")
    offset, n_times = index["offset"], index["n_times"].astype(np.int64)
    if index["reduced"].any() and _kept(lead_names) is None:
        raise ValueError(f"the index of {file} is of other leads")
    n_leads = len(lead_names)
    stored = np.where(index["reduced"], n_leads - len(_DERIVED), n_leads)
    if (n_times < 0).any():
        raise ValueError(f"the index of {file} has records of negative length")
    stop = np.cumsum(24 * n_leads + 2 * stored * n_times)
    if offset[0] != 0 or (offset[1:] != stop[:-1]).any():
        raise ValueError(f"the index of {file} has gaps")
    size = int(stop[-1]) + _DIGEST_SIZE
    if file.stat().st_size != size:
        raise ValueError(f"{file} has {file.stat().st_size} bytes instead of {size}")
