"""Downloading a published data set: resumed, verified, and left alone once it is whole."""

import hashlib
import os
import re
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

PHYSIONET = "https://physionet.org/files"

_SUMS = "SHA256SUMS.txt"
_BLOCK = 1 << 16
_ATTEMPTS = 5
_CONNECTIONS = 4
_TIMEOUT = 30


def data_home_folder(data_home=None):
    """Return the folder where fetched data sets are kept.

    Parameters
    ----------
    data_home : str, path-like or None, default=None
        By default the environment variable ``MERIT_SK_DATA_HOME``, or else ``~/merit_sk_data``.

    Returns
    -------
    Path
    """
    return Path(data_home or os.environ.get("MERIT_SK_DATA_HOME", "~/merit_sk_data")).expanduser()


def download(name, folder, *, pattern=".*", mirror=PHYSIONET, download_if_missing=True):
    """Bring the files of a PhysioNet project to a folder.

    Parameters
    ----------
    name : str
        Project and version, such as ``"ptb-xl/1.0.3"``.
    folder : Path
        Where the files go, in the folders they have in the project.
    pattern : str
        Regular expression that the paths of the wanted files match in full.
    mirror : str
        Address below which the projects lie.
    download_if_missing : bool
        Whether to go to the network; otherwise missing files are an error.

    Raises
    ------
    ConnectionError
        If the server cannot be reached, or gives up in the middle.
    FileNotFoundError
        If files are missing and `download_if_missing` is False.
    ValueError
        If a file does not match its published checksum.
    """
    mark = folder / f".complete-{hashlib.sha256(pattern.encode()).hexdigest()[:12]}"
    if mark.exists():
        return
    if not download_if_missing:
        raise FileNotFoundError(
            f"{name} is not (wholly) in {folder}: call with download_if_missing=True"
        )
    base = f"{mirror.rstrip('/')}/{name}/"
    try:
        sums = _read_sums(_get(base + _SUMS), pattern)
        if not sums:
            raise ValueError(f"{base}{_SUMS} lists none of the files wanted ({pattern})")
        _fetch_all(base, folder, sums)
    except (OSError, HTTPException) as error:
        raise ConnectionError(
            f"cannot download {name} from {base}: {error}. What has arrived is kept in {folder} "
            "and the next call goes on from there; without a network, copy the files there from "
            "another machine, or give their folder to the load_ function"
        ) from None
    mark.touch()


def _read_sums(text, pattern):
    """Checksum by path of the files wanted."""
    sums = {}
    for line in text.decode("utf-8").splitlines():
        match = re.fullmatch(r"([0-9a-f]{64})\s+\*?(.+)", line.strip())
        if match is None:
            continue
        path = match[2].removeprefix("./")
        if Path(path).is_absolute() or ".." in Path(path).parts or "\\" in path:
            raise ValueError(f"{_SUMS} lists {path!r}, which is outside the data set")
        if re.fullmatch(pattern, path):
            sums[path] = match[1]
    return sums


def _fetch_all(base, folder, sums):
    from tqdm import tqdm

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        tasks = [
            pool.submit(_fetch_one, base + urllib.request.pathname2url(path), folder / path, digest)
            for path, digest in sums.items()
        ]
        try:
            for task in tqdm(tasks, unit="file", desc=str(folder.name), disable=None):
                task.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _fetch_one(url, file, digest):
    """Download one file unless it is there; a file under its own name is whole."""
    if file.exists() and _digest(file) == digest:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    for attempt in range(_ATTEMPTS):
        try:
            _get(url, part)
        except (OSError, HTTPException) as error:
            gone = isinstance(error, urllib.error.HTTPError) and error.code in (401, 403, 404)
            if gone or attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.2 * 2**attempt)
            continue
        if _digest(part) == digest:
            os.replace(part, file)
            return
        part.unlink()
    raise ValueError(f"{url} does not match its published checksum after {_ATTEMPTS} downloads")


def _get(url, part=None):
    """Return what is at `url`, or append what is missing to the file `part`."""
    request = urllib.request.Request(url, headers={"User-Agent": "merit_sk"})
    have = part.stat().st_size if part is not None and part.exists() else 0
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            if part is None:
                return answer.read()
            resumed = answer.status == 206
            left = answer.length
            with open(part, "ab" if resumed else "wb") as stream:
                while block := answer.read(_BLOCK):
                    stream.write(block)
                    left = None if left is None else left - len(block)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # the part is whole already, or longer than the file
            return None
        raise
    if left:
        raise ConnectionError(f"the connection closed {left} bytes before the end")
    return None


def _digest(file):
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
