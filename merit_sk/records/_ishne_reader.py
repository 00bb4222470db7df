"""Read the header of an ISHNE Holter file; its samples lie as those of WFDB's format 16 do."""

import os
import struct

from ._recording import MAX_SAMPLES, check_rate, person

_START = 522
_LEADS = {5: "I", 6: "II", 7: "III", 8: "aVR", 9: "aVL", 10: "aVF"}
_LEADS |= {n + 10: f"V{n}" for n in range(1, 7)} | {2: "X", 3: "Y", 4: "Z"}
_SEX = {1: "male", 2: "female"}


def read_header(path):
    """Read the header of an ISHNE file.

    Parameters
    ----------
    path : str

    Returns
    -------
    Header
    """
    from ._wfdb_reader import Header, Scale

    with open(path, "rb") as stream:
        head = stream.read(_START)
    if len(head) < _START or not head.startswith(b"ISHNE1.0"):
        raise ValueError("it is no whole ISHNE file")
    (comment,) = struct.unpack_from("<i", head, 10)
    (n_leads,) = struct.unpack_from("<h", head, 156)
    (rate,) = struct.unpack_from("<h", head, 272)
    if not 1 <= n_leads <= 12 or comment < 0:
        raise ValueError(f"it announces {n_leads} leads after {comment} bytes of comment")
    codes = struct.unpack_from(f"<{n_leads}h", head, 158)
    nanovolts = struct.unpack_from(f"<{n_leads}h", head, 206)
    if min(nanovolts) <= 0:
        raise ValueError("it does not tell the voltage of a sample")
    names = [_LEADS.get(code, f"lead {i + 1}") for i, code in enumerate(codes)]
    if len(set(names)) < n_leads:
        raise ValueError(f"it names the leads {', '.join(names)}")
    size = os.path.getsize(path) - _START - comment
    n_times, rest = divmod(size, 2 * n_leads)
    if size <= 0 or rest:  # the number of samples it announces is a maximum with some writers
        raise ValueError(f"it is truncated, it has {size} bytes of samples for {n_leads} leads")
    if n_leads * n_times > MAX_SAMPLES:
        raise ValueError(f"it has {n_leads} leads of {n_times} samples")
    first, last, number = (
        head[at : at + size].split(b"\0")[0].decode("latin-1")
        for at, size in ((28, 40), (68, 40), (108, 20))
    )
    sex = _SEX.get(struct.unpack_from("<h", head, 128)[0])
    born, seen = (_date(head, at) for at in (132, 138))
    return Header(
        path,
        check_rate(float(rate)),
        n_times,
        tuple(names),
        (),
        os.path.basename(path),
        _START + comment,
        tuple(Scale(1e6 / nanovolt, 0, 1.0) for nanovolt in nanovolts),
        ("0",) * n_leads,
        format="ISHNE",
        facts={"sex": sex} if sex else {},
        identity=person(number, f"{first} {last}", birth_date=born, acquired=seen),
    )


def _date(head, at):
    day, month, year = struct.unpack_from("<3h", head, at)
    return f"{year:04d}-{month:02d}-{day:02d}" if 0 < month < 13 and 0 < day < 32 else None
