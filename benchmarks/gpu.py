"""Training rate on a GPU against that of a matrix product, in one run.

    python benchmarks/gpu.py [--device cuda] [--quick]

For every model and precision: ECGs per second of a bare training step (forward, backward, clipped
AdamW) on a batch held on the device, also with ``torch.compile``, of ``MeritEmbedder.fit`` from
arrays in memory, and of ``transform``; achieved TFLOP/s of bare steps, of operations that torch
counts; their share of the rate of a large matrix product in the same precision, measured before and
after; and in bfloat16 their share of the peak of the data sheet, which is MFU. The median of five
repeats, range in brackets. ``--device cpu --quick`` tests the script without a GPU.
"""

import argparse
import time

import numpy as np
import torch
from _clock import EpochClock
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


def quantiles(values, digits):
    low, middle, high = np.quantile(values, [0, 0.5, 1])
    return f"{middle:9.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def peak(device, precision):
    """TFLOP/s of the data sheet, None where it is not known."""
    if device.type != "cuda" or precision != "bfloat16":
        return None
    name = torch.cuda.get_device_name()
    return next((rate for key, rate in PEAKS.items() if key in name), None)


def report(name, n, seconds, flops, rate, most):
    achieved = flops / np.array(seconds) / 1e12
    share = f"{100 * np.median(achieved) / rate:.0f} % of the product"
    share += f", MFU {100 * np.median(achieved) / most:.1f} %" if most else ""
    print(f"  {name:34s} {quantiles(n / np.array(seconds), 1)} ECGs/s", end=" ")
    print(f"{quantiles(achieved, 3)} TFLOP/s = {share}")


def ours(options, device, clock, precision, rate):
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
        compiled = torch.compile(model, backend="aot_eager" if options.quick else "inductor")
        flops, most = None, peak(device, precision)
        for kind, network in {"bare step": model, "torch.compile": compiled}.items():
            step = training_step(
                network, batch, lambda m, inputs: m(**inputs)["loss"], precision, device
            )
            flops = operations(step) if flops is None else flops
            clock.seconds(step, 2)
            seconds = [clock.seconds(step, 3) for _ in range(options.repeats)]
            report(f"{name}, {kind} of {batch_size}", batch_size, seconds, flops, rate, most)
        print(f"  {name + ', fit':34s} {quantiles(n / np.array(epochs.seconds[1:]), 1)} ECGs/s")
        model.eval()
        embedder.transform(X[:batch_size])
        seconds = [clock.seconds(lambda: embedder.transform(X)) for _ in range(options.repeats)]  # noqa: B023
        print(
            f"  {name + ', transform (float32)':34s} {quantiles(n / np.array(seconds), 0)} ECGs/s"
        )


def _moved(value, device):
    if isinstance(value, dict):
        return {k: _moved(v, device) for k, v in value.items()}
    return value.to(device)


def peers(options, device, clock, precision, rate):
    n = 1 if options.quick else 128
    for name, kind in PEERS.items():
        model = kind().to(device).train()
        step = training_step(
            model, model.batch(n, device), lambda m, inputs: m(*inputs), precision, device
        )
        flops = operations(step)
        clock.seconds(step, 2)
        seconds = [clock.seconds(step, 3) for _ in range(options.repeats)]
        report(f"{name}, {n}", n, seconds, flops, rate, peak(device, precision))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="few recordings: tests the script")
    options = parser.parse_args(arguments)
    device = torch.device(options.device)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    print(f"{name}, torch {torch.__version__}, {time.strftime('%Y-%m-%d')}")
    clock, size = Clock(device), 512 if options.quick else 8192
    for precision, dtype in {"bfloat16": torch.bfloat16, "float32": torch.float32}.items():
        rate = product_rate(clock, device, dtype, size)
        print(f"{precision}: a product of {size} x {size} matrices {rate:.2f} TFLOP/s")
        ours(options, device, clock, precision, rate)
        peers(options, device, clock, precision, rate)
        print(f"  the product again: {product_rate(clock, device, dtype, size):.2f} TFLOP/s")


if __name__ == "__main__":
    main()
