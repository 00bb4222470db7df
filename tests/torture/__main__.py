"""Run it all and print tables: ``python -m tests.torture --n 1000000 --kills 1000``."""

import argparse
import os
import sys
import time
from pathlib import Path

from . import __doc__ as about
from . import damage, disks, kills, models, records
from .process import Died, forked_all
from .table import as_text, summed

CHUNK = 1000
KINDS = records.KINDS | models.KINDS


def main(arguments=None):
    """Read the arguments, run, print; 1 if there was any failure."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.torture", description=about.split(":")[0]
    )
    parser.add_argument("--n", type=int, default=2000, help="damaged inputs, of all kinds together")
    parser.add_argument("--kills", type=int, default=40, help="kills, of all jobs together")
    parser.add_argument("--disks", type=int, default=24, help="writes to full disks, all together")
    parser.add_argument("--minutes", type=float, default=1e6, help="end damaged inputs after these")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND",
        help=f"of damaged inputs: {', '.join(KINDS)}")  # fmt: skip
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="for csv files, too")
    args = parser.parse_args(arguments)
    parts = (
        (args.n, damaged_inputs),
        (args.kills, killed_jobs),
        (args.disks, full_disks),
    )
    failures = []
    for n, part in parts:
        if n:
            failures += part(n, args)
    for text in failures[:20]:
        print(text[:500], "...", text[-1500:], file=sys.stderr)
    return int(bool(failures))


def damaged_inputs(n, args):
    """Read damaged inputs, some of every kind also where time is short."""
    chosen = {name: KINDS[name] for name in args.kinds}
    total, tasks = sum(kind.share for kind in chosen.values()), []
    for name, kind in chosen.items():
        of_kind = round(n * kind.share / total)
        damage.originals(kind)  # before the processes part
        for k, start in enumerate(range(0, of_kind, CHUNK)):
            part = start / of_kind
            task = (name, min(CHUNK, of_kind - start), f"{name} {args.seed} {k}")
            tasks.append((part, task))
    tasks = [task for _, task in sorted(tasks)]
    rows, failures = {name: {} for name in chosen}, []
    began = time.monotonic()
    for (name, size, seed), counts in forked_all(_damage, tasks, args.jobs, 60 + CHUNK):
        if isinstance(counts, Died):
            counts = {"failures": [f"{seed}: {counts.reason}"]}
        failures += [f"{name}: {text}" for text in counts["failures"]]
        _add(rows[name], counts, {"record": "read", "error": "refused"}, number=size)
        if time.monotonic() - began > 60 * args.minutes:
            break
    columns = ("number", "refused", "read", "failures", "peak MB", "seconds")
    _show(args.output, "Damaged inputs", rows, columns)
    return failures


def _damage(name, n, seed):
    began = time.monotonic()
    counts = damage.work(KINDS[name], n, seed)
    return counts | {"peak MB": counts["peak"], "seconds": time.monotonic() - began}


def _add(row, counts, names, **more):
    for name, value in (counts | more).items():
        name = names.get(name, name)
        if name == "failures":
            row[name] = row.get(name, 0) + len(value)
        elif name == "peak MB":
            row[name] = max(row.get(name, 0), value)
        elif value is not None:
            row[name] = row.get(name, 0) + value


def killed_jobs(n, args):
    """Kill jobs."""
    each = -(-n // len(kills.JOBS))
    rows, failures = {}, []
    for name, job in kills.JOBS.items():
        began = time.monotonic()
        counts = kills.kill(job, each, f"{name} {args.seed}")
        rows[name] = {"seconds": time.monotonic() - began}
        _add(rows[name], counts, {})
        failures += [f"{name}: {text}" for text in counts["failures"]]
    _show(args.output, "Kills", rows, ("kills", "failures", "seconds"))
    return failures


def full_disks(n, args):
    """Write to full and read-only disks."""
    each = -(-n // len(disks.ACTIONS))
    rows, failures = {}, []
    for name, action in disks.ACTIONS.items():
        began = time.monotonic()
        counts = disks.fill(action, each, f"{name} {args.seed}")
        if counts is None:
            print("Full disks: skipped, as no file system can be mounted here")
            return []
        rows[name] = {"seconds": time.monotonic() - began, "number": each + 1}
        _add(rows[name], counts, {})
        failures += [f"{name}: {text}" for text in counts["failures"]]
    columns = ("number", "refused", "written", "failures", "seconds")
    _show(args.output, "Full disks", rows, columns)
    return failures


def _show(folder, title, rows, columns):
    table = summed(rows, columns)
    print(f"{title}\n{as_text(table)}\n", flush=True)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        table.to_csv(folder / f"torture-{title.lower().replace(' ', '-')}.csv")


if __name__ == "__main__":
    sys.exit(main())
