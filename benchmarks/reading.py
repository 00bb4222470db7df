"""Records read per second: wfdb, first read, cached read; in one run, on the same records.

    python benchmarks/reading.py --ptbxl PATH [--n-jobs 2]

Every figure is the best of several rounds, taken in turn, with files in the page cache. CPU is the
processor time per record of one process; the rates are wall-clock, `wfdb` in a plain loop, and the
others with `--n-jobs` processes that each read their share of the records in batches.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import wfdb
from joblib import Parallel, delayed

from merit_sk.datasets import load_ptbxl

BATCH = 64
MIMIC = 800_000


def wfdb_loop(paths):
    for path in paths:
        wfdb.rdrecord(path)


def read_batches(records):
    for start in range(0, len(records), BATCH):
        np.asarray(records[start : start + BATCH])


def in_parallel(pool, records, n_jobs):
    shares = np.array_split(np.arange(len(records)), n_jobs)
    pool(delayed(read_batches)(records[share]) for share in shares)


def measure(call, clock, rounds):
    best = np.inf
    for _ in range(rounds):
        start = clock()
        call()
        best = min(best, clock() - start)
    return best


def available(folder, rate, n):
    """Records whose files are there, at most n, and their paths."""
    ecg = load_ptbxl(folder, sampling_rate=rate)
    names = ecg.frame["filename_lr" if rate == 100 else "filename_hr"]
    paths = [str(Path(folder) / name) for name in names]
    there = np.flatnonzero([Path(f"{path}.dat").exists() for path in paths])[:n]
    return ecg.data[there], [paths[i] for i in there]


def benchmark(records, paths, n_jobs, folder, quick):
    n = len(records)
    cached = records.cache(folder)
    if not np.array_equal(np.asarray(cached), np.asarray(records)):
        sys.exit("the cache does not give the same values")
    times = {"wfdb": [], "first read": [], "cached": []}
    calls = {
        "wfdb": lambda: wfdb_loop(paths),
        "first read": lambda: read_batches(records),
        "cached": lambda: read_batches(cached),
    }
    for _ in range(3):
        for name, call in calls.items():
            times[name].append(
                measure(call, time.process_time, 1 if quick or name == "wfdb" else 5)
            )
    repeats = 1 if quick else max(1, 4000 // n)
    many = {
        name: r[np.tile(np.arange(n), repeats)]
        for name, r in (("first read", records), ("cached", cached))
    }
    walls = {name: [] for name in calls}
    with Parallel(n_jobs=n_jobs) as pool:
        in_parallel(pool, records, n_jobs)
        for _ in range(3):
            walls["wfdb"].append(measure(calls["wfdb"], time.perf_counter, 1) / n)
            for name, r in many.items():
                wall = measure(lambda r=r: in_parallel(pool, r, n_jobs), time.perf_counter, 2)
                walls[name].append(wall / len(r))
    cpu = {name: min(values) / n for name, values in times.items()}
    wall = {name: min(values) for name, values in walls.items()}
    return cpu, wall


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ptbxl", required=True, help="folder of PTB-XL")
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="few recordings: tests the script")
    options = parser.parse_args(arguments)
    print(f"{'':25}{'CPU ms':>9}{'ratio':>8}{'records/s':>11}{'ratio':>8}{'800,000 records':>17}")
    for rate in (100, 500):
        records, paths = available(options.ptbxl, rate, 20 if options.quick else None)
        with tempfile.TemporaryDirectory() as folder:
            cpu, wall = benchmark(
                records, paths, options.n_jobs, Path(folder) / "cache", options.quick
            )
        for name in cpu:
            print(
                f"{f'12 x {10 * rate}, {name}':25}{1e3 * cpu[name]:9.3f}"
                f"{cpu['wfdb'] / cpu[name]:8.1f}{1 / wall[name]:11.0f}"
                f"{wall['wfdb'] / wall[name]:8.1f}{MIMIC * wall[name] / 60:13.1f} min"
            )
        print(f"{len(records)} records, {options.n_jobs} processes; wfdb in one\n")


if __name__ == "__main__":
    main()
