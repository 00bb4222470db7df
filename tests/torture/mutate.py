"""Changes to the bytes of a file."""

import re

TOKENS = (
    b"0 1 -1 16 212 61 8 80 311 508 16x4 16:3 16+24 32x0 x : + ( ) / # ~ ../ ../secret / nan inf "
    b"1e309 9999999 -32768 2147483648 1000000000000 1e-300 mV uV /mmHg I V1 r.dat r2.dat \x00 "
    b"\xb5V r/2 r/0 0/0 , \" ' {} [] null 1e400 true ,, ;"
).split(b" ")
TEXT = 20_000


def mutate(data, rng):
    """Change bytes, blocks, words, numbers or lines of a file.

    Parameters
    ----------
    data : bytes
    rng : random.Random

    Returns
    -------
    bytes
    """
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(7)
        if kind == 0 and data:
            data[at - 1] = rng.randrange(256)
        elif kind == 1:
            del data[at : at + rng.choice((1, 3, 20, 10**6))]
        elif kind == 2:
            data[at:at] = rng.choice(TOKENS)
        elif kind == 3:
            replace(data, rb"[^\s,]+", rng, lambda word: rng.choice(TOKENS))
        elif kind == 4:
            lines = data.split(b"\n")
            lines.insert(rng.randrange(len(lines)), rng.choice(lines))
            data = bytearray(b"\n".join(lines))
        elif kind == 5:
            replace(data, rb"\d+", rng, lambda number: other_number(number, rng))
        else:  # a block that never reached the disk
            size = min(rng.choice((16, 512, 4096)), len(data) - at)
            data[at : at + size] = bytes(size)
    return bytes(data)


def replace(data, pattern, rng, change):
    """Change one of the places near the beginning where a pattern is."""
    found = list(re.finditer(pattern, data[:TEXT]))
    if found:
        place = rng.choice(found)
        data[place.start() : place.end()] = change(place[0])


def other_number(number, rng):
    """Return another number, often an absurd one."""
    value = int(number[:18]) * rng.choice((0, 2, 1000, 10**12)) + rng.randrange(-1, 2)
    return str(value).encode()


def damage(files, name, rng):
    """Return what becomes of one file among others: bytes, None where it is gone, or ``{}``.

    Parameters
    ----------
    files : dict of str to bytes
    name : str
        The file that is damaged.
    rng : random.Random

    Returns
    -------
    bytes, None or dict
        The empty dict is a folder in place of the file.
    """
    kind = rng.randrange(50)
    if kind == 0:
        return None
    if kind == 1:
        return {}
    if kind == 2:
        return files[rng.choice(list(files))]
    return mutate(files[name], rng)
