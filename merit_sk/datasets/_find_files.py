"""Find the recordings in folders, patterns and lists, by what files hold."""

import glob
import os
import re
from typing import NamedTuple

from ..records._files import FORMATS, SUFFIXES, WFDB, recognize

_SIGNALS = (".dat", ".mat")
_EXTENSION = re.compile(r"(?<=.)\.[A-Za-z]\w{0,4}$")  # no part of a DICOM number


class Found(NamedTuple):
    """A file with a recording (WFDB without extension), or that should have one."""

    path: str
    format: str | None
    fault: Exception | None = None

    @property
    def name(self):
        name = os.path.basename(self.path)
        return name if self.format == WFDB else without_extension(name)


def find_files(path):
    """List the recordings of a folder, a pattern, a file or a list of these.

    Parameters
    ----------
    path : str, path-like or sequence of these

    Returns
    -------
    root : str
        Folder to which paths are relative, "" where they are absolute.
    found : list of Found
        In the order of a list, otherwise sorted by path.
    """
    if not isinstance(path, str | os.PathLike):
        given = [os.path.abspath(os.fspath(item)) for item in path]
        return "", [found for item in given for found in _named(item)]
    path = os.fspath(path)
    if os.path.isdir(path):
        return path, _in_folder(path)
    return "", _named(os.path.abspath(path))


def refuse_missing(paths):
    """Raise if a path of a list names nothing."""
    for path in paths:
        there = os.path.exists(path) or os.path.isfile(f"{path}.hea") or glob.has_magic(path)
        if not there:
            raise FileNotFoundError(f"{path}: there is no such file or folder")


def is_recording(path):
    """Tell whether a file holds a recording, or the signals of one."""
    path = os.fspath(path)
    stem, suffix = os.path.splitext(path)
    beside = suffix.lower() in _SIGNALS and os.path.isfile(f"{stem}.hea")
    return beside or recognize(path) is not None


def without_extension(path):
    """Return the last part of a path without its extension, which begins with a letter."""
    return _EXTENSION.sub("", os.path.basename(path))


def _named(path):
    """What one path of a user names."""
    if os.path.isdir(path):
        return [item._replace(path=os.path.join(path, item.path)) for item in _in_folder(path)]
    if os.path.isfile(path):
        stem, suffix = os.path.splitext(path)
        format = recognize(path)
        if format is None and suffix.lower() in _SIGNALS and os.path.isfile(f"{stem}.hea"):
            return [Found(stem, WFDB)]
        return [_unknown(path) if format is None else _found(path, format)]
    if os.path.isfile(f"{path}.hea"):
        return [Found(path, WFDB)]
    if glob.has_magic(path):
        return _matching(path)
    return [Found(path, None, FileNotFoundError(f"record {path}: there is no such file"))]


def _matching(pattern):
    files = sorted(glob.glob(pattern, recursive=True))
    found = [_candidate(file) for file in files if os.path.isfile(file)]
    found = list(dict.fromkeys(item for item in found if item is not None))
    if not found:
        raise FileNotFoundError(f"no recording matches {pattern}")
    return found


def _found(path, format):
    return Found(path.removesuffix(".hea") if format == WFDB else path, format)


def _unknown(path):
    known = ", ".join(FORMATS)
    error = ValueError(f"record {path} is in none of the formats that are read: {known}")
    return Found(path, None, error)


def _candidate(path):
    """A recording, one with a fault if its extension promises a recording, otherwise None."""
    name = os.path.basename(path)
    stem, suffix = os.path.splitext(path)
    if name.startswith(".") or name.upper() == "DICOMDIR":
        return None
    if suffix.lower() in _SIGNALS and os.path.exists(f"{stem}.hea"):
        return None
    try:
        format = recognize(path)
    except OSError as error:
        return Found(path, None, ValueError(f"record {path} cannot be read: {error}"))
    if format is not None:
        return _found(path, format)
    return _unknown(path) if suffix.lower() in SUFFIXES else None


def _in_folder(folder):
    found, inside = [], os.path.realpath(folder)
    for where, _, files in os.walk(folder):
        linked = {name for name in files if _leads_outside(os.path.join(where, name), inside)}
        for name in files:
            path = os.path.join(where, name)
            if name in linked:
                item = _outside(path) if os.path.splitext(name)[1].lower() in SUFFIXES else None
            else:
                item = _candidate(path)
                if linked and item and item.format == WFDB and linked & _files_of(item.path):
                    item = _outside(item.path)
            if item is not None:
                found.append((path, item._replace(path=os.path.relpath(item.path, folder))))
    if not found:
        raise FileNotFoundError(f"there is no recording in {folder}: {', '.join(FORMATS)} are read")
    return [item for _, item in sorted(found, key=lambda pair: pair[0])]


def _leads_outside(path, inside):
    if not os.path.islink(path):
        return False
    return os.path.commonpath([os.path.realpath(path), inside]) != inside


def _outside(path):
    error = ValueError(
        f"record {path} is a link to a file outside the folder: give the files in a list"
    )
    return Found(path, None, error)


def _files_of(path):
    """Names of the files that a WFDB record is read from, those of its segments too."""
    names, to_read = set(), {os.path.basename(path)}
    while to_read:
        name = to_read.pop()
        header = os.path.join(os.path.dirname(path), f"{name}.hea")
        names.add(f"{name}.hea")
        if os.path.isfile(header):
            with open(header, "rb") as stream:
                lines = stream.read(1 << 16).decode("utf-8", errors="replace").splitlines()
            words = {line.split()[0] for line in lines[1:] if line.strip() and line[0] != "#"}
            to_read |= {word for word in words if f"{word}.hea" not in names}
            names |= words
    return names
