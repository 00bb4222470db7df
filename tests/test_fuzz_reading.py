"""Damaged files give an error or a record: never a crash, a hang or a wrong shape."""

import random
import re
import resource
import warnings

import numpy as np
import pytest
import wfdb
from test_wfdb_reader import edf_bytes

from merit_sk import ECGRecords

TOKENS = (
    b"0 1 -1 16 212 61 8 80 311 508 16x4 16:3 16+24 32x0 x : + ( ) / # ~ ../ nan inf 1e309 9999999 "
    b"-32768 2147483648 1e-300 mV uV /mmHg I V1 r.dat r2.dat \x00 \xb5V r/2 r/0 0/0"
).split(b" ")


def originals(folder):
    """Header and data of a few kinds of records, by name."""
    rng = np.random.default_rng(0)
    signal = rng.integers(-1000, 1000, (40, 3)) / 1000
    kinds = {}
    for fmt in ("16", "80", "24", "32", "516"):
        wfdb.wrsamp(
            "r",
            fs=100,
            units=["mV"] * 3,
            sig_name=["I", "II", "V1"],
            p_signal=signal,
            fmt=[fmt] * 3,
            comments=["Dx: 1"],
            write_dir=str(folder),
        )
        kinds[fmt] = {path.name: path.read_bytes() for path in folder.glob("r*.*")}
        for path in folder.glob("r*.*"):
            path.unlink()
    header = kinds["16"]["r.hea"].replace(b" 16 ", b" 212 ", 3)
    kinds["212"] = {"r.hea": header, "r.dat": rng.bytes(180)}
    segments = {f"s{k}.hea": kinds["16"]["r.hea"].replace(b"r", b"s%d" % k) for k in (1, 2)}
    segments |= {f"s{k}.dat": kinds["16"]["r.dat"] for k in (1, 2)}
    kinds["segments"] = {"r.hea": b"r/2 3 100 80\ns1 40\ns2 40\n", **segments}
    kinds["edf"] = {"r.edf": edf_bytes([signal[:30, 0] * 1000] * 2, (10, 10))}
    return kinds


def mutate(data, rng):
    """Change bytes, words or lines of a file."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        if kind == 0 and data:
            data[at - 1] = rng.randrange(256)
        elif kind == 1:
            del data[at : at + rng.choice((1, 3, 20, 10**6))]
        elif kind == 2:
            data[at:at] = rng.choice(TOKENS)
        elif kind == 3:
            words = list(re.finditer(rb"\S+", data))
            if words:
                word = rng.choice(words)
                data[word.start() : word.end()] = rng.choice(TOKENS)
        elif kind == 4:
            lines = data.split(b"\n")
            lines.insert(rng.randrange(len(lines)), rng.choice(lines))
            data = bytearray(b"\n".join(lines))
        else:
            numbers = list(re.finditer(rb"\d+", data))
            if numbers:
                number = rng.choice(numbers)
                value = int(number[0][:18]) * rng.choice((0, 2, 1000)) + rng.choice((-1, 0, 1))
                data[number.start() : number.end()] = str(value).encode()
    return bytes(data)


def read(folder, name):
    """Outcome of reading: "record" or "error"; anything else is raised."""
    try:
        records = ECGRecords.from_wfdb([name], root=folder)
        signal = records.repaired()[0]
    except (ValueError, FileNotFoundError) as error:
        assert "r" in str(error)
        return "error"
    assert signal.shape == (len(records.lead_names), records.lengths[0])
    assert signal.dtype == np.float32
    assert np.isfinite(signal).all()
    return "record"


def fuzz(folder, n, seed):
    """Read `n` mutated records and count the outcomes."""
    rng = random.Random(seed)
    kinds = originals(folder)
    counts = {"record": 0, "error": 0}
    weights = [10 if kind == "16" else 1 for kind in kinds]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(n):
            (kind,) = rng.choices(list(kinds), weights)
            files = kinds[kind]
            victim = rng.choice([*files, "r.hea" if "r.hea" in files else "r.edf"])
            for name, data in files.items():
                content = mutate(data, rng) if name == victim else data
                (folder / name).write_bytes(content)
            try:
                counts[read(folder, "r.edf" if kind == "edf" else "r")] += 1
            except Exception as error:
                raise AssertionError(f"{kind}: {(folder / victim).read_bytes()!r}") from error
            for name in files:
                (folder / name).unlink()
    return counts


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files(tmp_path, seed):
    counts = fuzz(tmp_path, 250, seed)
    assert counts["record"] > 10 and counts["error"] > 10


@pytest.mark.slow
def test_a_hundred_thousand_damaged_files(tmp_path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts = fuzz(tmp_path, 100_000, seed=100)
    print(counts)
    assert sum(counts.values()) == 100_000
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert used < 500_000, f"{used} kB for records of less than 1 kB"
