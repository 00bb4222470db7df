"""Pretraining and embedding of 800,000 ECGs, rehearsed.

    OMP_NUM_THREADS=1 python benchmarks/rehearsal.py --work FOLDER [--n 800000]

Writes ``--n`` simulated records as MIMIC-IV-ECG has them into FOLDER, and removes them at the end:
every record has a folder and a header of its own, and its signals are a hard link to one of
``--distinct`` simulated ECGs. Signals thus come from memory, and no disk is measured. All records
are written and opened; a cache, training and embedding are measured on as many as a row says.
Every row is measured in a process of its own; its memory is the largest that one process had, and
its processor time is that of all.

Table ``machines``: what ten passes of pretraining take, on this machine and on the GPU of
``gpu.py`` by measured rates, with reading as it is measured here.
"""

import argparse
import csv
import itertools
import json
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import psutil
import torch
import wfdb
from _clock import EpochClock
from _tables import add_output, write
from skorch.callbacks import Callback
from torch.utils.flop_counter import FlopCounterMode

from merit_sk import ECGRecords, MeritEmbedder
from merit_sk.datasets import load_mimic_iv_ecg, make_ecg, read_wfdb

LEADS = ("I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6")
PER_PATIENT, N_STATEMENTS = 5, 18
TOTAL, PASSES, PART = 800_000, 10, 256
GPU = Path(__file__).parent / "results" / "gpu.csv"
NETWORKS = {"tiny": 64, "small": 4, "base": 2}  # ECGs of a batch here
TWO_ASSUMED = "measured on one core; two processes assumed to lose what they do for tiny"
ALIKE = {"random_state": 0, "device": "cpu", "n_jobs": 1}


def clock():
    """Seconds by the clock, and of processor time of this process and all that it started."""
    me = psutil.Process()
    others = [*me.cpu_times()[2:4], *(sum(p.cpu_times()[:4]) for p in me.children(recursive=True))]
    return np.array([time.perf_counter(), time.process_time() + sum(others)])


def row(what, n, taken, **more):
    return {"what": what, "ECGs": n, "seconds": taken[0], "CPU seconds": taken[1]} | more


def timed(what, n, call):
    start = clock()
    call()
    return row(what, n, clock() - start)


def peak_memory():
    """Largest resident memory, in GB, of this process and of those it has waited for."""
    status = Path("/proc/self/status").read_text()  # getrusage would tell that of the parent
    own = int(status.split("VmHWM:")[1].split()[0])
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 2**20


def started(function, *arguments):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["joblib", "merit_sk.datasets", "merit_sk.training.net"])
    process = context.Process(target=function, args=arguments)
    process.start()
    return process


def measured(work, step, *arguments):
    """Rows of a step from a process of its own, or as an earlier run has kept them."""
    name = "-".join([step.__name__, *map(str, arguments)])
    out = work / "rows" / f"{name}.json"
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        process = started(_measure, out, step, work, *arguments)
        process.join()
        if process.exitcode:
            sys.exit(f"{name} ended with exit code {process.exitcode}")
    rows = json.loads(out.read_text())
    for found in rows:
        print(", ".join(f"{key} {value}" for key, value in found.items()), flush=True)
    return rows


def _measure(out, step, *arguments):
    torch.set_num_threads(1)
    rows = [found | {"peak GB": peak_memory()} for found in step(*arguments)]
    out.write_text(json.dumps(rows))


def killed(there, function, *arguments):
    """Start what writes a file in a process of its own, and kill it once the file is there."""
    process = started(function, *arguments)
    while not there.exists() and process.is_alive():
        time.sleep(0.005)
    process.kill()
    process.join()


