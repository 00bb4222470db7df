"""Training rate on a GPU against that of a matrix product, in one run.

    python benchmarks/gpu.py [--device cuda] [--output FOLDER] [--quick]

For every model and precision: ECGs per second of a bare training step (forward, backward, clipped
AdamW) on a batch held on the device, in bfloat16 also with ``torch.compile``, of
``MeritEmbedder.fit`` from arrays in memory, and of ``transform``; achieved TFLOP/s of bare steps,
of operations that torch counts; their share of the rate of a large matrix product in the same
precision, measured before and after; and in bfloat16 their share of the peak of the data sheet,
which is MFU. Medians of five repeats, and their range. ``--device cpu --quick`` tests the script
without a GPU.
"""

import argparse
import time

import numpy as np
import pandas as pd
import torch
from _clock import EpochClock
from _tables import add_output, write
from peers import PEERS
from torch.utils.flop_counter import FlopCounterMode

from merit_sk import MeritEmbedder
from merit_sk.datasets import make_ecg

MODELS = {"tiny": 512, "small": 256, "base": 256}
QUICK = {"tiny": 8, "small": 2}
PEAKS = {
    "H100": 989,
    "H200": 989,
    "A100": 312,
}  # dense bfloat16 TFLOP/s (SXM), NVIDIA's data sheets


class Clock:
    """Seconds of work on a device that does not wait for its host."""

    def __init__(self, device):
        self.synchronize = torch.cuda.synchronize if device.type == "cuda" else lambda: None

    def seconds(self, call, n=1):
        self.synchronize()
        start = time.perf_counter()
        for _ in range(n):
            call()
        self.synchronize()
        return (time.perf_counter() - start) / n


def product_rate(clock, device, dtype, size):
    """TFLOP/s of a square matrix product."""
    a = torch.randn(size, size, device=device).to(dtype)
    b = torch.randn(size, size, device=device).to(dtype)
    clock.seconds(lambda: a @ b, 3)
    return 2 * size**3 / clock.seconds(lambda: a @ b, 10) / 1e12


def training_step(model, inputs, loss_of, precision, device):
    """Return a bare step."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, fused=True)

    def step():
        optimizer.zero_grad()
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            loss = loss_of(model, inputs)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()

    return step


def operations(step):
    """Count the operations of a step."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def peak(device, precision):
    """TFLOP/s of the data sheet, None where it is not known."""
    if device.type != "cuda" or precision != "bfloat16":
        return None
    name = torch.cuda.get_device_name()
    return next((rate for key, rate in PEAKS.items() if key in name), None)


def row(network, what, n, seconds, batch, flops=None, rate=None, most=None):
    """Rates of repeats that took some seconds for ``n`` ECGs, and of operations if those count."""
    low, middle, high = np.quantile(n / np.array(seconds), [0, 0.5, 1])
    found = {"network": network, "what": what, "batch": batch, "ECGs/s": middle, "lowest": low,
             "highest": high}  # fmt: skip
    if flops is not None:
        achieved = flops * middle / n / 1e12
        found |= {"GFLOP per ECG": flops / n / 1e9, "TFLOP/s": achieved}
        found |= {"% of a matrix product": 100 * achieved / rate}
        found |= {"% MFU": 100 * achieved / most if most else np.nan}
    print(f"  {found}", flush=True)
    return found


def ours(options, device, clock, precision, rate):
    rows = []
    for name, batch_size in (QUICK if options.quick else MODELS).items():
        n = batch_size * (2 if options.quick else 16)
        few = make_ecg(min(n, 256), random_state=0)
        X = np.asarray(few.data)[np.arange(n) % len(few.data)]
        reports = few.reports[np.arange(n) % len(few.data)]
        epochs = EpochClock()
        embedder = MeritEmbedder(
            encoder=name, pretrained=None, batch_size=batch_size,
            max_epochs=1 + options.repeats, precision=precision, device=device.type,
            random_state=0, callbacks=[epochs],
        ).fit(X, reports=reports)  # fmt: skip
        batch = next(iter(embedder.net_.batches_))[0]
        batch = {k: _moved(v, device) for k, v in batch.items()}
        model = embedder.model_.train()
        flops, most, networks = None, peak(device, precision), {"bare step": model}
        if precision == "bfloat16":
            backend = "aot_eager" if options.quick else "inductor"
            networks["bare step, torch.compile"] = torch.compile(model, backend=backend)
        for kind, network in networks.items():
            step = training_step(
                network, batch, lambda m, inputs: m(**inputs)["loss"], precision, device
            )
            flops = operations(step) if flops is None else flops
            clock.seconds(step, 2)
            seconds = [clock.seconds(step, 3) for _ in range(options.repeats)]
            rows.append(row(name, kind, batch_size, seconds, batch_size, flops, rate, most))
        rows.append(row(name, "fit", n, epochs.seconds[1:], batch_size))
        model.eval()
        embedder.transform(X[:batch_size])
        seconds = [clock.seconds(lambda: embedder.transform(X)) for _ in range(options.repeats)]  # noqa: B023
        rows.append(row(name, "transform", n, seconds, batch_size))
    return rows


def _moved(value, device):
    if isinstance(value, dict):
        return {k: _moved(v, device) for k, v in value.items()}
    return value.to(device)


def peers(options, device, clock, precision, rate):
    n, rows = 1 if options.quick else 128, []
    for name, kind in PEERS.items():
        model = kind().to(device).train()
        step = training_step(
            model, model.batch(n, device), lambda m, inputs: m(*inputs), precision, device
        )
        flops = operations(step)
        clock.seconds(step, 2)
        seconds = [clock.seconds(step, 3) for _ in range(options.repeats)]
        most = peak(device, precision)
        rows.append(row(name, "bare step", n, seconds, n, flops, rate, most))
    return rows


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="few recordings: tests the script")
    add_output(parser)
    options = parser.parse_args(arguments)
    device = torch.device(options.device)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    print(f"{name}, torch {torch.__version__}, {time.strftime('%Y-%m-%d')}")
    clock, size, tables = Clock(device), 512 if options.quick else 8192, []
    for precision, dtype in {"bfloat16": torch.bfloat16, "float32": torch.float32}.items():
        rate = product_rate(clock, device, dtype, size)
        print(f"{precision}: a product of {size} x {size} matrices {rate:.2f} TFLOP/s")
        found = {"network": "matrix product", "what": f"{size} x {size}", "TFLOP/s": rate}
        rows = [found]
        rows += ours(options, device, clock, precision, rate)
        rows += peers(options, device, clock, precision, rate)
        again = product_rate(clock, device, dtype, size)
        print(f"  the product again: {again:.2f} TFLOP/s")
        rows.append(found | {"what": f"{size} x {size}, again", "TFLOP/s": again})
        tables.append(pd.DataFrame(rows).assign(precision=precision, device=name))
        write(options.output, gpu=pd.concat(tables))


if __name__ == "__main__":
    main()
