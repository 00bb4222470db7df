"""Make the figures of the documentation: every table by its own command, into a csv file.

    python benchmarks/results.py --data DATA --work FOLDER [NAME ...] [--all] [--list] [--check]

Runs what is missing or stale, or all, or some tables by their names, and writes into
``benchmarks/results``: the csv files of each command, and beside them what it was made with:
command, time, machine, versions, and digests of the code that ran and of the weights that it read
(``_trace.py``). A table is stale once one of them has changed; ``--check`` names those and fails.
Weights that a table compares are trained first, in FOLDER, and interrupted trainings go on. What
needs a GPU is left as it is where there is none, unless it is named. Marked figures of README.md
are filled in. DATA is the folder that ``_data.py`` describes.
"""

import argparse
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from _trace import ROOT, changed, code_digest

HERE, RESULTS = Path(__file__).parent, ROOT / "benchmarks" / "results"
MARK = re.compile(r"<!--(?P<what>[\w-]+\[.*?\]\..+?)-->.*?<!--/-->")
TINY = "merit_tiny.py --data {data} --work {work} --output {weights}"
PARTS = ("statements", "vocabularies", "lead-sets", "whole-view", "crops", "settled-norms")
IDEAS = {f"without-{part}": f"{TINY} --half --without {part}" for part in PARTS} | {
    "with-voltages": f"{TINY} --half --voltages",
    "pairs": f"{TINY} --half".replace("merit_tiny", "pairs"),
}
WEIGHTS = {
    **{f"seed{k}": f"{TINY} --seed {k}" for k in (0, 1, 2)},
    **{f"without-{part}": f"{TINY} --without {part}" for part in ("structure", "text")},
    "simulated": "merit_tiny.py --work {work} --output {weights}",
    "half": f"{TINY} --half",
    **IDEAS,
}


@dataclass(frozen=True)
class Run:
    """One command that writes csv files, and the weights that it needs."""

    script: str
    arguments: str = ""
    weights: tuple = ()
    on_gpu: bool = False


HALVES = ("without-structure", "without-text", "simulated")
SEEDS = ("seed1", "seed0", "seed2")
EDITIONS = (*SEEDS, *HALVES)
RUNS = {
    "defaults": Run("defaults.py", "--data {data}"),
    "labels": Run(
        "labels.py",
        "--data {data} --work {work} --encoders text_branch_alone={without-structure} "
        "signal_branch_alone={without-text} simulated_recordings_alone={simulated}",
        HALVES,
    ),
    "labels-mv": Run("labels.py", "--data {data} --work {work} --mv --network-repeats 0"),
    "editions": Run(
        "editions.py",
        "--data {data} " + " ".join(f"{{{name}}}" for name in EDITIONS),
        EDITIONS,
    ),
    **{
        f"seeds_fold_{fold}": Run(
            "editions.py",
            f"--data {{data}} --folds {fold} --name seeds_fold_{fold} "
            + " ".join(f"{{{name}}}" for name in SEEDS),
            SEEDS,
        )
        for fold in (9, 10)
    },
    "parts": Run(
        "editions.py",
        "--data {data} --name parts " + " ".join(f"{{{name}}}" for name in ("half", *IDEAS)),
        ("half", *IDEAS),
    ),
    "model_card": Run("model_card.py", "--data {data}"),
    "calibration": Run("calibrate.py", "--data {data} --only-tables"),
    "retrieval": Run("retrieval.py", "--data {data}"),
    "unfamiliar": Run("unfamiliar.py", "--data {data}"),
    "plausibility": Run("plausibility.py", "--data {data}"),
    "explanations": Run("explanations.py", "--data {data} --seed 7"),
    "branches": Run("branches.py", "--data {data} --work {work}"),
    "going_on": Run("going_on.py", "--data {data} --work {work}"),
    "new_words": Run("new_words.py"),
    "measurements": Run("measurements.py", "--data {data} --only-tables"),
    "report_writer": Run("report_writer.py", "--data {data} --work {work} --only-tables"),
    "single_lead": Run("single_lead.py", "--data {data}"),
    "informativeness": Run("informativeness.py", "--data {data}"),
    "simulated_beats": Run("simulated_beats.py", "--data {data}"),
    "gpu": Run("gpu.py", on_gpu=True),
    "speed": Run("speed.py", "--ptbxl {data}/ptb-xl --n-files 2000 --n-part 500"),
    "speed-500": Run(
        "speed.py", "--ptbxl {data}/ptb-xl --n-files 2000 --n-part 500 --rate 500 --tables folder"
    ),
    "pretraining": Run(
        "pretraining.py", "--models tiny --tables fit transform branches memory peers"
    ),
    "rehearsal": Run("rehearsal.py", "--work {work}"),
    "torture": Run("torture_tables.py", "--n 40000 --kills 120 --disks 60 --seed 18"),
}


def path_of(name, suffix=".csv"):
    return RESULTS / f"{name}{suffix}"


def made_with(name):
    """Return what a table was made with, None if it is not there; parts belong to their run."""
    while name:
        if path_of(name, ".json").is_file():
            return json.loads(path_of(name, ".json").read_text())
        name = name.rpartition("-")[0]
    return None


def stale(name):
    """Return the files that changed since a table was made; all is new where it is not there."""
    found = made_with(name)
    return ["it was never made"] if found is None else changed(found["trace"])