def folder_of(i):
    """Patient, study and folder of a record, as MIMIC-IV-ECG has them."""
    patient, study = 10_000_000 + 12 * (i // PER_PATIENT), 40_000_000 + 12 * i
    return patient, study, f"files/p{patient // 10_000}/p{patient}/s{study}"


def write_distinct(work, n):
    """Write the ECGs that all records share."""
    ecg = make_ecg(n, sampling_rate=500, random_state=0)
    folder = work / "distinct"
    folder.mkdir(parents=True, exist_ok=True)
    for i, x in enumerate(np.asarray(ecg.data.with_leads(LEADS))):
        wfdb.wrsamp(
            f"ecg{i}", fs=500, units=["mV"] * 12, sig_name=list(LEADS), fmt=["16"] * 12,
            adc_gain=[200.0] * 12, baseline=[0] * 12, write_dir=str(folder),
            d_signal=np.rint(200 * x.T).clip(-32767, 32767).astype(np.int16),
        )  # fmt: skip
    (folder / "reports.json").write_text(json.dumps([*ecg.reports]))


def write_records(work, start, stop):
    """Write records, and the tables about all up to these."""
    distinct = work / "distinct"
    texts = json.loads((distinct / "reports.json").read_text())
    headers = [(distinct / f"ecg{k}.hea").read_text() for k in range(len(texts))]
    for i in range(start, stop):
        _, study, folder = folder_of(i)
        folder, k = f"{work}/mimic/{folder}", i % len(headers)
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/{study}.hea", "w") as file:
            file.write(headers[k].replace(f"ecg{k}", str(study)))
        _link(f"{distinct}/ecg{k}.dat", f"{folder}/{study}.dat")
    _write_tables(work / "mimic", stop, texts)


def _link(source, target):
    try:
        os.link(source, target)
    except FileExistsError:  # this run goes on after an interruption
        pass
    except OSError:  # no links on this disk, or 65,000 already
        shutil.copyfile(source, target)


def _write_tables(folder, n, texts):
    names = [f"report_{k}" for k in range(N_STATEMENTS)]
    said = [text.rstrip(".").split(". ")[:N_STATEMENTS] for text in texts]
    said = [parts + [""] * (N_STATEMENTS - len(parts)) for parts in said]
    with (
        open(folder / "record_list.csv", "w", newline="") as listed,
        open(folder / "machine_measurements.csv", "w", newline="") as measured,
    ):
        listed, measured, date = csv.writer(listed), csv.writer(measured), "2180-07-23 08:44:00"
        listed.writerow(["subject_id", "study_id", "file_name", "ecg_time", "path"])
        measured.writerow(["subject_id", "study_id", "ecg_time", *names, "rr_interval"])
        for i in range(n):
            patient, study, path = folder_of(i)
            listed.writerow([patient, study, study, date, f"{path}/{study}"])
            measured.writerow([patient, study, date, *said[i % len(said)], 800])


def writing(work, start, stop):
    return [timed("write the records", stop - start, lambda: write_records(work, start, stop))]


def opening(work, n):
    return [
        timed("load_mimic_iv_ecg: tables and reports", n, lambda: load_mimic_iv_ecg(work / "mimic"))
    ]


def scanning(work, n):
    return [timed("read_wfdb: find and read every header", n, lambda: read_wfdb(work / "mimic"))]


def some(work, n):
    """Records spread over all of them."""
    records = load_mimic_iv_ecg(work / "mimic").data
    return records[len(records) // n * np.arange(n)]


def write_cache(work, n, name):
    return some(work, n).resampled(100).cache(work / name)


def caching(work, n):
    records = some(work, n).resampled(100)
    return [
        timed("cache at 100 Hz, write", n, lambda: records.cache(work / "cache")),
        timed("cache, found there", n, lambda: records.cache(work / "cache")),
    ]


def caching_again(work, n):
    """Kill the writing after the first of a few files, and compare the bytes in the end."""
    records = some(work, n).resampled(100)
    killed(work / "cache-2.partial" / "shard-00000.npy", write_cache, work, n, "cache-2")
    found = timed("cache, restart after a kill", n, lambda: records.cache(work / "cache-2"))
    for file in (work / "cache").iterdir():
        if file.read_bytes() != (work / "cache-2" / file.name).read_bytes():
            sys.exit(f"{file.name} of a cache is another after a kill")
    return [found]


class Steps(Callback):
    """Time of some steps of training after a first, whose operations are counted; then an end."""

    def __init__(self, n):
        self.n, self.done = n, 0

    def on_batch_begin(self, net, **kwargs):
        if self.done == 0:
            self.begin = clock()
            self.counter = FlopCounterMode(display=False)
            self.counter.__enter__()

    def on_batch_end(self, net, **kwargs):
        if self.done == 0:
            self.counter.__exit__(None, None, None)
            self.start = clock()
        if self.done == self.n:
            self.taken = clock() - self.start
            raise KeyboardInterrupt
        self.done += 1


def repeated(work, n):
    """As many records as asked for, from the cache, with the reports of the folder."""
    records, reports = (
        ECGRecords.from_cache(work / "cache"),
        load_mimic_iv_ecg(work / "mimic").reports,
    )
    return records[np.arange(n) % len(records)], reports[np.arange(n) % len(reports)]


def training(work, name, n, n_steps):
    """Some steps among `n` records, and as many batches without the network."""
    records, reports = repeated(work, n)
    size, steps, start = min(NETWORKS[name], n // 2), Steps(n_steps), clock()
    embedder = MeritEmbedder(
        None, encoder=name, max_epochs=n_steps + 1, batch_size=size, callbacks=[steps], **ALIKE
    ).fit(records, reports=reports)
    operations = steps.counter.get_total_flops() / size / 1e9
    batches, begin = itertools.islice(iter(embedder.net_.batches_), n_steps), clock()
    n_read = sum(len(y) for _, y in batches)
    return [
        row(f"fit {name} on {n:,}, until its first step", n, steps.begin - start),
        row(f"fit {name} on {n:,}, steps of {size}", n_steps * size, steps.taken,
            **{"GFLOP per ECG": operations}),
        row(f"fit {name} on {n:,}, reading", n_read, clock() - begin),
    ]  # fmt: skip


def pretrained(work, n, name):
    records, reports = repeated(work, n)
    return MeritEmbedder(
        None, max_epochs=2, batch_size=min(64, n // 2), checkpoint_dir=work / name, **ALIKE
    ).fit(records, reports=reports)


def training_again(work, n):
    """Kill after the first pass of two, and compare the weights in the end."""
    killed(work / "run-2" / "training.safetensors", pretrained, work, n, "run-2")
    start = clock()
    found = pretrained(work, n, "run-2").model_.state_dict()
    again = row("fit tiny, second pass after a kill in it", n, clock() - start)
    once = pretrained(work, n, "run-1").model_.state_dict()
    if not all(torch.equal(once[key], value) for key, value in found.items()):
        sys.exit("weights are others after a kill")
    return [again]


def by_two(work, n):
    """The second pass of a training that torchrun starts in two processes."""
    words = ["-m", "torch.distributed.run", "--nproc_per_node=2", __file__]
    words += ["--work", work, "--slice", n, "--as-one-of-two"]
    subprocess.run([sys.executable, *map(str, words)], check=True)
    seconds, cpu = json.loads((work / "by_two.json").read_text())
    return [row("fit tiny by torchrun in two processes", n, (seconds, 2 * cpu))]


def one_of_two(work, n):
    passes, (records, reports) = EpochClock(clock), repeated(work, n)
    MeritEmbedder(None, max_epochs=2, batch_size=min(64, n // 4), callbacks=[passes], **ALIKE).fit(
        records, reports=reports
    )
    if hasattr(passes, "seconds"):  # the first one
        (work / "by_two.json").write_text(json.dumps([*passes.seconds[-1]]))


def embedded(records, backend=None, size=PART):
    """Embed in parts, which workers share if there are any; each part can be kept as it comes."""
    parts = np.array_split(np.arange(len(records)), -(-len(records) // size))
    embed, jobs = MeritEmbedder(n_jobs=1).transform, 1 if backend is None else 2
    with joblib.parallel_config(backend=backend or "sequential", n_jobs=jobs):
        tasks = (joblib.delayed(embed)(records[part]) for part in parts)
        return sum(len(Z) for Z in joblib.Parallel(return_as="generator")(tasks))


def embedding(work, n):
    records = some(work, n)
    embedded(records[:2])
    return [timed("embed files, one process", n, lambda: embedded(records))]


def embedding_by_joblib(work, n):
    from joblib.externals.loky import get_reusable_executor

    found = _by_workers("embed files, two processes by joblib", some(work, n), "loky")
    get_reusable_executor().shutdown()  # else this process would wait for them
    return [found]


def embedding_by_dask(work, n):
    from dask.distributed import Client

    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None):
        return [_by_workers("embed files, two workers of Dask", some(work, n), "dask")]


def _by_workers(what, records, backend):
    """Time of workers that have started and loaded what they need."""
    embedded(records[:8], backend, size=1)
    return timed(what, len(records), lambda: embedded(records, backend))


def embedding_once(work, n):
    records, embedder = some(work, n), MeritEmbedder(cache=work / "embeddings", n_jobs=1)
    embedder.transform(records)
    return [timed("embed files, kept by cache=", n, lambda: embedder.transform(records))]


def machines(table):
    """What ten passes over 800,000 ECGs take, by rates that are measured or assumed."""
    steps_there = pd.read_csv(GPU).query("what == 'bare step' and precision == 'bfloat16'")
    steps_there = steps_there.set_index("network")
    by_name, rows = table.set_index("what"), []
    cpu = by_name["CPU seconds"] / by_name["ECGs"]
    alone = cpu[by_name.index.str.match("fit tiny on .* steps")].iloc[-1]
    for name in NETWORKS:
        found = by_name.index[by_name.index.str.startswith(f"fit {name} on")]
        if not len(found):
            continue
        _, steps, read = found[-3:]
        joint = cpu["fit tiny by torchrun in two processes"] / alone
        here = {"one core as here": 1 / cpu[steps], "two cores as here": 2 / cpu[steps] / joint}
        for machine, rate in here.items():
            basis = "measured" if name == "tiny" or machine.startswith("one") else TWO_ASSUMED
            rows.append(_machine(name, machine, rate, None, basis))
        there = name if name in steps_there.index else "small"
        step = steps_there.loc[there]
        rate = step["ECGs/s"]
        if there != name:
            rate = step["TFLOP/s"] * 1e3 / by_name["GFLOP per ECG"][steps]
        for n in (1, 8):
            basis = "steps measured" if there == name else f"TFLOP/s of {there} assumed"
            basis += ", reading measured here" + (", eight times as fast assumed" if n > 1 else "")
            machine = f"{'one' if n == 1 else 'eight'} {step['device']}"
            rows.append(_machine(name, machine, n * rate, n / cpu[read], basis))
    return pd.DataFrame(rows)


def _machine(name, machine, rate, reading, basis):
    hours = [PASSES * TOTAL / 3600 / r if r else None for r in (rate, reading)]
    return {
        "network": name, "machine": machine, "ECGs/s of the network": rate,
        "hours, network": hours[0], "hours, reading": hours[1], "hours": max(filter(None, hours)),
        "basis": basis,
    }  # fmt: skip


def try_all(work, n=16):
    """Do on a few records here, where ``_trace.py`` sees it, what other processes do."""
    write_distinct(work, 2)
    write_records(work, 0, n)
    for step in (opening, scanning, caching, embedding, embedding_once):
        step(work, n)
    training(work, "tiny", n, 1)
    one_of_two(work, n)
    pretrained(work, n, "run")
    shutil.rmtree(work)


def rehearse(work, options):
    n, few, steps = options.n, options.slice, options.steps
    try_all(work / "trial")
    if not (work / "distinct" / "reports.json").exists():
        write_distinct(work, options.distinct)
    rows, eighth = [], max(n // 8, few)
    for start, stop in ((0, eighth), (eighth, n)):
        if start < stop:
            for step, *arguments in ((writing, start, stop), (opening, stop), (scanning, stop)):
                rows += measured(work, step, *arguments)
    rows += measured(work, caching, few)
    rows += measured(work, caching_again, few)
    for among in sorted({eighth, n}):
        rows += measured(work, training, "tiny", among, steps)
    for name in options.networks:
        if name != "tiny":
            rows += measured(work, training, name, 3 * NETWORKS[name], 2)
    part = max(few // 8, 8)
    rows += measured(work, training_again, part)
    rows += measured(work, by_two, part)
    for step in (embedding, embedding_by_joblib, embedding_by_dask, embedding_once):
        rows += measured(work, step, few)
    table = pd.DataFrame(rows)
    table["ECGs/s"] = table["ECGs"] / table["seconds"]
    table["ECGs per CPU second"] = table["ECGs"] / table["CPU seconds"]
    table["CPU hours of 800,000"] = TOTAL / table["ECGs per CPU second"] / 3600
    return table


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--n", type=int, default=TOTAL, help="records (default %(default)s)")
    parser.add_argument("--slice", type=int, default=3072, help="that are cached and embedded")
    parser.add_argument("--steps", type=int, default=12, help="of training tiny")
    parser.add_argument("--distinct", type=int, default=200, help="ECGs that all records share")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=[*NETWORKS])
    parser.add_argument("--as-one-of-two", action="store_true", help=argparse.SUPPRESS)
    add_output(parser)
    options = parser.parse_args(arguments)
    if options.as_one_of_two:
        torch.set_num_threads(1)
        return one_of_two(options.work, options.slice)
    print(f"load {os.getloadavg()[0]:.1f}")
    work = options.work / "rehearsal"
    table = rehearse(work, options)
    write(options.output, rehearsal=table, rehearsal__machines=machines(table))
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
