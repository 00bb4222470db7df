"""Download a published data set: resumed, verified, and left alone once it is whole."""

import hashlib
import os
import re
import shutil
import time
import warnings
import zipfile
import zlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

PHYSIONET = "https://physionet.org/files"

_SUMS = "SHA256SUMS.txt"
_PART = ".merit-part"
_BLOCK = 1 << 16
_PROGRESS = 1 << 20
_ATTEMPTS = 5
_CONNECTIONS = 4
_WAITING = 64
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


def download(
    name, folder, *, pattern=".*", mirror=PHYSIONET, archive=None, download_if_missing=True
):
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
    archive : str or None
        Address of a zip file of the whole project, relative to the parent of `mirror`. With it,
        one file is downloaded, unpacked, and removed; without, each file by itself.
    download_if_missing : bool
        Whether to go to the network; otherwise missing files are an error.

    Raises
    ------
    ConnectionError
        If the server cannot be reached, or gives up in the middle.
    FileNotFoundError
        If files are missing and `download_if_missing` is False.
    OSError
        If the files cannot be written, for example because the disk is full.
    ValueError
        If a file does not match its published checksum.
    """
    import requests

    mark = folder / f".complete-{hashlib.sha256(pattern.encode()).hexdigest()[:12]}"
    if mark.exists():
        return
    if not download_if_missing:
        raise FileNotFoundError(
            f"{name} is not (wholly) in {folder}: call with download_if_missing=True"
        )
    base = f"{mirror.rstrip('/')}/{name}/"
    try:
        with _session() as session:
            if archive is None:
                sums = _read_sums(_get(session, base + _SUMS).splitlines(), pattern)
                if not sums:
                    raise ValueError(f"{base}{_SUMS} lists none of the files wanted ({pattern})")
                _fetch_all(session, base, folder, sums)
            else:
                base = f"{mirror.rstrip('/').rpartition('/')[0]}/{archive}"
                _fetch_archive(session, base, folder, pattern)
    except requests.RequestException as error:
        raise ConnectionError(
            f"cannot download {name} from {base}: {error}. What has arrived is kept in {folder} "
            "and the next call goes on from there; without a network, copy the files there from "
            "another machine, or give their folder to the load_ function"
        ) from None
    except OSError as error:
        raise OSError(
            error.errno,
            f"{error.strerror or error}; what has arrived is kept and the next call goes on",
            error.filename or str(folder),
        ) from None
    mark.touch()


def _session():
    """Open an HTTP session whose connections are kept and shared by all threads."""
    import requests

    session = requests.Session()
    adapter = requests.adapters.HTTPAdapter(pool_maxsize=_CONNECTIONS, pool_block=True)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    # a compressed answer could not be resumed
    session.headers.update({"User-Agent": "merit_sk", "Accept-Encoding": "identity"})
    return session


def _read_sums(lines, pattern):
    """Return the checksum of each wanted file by path."""
    sums = {}
    for line in lines:
        match = re.fullmatch(r"([0-9a-f]{64})\s+\*?(.+)", line.decode("utf-8").strip())
        if match is None:
            continue
        path = _inside(match[2].removeprefix("./"), _SUMS)
        if re.fullmatch(pattern, path):
            sums[path] = bytes.fromhex(match[1])
    return sums


def _inside(path, where):
    if path[:1] in ("", "/") or ".." in path.split("/") or re.search(r"[\\:\0]", path):
        raise ValueError(f"{where} lists {path!r}, which is outside the data set")
    return path


def _fetch_all(session, base, folder, sums):
    from tqdm import tqdm

    waiting = deque()
    with (
        ThreadPoolExecutor(_CONNECTIONS) as pool,
        tqdm(total=len(sums), unit="file", desc=folder.name, disable=None) as progress,
    ):
        try:
            for path, digest in sums.items():
                if len(waiting) == _WAITING:
                    waiting.popleft().result()
                    progress.update()
                url = base + quote(path)
                waiting.append(pool.submit(_fetch_one, session, url, folder / path, digest))
            while waiting:
                waiting.popleft().result()
                progress.update()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _fetch_one(session, url, file, digest):
    """Download one file unless it is there, whole."""
    if file.exists() and _digest(file) == digest:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + _PART)
    for _ in range(_ATTEMPTS):
        _get_patiently(session, url, part)
        if _digest(part) == digest:
            _put(part, file)
            return
        part.unlink()
    raise ValueError(f"{url} does not match its published checksum after {_ATTEMPTS} downloads")


def _put(part, file):
    """Give a whole file its name; one that is there already, and differs, is kept beside it."""
    if file.exists():
        k = 1
        while os.path.lexists(aside := file.with_name(f"{file.name}.replaced-{k}")):
            k += 1
        os.rename(file, aside)
        warnings.warn(
            f"{file} was not as published: it is now {aside.name}", UserWarning, stacklevel=2
        )
    os.replace(part, file)


def _get_patiently(session, url, part):
    """Append what is missing to the file `part`, over several connections if one breaks off."""
    import requests

    attempt = 0
    while True:
        size = part.stat().st_size if part.exists() else 0
        try:
            _get(session, url, part)
            return
        except requests.RequestException as error:
            answer = getattr(error, "response", None)
            gone = answer is not None and answer.status_code in (401, 403, 404)
            progress = part.exists() and part.stat().st_size - size >= _PROGRESS
            attempt = 1 if progress else attempt + 1
            if gone or attempt == _ATTEMPTS:
                raise
            time.sleep(0.2 * 2 ** (attempt - 1))


def _get(session, url, part=None):
    """Return what is at `url`, or append what is missing to the file `part`."""
    have = part.stat().st_size if part is not None and part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    with session.get(url, headers=headers, timeout=_TIMEOUT, stream=True) as answer:
        if have and answer.status_code == 416:  # the part is whole already, or longer than the file
            return None
        answer.raise_for_status()
        if part is None:
            return answer.content
        resumed = answer.status_code == 206
        with open(part, "ab" if resumed else "wb") as stream:
            for block in _blocks(answer):
                stream.write(block)
    return None


def _blocks(answer):
    """Yield what arrives; unlike ``iter_content``, also what arrives just before a break."""
    import requests
    import urllib3

    left = int(answer.headers.get("Content-Length", -1))
    try:
        while block := answer.raw.read1(_BLOCK):
            left -= len(block)
            yield block
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(error) from None
    if left > 0:
        raise requests.ConnectionError(f"the connection closed {left} bytes before the end")


def _digest(file):
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def _fetch_archive(session, url, folder, pattern):
    """Download a zip file of a project, unpack what is wanted, and remove it."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / ("archive.zip" + _PART)
    if not zipfile.is_zipfile(part):
        _get_patiently(session, url, part)
    try:
        with zipfile.ZipFile(part) as archive:
            _unpack(archive, folder, pattern)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        part.unlink()
        raise ValueError(
            f"{url} is damaged ({error}) and was removed: the next call downloads it again"
        ) from None
    part.unlink()


