"""What pretraining and embedding cost, against bare torch loops, in one run.

    OMP_NUM_THREADS=1 python benchmarks/pretraining.py [--quick] [--tables fit ...] [--models NAME]

Tables: ``fit`` (an epoch of ``MeritEmbedder.fit`` against a torch loop over the same batches, held
ready in memory), ``transform`` (against the network alone), ``branches`` (cost of each part of the
objective), ``scaling`` (with records and with length), ``memory`` (peak while pretraining from a
cache), ``peers`` (steps in the published shapes of MERL and ST-MEM). Simulated ECGs; the network
runs on one thread; contenders take turns; medians, with the range in brackets, of the processor
time of this process, which other work on the machine disturbs least. ``transform`` is compared by
the clock as well: while the network works, another thread filters what comes next.
"""

import argparse
import copy
import multiprocessing
import os
import resource
import tempfile
import time

import numpy as np
import pandas as pd
import torch
from _clock import EpochClock, unobserved
from _tables import add_output, write
from peers import PEERS
from skorch.callbacks import Callback

from merit_sk import ECGRecords, MeritEmbedder
from merit_sk.datasets import make_ecg
from merit_sk.nn.device import resolve_precision

VIT = {"trunk": "vit", "patch": 50, "mask_ratio": 0.75, "decoder_width": 256, "decoder_depth": 4}
MODELS = {
    "tiny": ("tiny", 64),
    "small": ("small", 8),
    "small-time": (VIT | {"tokenizer": "time", "decoder_depth": 1}, 16),
    "base": ("base", 4),
}


def show(name, values, unit, digits=3):
    """Print the median and the range of a figure, and return them as a row of the table."""
    low, middle, high = np.quantile(values, [0, 0.5, 1])
    print(f"  {name:44s} {middle:9.{digits}f} [{low:.{digits}f}, {high:.{digits}f}] {unit}")
    return {"what": name, "median": middle, "low": low, "high": high, "unit": unit}


def timed(call, clock=time.process_time):
    with unobserved():
        start = clock()
        call()
        return clock() - start


def batches_of(embedder):
    """Return all batches of another epoch of a fitted embedder, augmented."""
    batches = embedder.net_.batches_
    reports = batches.data.reports
    if reports is not None:
        features = embedder.text_features_(reports.bank)
        embedder.model_.set_bank({name: torch.as_tensor(v) for name, v in features.items()})
    return [inputs | embedder.net_.views(inputs) for inputs, _ in batches]


def bare_epoch(model, batches, precision="float32"):
    """A loop that a user of torch would write."""
    model.train().set_teachers()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    for inputs in batches:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = model(**inputs)["loss"]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        model.teachers_follow()
        loss.item()
    model.drop_teachers()


def fit_table(options):
    print("fit: an epoch / the same batches in a bare torch loop")
    for name in options.models:
        encoder, batch_size = MODELS[name]
        for precision in ("float32", "bfloat16") if name == "tiny" else ("auto",):
            n = (1 if options.quick else 8) * batch_size
            ecg = make_ecg(n, random_state=0)
            clock = EpochClock(time.process_time)
            embedder = MeritEmbedder(
                encoder=encoder, pretrained=None, batch_size=batch_size, max_epochs=1,
                precision=precision, random_state=0, callbacks=[clock],
            ).fit(ecg.data, reports=ecg.reports)  # fmt: skip
            batches = batches_of(embedder)
            resolved = resolve_precision(precision, torch.device("cpu"))
            ratios, speeds = [], []
            for _ in range(options.repeats):
                bare = timed(lambda: bare_epoch(embedder.model_, batches, resolved))  # noqa: B023
                with unobserved():
                    again = copy.copy(embedder).fit(ecg.data, reports=ecg.reports)
                ratios.append(clock.seconds[-1] / bare)
                speeds.append(n / clock.seconds[-1])
                del again
            yield show(f"{name}, {precision}", ratios, "fit / bare")
            yield show(f"{name}, {precision}", speeds, "ECGs/s in fit", 1)


def transform_table(options):
    print("transform: its throughput / the network's on windows held ready")
    for name in options.models:
        encoder, batch_size = MODELS[name]
        n = (1 if options.quick else 16 if name == "tiny" else 8) * batch_size
        ecg = make_ecg(n, random_state=0)
        X = np.asarray(ecg.data)
        embedder = MeritEmbedder(
            encoder=encoder, pretrained=None, max_epochs=0, batch_size=batch_size, random_state=0
        )
        embedder.fit(X, reports=ecg.reports)
        windows = torch.from_numpy(X)
        n_valid = torch.full((n,), X.shape[2])

        def bare(embedder=embedder, windows=windows, n_valid=n_valid):
            with torch.inference_mode():
                for x, n in zip(
                    windows.split(embedder.batch_size), n_valid.split(embedder.batch_size),
                    strict=True,
                ):  # fmt: skip
                    embedder.model_.read_out(embedder.model_.encoder(x, n), "stages").numpy()

        bare(), embedder.transform(X)
        clocks = {"by the clock": time.perf_counter, "by processor time": time.process_time}
        for how, clock in clocks.items():
            ratios, speeds = [], []
            for _ in range(options.repeats):
                alone = timed(bare, clock)
                ours = timed(lambda: embedder.transform(X), clock)  # noqa: B023
                ratios.append(alone / ours)
                speeds.append(n / ours)
            yield show(f"{name}, {how}", ratios, "transform / bare")
            yield show(f"{name}, {how}", speeds, "ECGs/s in transform", 1)