def conditions(text):
    """Return columns and values of ``COLUMN=VALUE, ...``; values may have commas of their own."""
    parts = re.split(r"(?:^|, )([\w ]+)=", text)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def value(what):
    """Return a figure as text, of ``NAME[COLUMN=VALUE, ...].COLUMN [FORMAT]``."""
    name, where, column = re.fullmatch(r"([\w-]+)\[(.*?)\]\.(.+)", what.strip()).groups()
    column, _, form = column.partition("|")
    table = pd.read_csv(path_of(name))
    rows = pd.Series(True, index=table.index)
    for key, equal in conditions(where).items():
        rows &= table[key].astype(str) == equal
    if rows.sum() != 1:
        raise ValueError(f"{rows.sum()} rows of {name}.csv are {where}")
    return format(table.loc[rows, column].item(), form or ".3f")


def fill(path):
    """Write figures where a text file has marks for them."""
    old = path.read_text()
    new = MARK.sub(lambda m: f"<!--{m['what']}-->{value(m['what'])}<!--/-->", old)
    if new != old:
        path.write_text(new)


def machine():
    """Return the processor and how many cores there are, and the GPU if there is one."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = "unknown processor"
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{name}, {os.cpu_count()} cores{gpu}"


def train(name, places):
    """Train weights that are not there or are stale, and return what they depend on."""
    folder = places[name]
    if (folder / "trace.json").is_file():
        traces = json.loads((folder / "trace.json").read_text())
        if any(map(changed, traces)):
            shutil.rmtree(folder)
    if not (folder / "trace.json").is_file():
        words = WEIGHTS[name].format(weights=folder, **places).split()
        traces = traced(words, places["work"])
        (folder / "trace.json").write_text(json.dumps(traces))
    return json.loads((folder / "trace.json").read_text())


def traced(words, work):
    """Run a script that keeps its state in a folder, and return what it depends on.

    A run that was interrupted goes on, and its traces are joined, if the code is what it was; else
    what it left is removed.
    """
    before = sorted(work.glob("trace-*.json"))
    traces = [json.loads(path.read_text()) for path in before]
    if any(map(changed, traces)) or not (before or _is_empty(work)):
        shutil.rmtree(work)
        traces = []
    work.mkdir(parents=True, exist_ok=True)
    out, (script, *arguments) = work / f"trace-{len(traces)}.json", words
    command = [sys.executable, HERE / "_trace.py", out, HERE / script, *arguments]
    subprocess.run(command, check=True, cwd=ROOT)
    traces.append(json.loads(out.read_text()))
    for path in work.glob("trace-*.json"):
        path.unlink()
    return traces


def _is_empty(folder):
    return not folder.is_dir() or not any(folder.iterdir())


def make(name, places):
    """Run the command of a table, and keep its csv files with what they were made with."""
    from merit_sk.experiment import versions

    run, work = RUNS[name], places["work"].parent / name
    traces = [trace for weights in run.weights for trace in train(weights, places)]
    arguments = run.arguments.format(**places | {"work": work}).split()
    begin = time.perf_counter()
    traces += traced([run.script, *arguments, "--output", str(work / "tables")], work)
    note = {
        "command": shown(run), "seconds": round(time.perf_counter() - begin),
        "date": datetime.date.today().isoformat(), "machine": machine(),
        "versions": versions(), "trace": joined(traces),
    }  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    for table in (work / "tables").glob("*.csv"):
        (RESULTS / table.name).write_bytes(table.read_bytes())
    path_of(name, ".json").write_text(json.dumps(note) + "\n")
    shutil.rmtree(work)


def joined(traces):
    """Return one trace with all that one of several has, which are not stale."""
    code, files = {}, {}
    for trace in traces:
        files |= trace["files"]
        for name, (_, *functions) in trace["code"].items():
            code.setdefault(name, set()).update(functions)
    stale = {name for trace in traces for name in changed(trace)}
    digests = {name: "" if name in stale else code_digest(ROOT / name, sorted(functions))
               for name, functions in code.items()}  # fmt: skip
    return {"code": {name: [digests[name], *sorted(code[name])] for name in sorted(code)},
            "files": files}  # fmt: skip


def shown(run):
    """The command as a reader would type it."""
    words = run.arguments.replace("{data}", "DATA").replace("{work}", "FOLDER")
    words = re.sub(r"\{([\w-]+)\}", r"FOLDER/\1", words)
    return f"python benchmarks/{run.script} {words}".strip()


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--data", type=Path, metavar="DATA")
    parser.add_argument("--work", type=Path, metavar="FOLDER")
    parser.add_argument("--all", action="store_true", help="also what is not stale")
    parser.add_argument("--list", action="store_true", help="print what there is")
    parser.add_argument("--check", action="store_true", help="fail if a table is stale")
    args = parser.parse_args(arguments)
    unknown = sorted({*args.names} - {*RUNS})
    if unknown:
        parser.error(f"no tables {', '.join(unknown)}; there are {', '.join(RUNS)}")
    there = [name for name, run in RUNS.items() if torch.cuda.is_available() or not run.on_gpu]
    found = {name: stale(name) for name in args.names or there}
    if args.list or args.check:
        for name, why in found.items():
            print(f"{name:16} {'stale: ' + ', '.join(why[:4]) if why else 'current'}")
        return sys.exit(any(found.values()) if args.check else 0)
    if args.data is None or args.work is None:
        parser.error("give --data and --work")
    args.work.mkdir(parents=True, exist_ok=True)
    work = args.work.resolve()
    places = {"data": args.data.resolve(), "work": work / "training"}
    places |= {name: work / "weights" / name for name in WEIGHTS}
    for name, why in found.items():
        if why or args.all or args.names:
            print(f"{name}: {shown(RUNS[name])}", flush=True)
            make(name, places)
    fill(ROOT / "README.md")


if __name__ == "__main__":
    main()