def _unpack(archive, folder, pattern):
    from tqdm import tqdm

    members = archive.infolist()
    tops = {_inside(member.filename, "the archive").partition("/")[:2] for member in members}
    top = "".join(tops.pop()) if len(tops) == 1 else ""
    files = [member for member in members if not member.is_dir()]
    wanted = [m for m in files if re.fullmatch(pattern, m.filename[len(top) :])]
    if not wanted:
        raise ValueError(f"the archive holds none of the files wanted ({pattern})")
    sums = {}
    if any(member.filename == top + _SUMS for member in files):
        with archive.open(top + _SUMS) as lines:
            sums = _read_sums(lines, pattern)
    for member in tqdm(wanted, unit="file", desc=folder.name, disable=None):
        path = member.filename[len(top) :]
        _unpack_one(archive, member, folder / path, sums.get(path))


def _unpack_one(archive, member, file, digest):
    if file.exists() and file.stat().st_size == member.file_size and _crc(file) == member.CRC:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + _PART)
    with archive.open(member) as source, open(part, "wb") as target:
        shutil.copyfileobj(source, target, _PROGRESS)
    if digest is not None and _digest(part) != digest:
        part.unlink()
        raise zipfile.BadZipFile(f"{member.filename} does not match its published checksum")
    _put(part, file)


def _crc(file):
    crc = 0
    with open(file, "rb") as stream:
        while block := stream.read(_PROGRESS):
            crc = zlib.crc32(block, crc)
    return crc