def branches_table(options):
    print("branches: a training step of 64 ECGs, tiny")
    ecg = make_ecg(64, random_state=0)
    kinds = {
        "masked modeling alone": {"structure_weight": 1.0},
        "alignment alone": {"structure_weight": 0.0},
        "both, full view aligned (default)": {},
        "both, masked view aligned": {"align_view": "masked"},
        "both, without the statement bank": {"bank": False},
    }
    models = {}
    for name, changes in kinds.items():
        bank = changes.pop("bank", True)
        embedder = MeritEmbedder(pretrained=None, max_epochs=1, random_state=0, **changes)
        embedder.fit(ecg.data, reports=ecg.reports)
        batches = batches_of(embedder)
        if not bank:
            embedder.model_.set_bank(None)
        bare_epoch(embedder.model_, batches)
        models[name] = embedder.model_, batches, []
    for _ in range(options.repeats):
        for model, batches, seconds in models.values():
            seconds.append(timed(lambda: bare_epoch(model, batches)))  # noqa: B023
    for name, (_, _, seconds) in models.items():
        yield show(name, np.array(seconds) * 1e3, "ms", 0)


def scaling_table(options):
    print("scaling: pretraining an epoch and embedding, tiny, per ECG")
    sizes = (64, 128) if options.quick else (256, 512, 1024)
    ecg = make_ecg(max(sizes), duration=20, random_state=0)
    X = np.asarray(ecg.data)
    for n, seconds in [*((n, 10) for n in sizes), (sizes[0], 5), (sizes[0], 20)]:
        part = np.ascontiguousarray(X[:n, :, : 100 * seconds])
        clock = EpochClock(time.process_time)
        embedder = MeritEmbedder(
            pretrained=None, max_epochs=2, duration=seconds, random_state=0, callbacks=[clock]
        )
        with unobserved():
            embedder.fit(part, reports=ecg.reports[:n])
        yield show(f"{n} ECGs of {seconds} s, fit", np.array(clock.seconds) / n * 1e3, "ms", 2)
        embed = [timed(lambda: embedder.transform(part)) for _ in range(2)]  # noqa: B023
        yield show(f"{n} ECGs of {seconds} s, transform", np.array(embed) / n * 1e3, "ms", 2)


class StopAfter(Callback):
    """Ends training after some batches: memory does not grow any more."""

    def __init__(self, n):
        self.n = n

    def on_batch_end(self, net, **kwargs):
        self.n -= 1
        if self.n == 0:
            raise KeyboardInterrupt


def memory_of(folder, n, pipe):
    """Peak of the resident memory over that of a process that has imported all and opened X."""
    records = ECGRecords.from_array(np.zeros((1, 12, 1000)), sampling_rate=100)
    embedder = MeritEmbedder(
        pretrained=None, max_epochs=1, random_state=0, callbacks=[StopAfter(20)]
    )
    embedder.fit(records[np.zeros(64, int)], reports=["sinus rhythm"] * 64)
    few = make_ecg(200, random_state=0)
    pattern = np.arange(n) % 200
    records = few.data[pattern].cache(folder)
    reports, few = few.reports[pattern], None
    before = resident()
    embedder.set_params(callbacks=[StopAfter(40)]).fit(records, reports=reports)
    pipe.send((before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def memory_table(options):
    print("memory: peak while pretraining from a cache of 10-second ECGs at 100 Hz, tiny")
    for n in (2_000, 20_000) if options.quick else (2_000, 22_000, 50_000):
        with tempfile.TemporaryDirectory() as folder:
            ours, theirs = multiprocessing.Pipe()
            process = multiprocessing.get_context("spawn").Process(
                target=memory_of, args=(f"{folder}/cache", n, theirs)
            )
            process.start()
            before, peak = ours.recv()
            process.join()
        yield show(f"{n:,} ECGs", [(peak - before) / 1e9], f"GB above {before / 1e9:.2f} GB", 2)


def peers_table(options):
    print("peers: a training step in published shapes, 4 ECGs of their length, float32")
    for name, kind in PEERS.items():
        torch.manual_seed(0)
        model = kind()
        batch = model.batch(4, "cpu")
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)

        def step(model=model, batch=batch, optimizer=optimizer):
            optimizer.zero_grad()
            model(*batch).backward()
            optimizer.step()

        step()
        yield show(name, [4 / timed(step) for _ in range(options.repeats)], "ECGs/s")


TABLES = {
    "fit": fit_table, "transform": transform_table, "branches": branches_table,
    "scaling": scaling_table, "memory": memory_table, "peers": peers_table,
}  # fmt: skip


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="few recordings: tests the script")
    add_output(parser)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, one thread, load {os.getloadavg()[0]:.1f}")
    rows = []
    for name in options.tables:
        rows += [{"table": name} | row for row in TABLES[name](options)]
    write(options.output, pretraining=pd.DataFrame(rows))
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
