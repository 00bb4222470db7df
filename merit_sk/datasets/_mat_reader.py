"""Read the fields of one struct from a MATLAB 5 file.

scipy's reader, which is compiled, ends the process on some damaged files.
"""

import struct
import zlib

import numpy as np

_MATRIX, _COMPRESSED = 14, 15
_STRUCT, _CHAR, _NUMBERS = 2, 4, range(6, 16)
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8",
          13: "u8"}  # fmt: skip
_TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_MOST_BYTES = 1 << 30
_DEEPEST = 4


def read_struct(file, name):
    """Read a variable that is a struct of numbers and texts.

    Parameters
    ----------
    file : path-like
        File of MATLAB's level 5, compressed or not.
    name : str
        Of the variable.

    Returns
    -------
    dict of str to ndarray or str

    Raises
    ------
    ValueError
        If the file is of another form, or damaged.
    """
    with open(file, "rb") as stream:
        data = stream.read()
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None:
        raise ValueError("it is not a MATLAB 5 file")
    try:
        for kind, body in _elements(data[128:], order):
            if kind == _COMPRESSED:
                ((kind, body),) = _elements(_decompressed(body), order)
            if kind == _MATRIX:
                found, value = _matrix(body, order)
                if found == name and isinstance(value, dict):
                    return value
    except (struct.error, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"it is damaged: {error}") from None
    raise ValueError(f"it holds no struct {name}")


def _decompressed(body):
    inflate = zlib.decompressobj()
    data = inflate.decompress(body, _MOST_BYTES)
    if not inflate.eof:
        raise ValueError("it is damaged: compressed data are truncated, or too large")
    return data


def _elements(data, order):
    """Yield type and body of each data element."""
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from(order + "II", data, at)
        if kind >> 16:  # both in four bytes, and the body in the next four
            kind, size, start, step = kind & 0xFFFF, kind >> 16, at + 4, 8
        else:
            start, step = at + 8, 8 + size + (0 if kind == _COMPRESSED else -size % 8)
        if start + size > min(len(data), at + step):
            raise ValueError("it is damaged: an element is longer than the file")
        yield kind, data[start : start + size]
        at += step


def _matrix(body, order, depth=0):
    """Name and value of an array; the value is None where it is of another kind."""
    parts = list(_elements(body, order))
    if len(parts) < 3 or depth > _DEEPEST:
        raise ValueError("it is damaged: an array lacks its parts")
    flags, shape = _numbers(parts[0], order), tuple(map(int, _numbers(parts[1], order)))
    name = parts[2][1].decode("latin-1")
    kind = int(flags[0]) & 0xFF if len(flags) else 0
    rest = parts[3:]
    if kind == _STRUCT and len(rest) >= 2 and shape == (1, 1):
        (width,) = struct.unpack(order + "i", rest[0][1])
        text = rest[1][1]
        if width < 1 or len(text) != width * (len(rest) - 2):
            raise ValueError("it is damaged: a struct lacks fields")
        names = [text[i : i + width].split(b"\0")[0] for i in range(0, len(text), width)]
        return name, {
            field.decode("latin-1"): _matrix(part, order, depth + 1)[1]
            for field, (_, part) in zip(names, rest[2:], strict=True)
        }
    if kind == _CHAR and rest:
        return name, _text(rest[0], order)
    if kind in _NUMBERS and rest:
        values = _numbers(rest[0], order)
        if min(shape, default=-1) < 0 or np.prod(shape, dtype=object) != len(values):
            raise ValueError(f"it is damaged: {len(values)} numbers make no array of {shape}")
        return name, values.reshape(shape, order="F")
    return name, None


def _numbers(element, order):
    kind, body = element
    if kind not in _TYPES:
        raise ValueError(f"it is damaged: there is no type {kind} of numbers")
    dtype = np.dtype(order + _TYPES[kind])
    if len(body) % dtype.itemsize:
        raise ValueError("it is damaged: a number is cut")
    return np.frombuffer(body, dtype=dtype)


def _text(element, order):
    kind, body = element
    if kind not in _TEXTS:
        raise ValueError(f"it is damaged: there is no type {kind} of text")
    encoding = _TEXTS[kind]
    if encoding in ("utf-16", "utf-32"):
        encoding += "-le" if order == "<" else "-be"
    return body.decode(encoding)
