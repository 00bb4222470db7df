"""XLI, the compression of Philips XML.

One chunk for each lead: 8 bytes of header (size of the chunk, two bytes unused, first difference)
and a stream of 10-bit LZW codes, of which the bytes are the high halves of all values and then the
low halves. Values are second differences, but for the first two, which are samples.
"""

import numpy as np

_BITS = 10
_CODES = (1 << _BITS) - 1
_BIAS = 64
_SLACK = 4096


def decode_xli(data, n_leads, n_times):
    """Decode leads.

    Parameters
    ----------
    data : bytes
    n_leads, n_times : int
        What is announced; chunks may hold more samples, which are cut.

    Returns
    -------
    ndarray of shape (n_leads, n_times), int16
    """
    leads, at = np.empty((n_leads, n_times), dtype=np.int16), 0
    for lead in leads:
        size = int.from_bytes(data[at : at + 4], "little", signed=True)
        first = int.from_bytes(data[at + 6 : at + 8], "little", signed=True)
        at += 8
        if not 0 < size <= len(data) - at:
            raise ValueError(f"its XLI data end in the header of a lead, at byte {at}")
        samples = _undo_differences(_lzw(data[at : at + size], 4 * n_times + _SLACK), first)
        at += size
        if len(samples) < n_times:
            raise ValueError(f"a lead has {len(samples)} samples, announced are {n_times}")
        lead[:] = samples[:n_times]
    return leads


def _lzw(data, most):
    """Decode 10-bit LZW codes to at most `most` bytes; codes above the table end it."""
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8))
    bits = bits[: len(bits) - len(bits) % _BITS].reshape(-1, _BITS)
    codes = (bits @ (1 << np.arange(_BITS - 1, -1, -1))).tolist()
    table = [bytes([value]) for value in range(256)]
    parts, size, previous = [], 0, b""
    for code in codes:
        if code >= _CODES:
            break
        if code < len(table):
            part = table[code]
        elif previous:
            part = previous + previous[:1]
        else:
            raise ValueError("its XLI data begin with a code that is not defined")
        if previous and len(table) < _CODES:
            table.append(previous + part[:1])
        parts.append(part)
        size += len(part)
        if size > most:
            raise ValueError("its XLI data hold more samples than announced")
        previous = part
    return b"".join(parts)


def _undo_differences(data, first):
    data = np.frombuffer(data + b"\0" * (len(data) % 2), dtype=np.uint8).astype(np.int64)
    high, low = data.reshape(2, -1)
    values = (high << 8 | low).astype(np.uint16).view(np.int16).astype(np.int64)
    if len(values) < 2:
        raise ValueError("its XLI data hold no samples")
    bends = np.concatenate([[first], values[2:-1] - _BIAS])[: max(0, len(values) - 2)]
    steps = np.cumsum(np.concatenate([[values[1] - values[0]], -bends]))
    return np.cumsum(np.concatenate([values[:1], steps])).astype(np.int16)
