"""Where a network runs: device, precision and threads."""

from contextlib import contextmanager

import torch
from joblib import effective_n_jobs


@contextmanager
def torch_threads(n_threads):
    """Run with a number of torch threads that does not depend on where the code runs."""
    if n_threads is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(effective_n_jobs(n_threads))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def running(device, n_jobs=None, seed=None):
    """Run with a device, a number of threads and a random state of its own."""
    devices = [device] if device.type == "cuda" else []
    with torch_threads(n_jobs), torch.random.fork_rng(devices):
        if seed is not None:
            torch.manual_seed(seed)
        yield


def resolve_device(device):
    """``torch.device`` for ``"auto"`` (an accelerator if there is one) or a name."""
    if device == "auto":
        return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    return torch.device(device)


def resolve_precision(precision, device):
    """``"bfloat16"`` for ``"auto"`` where the device computes in it, else ``"float32"``."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        fast = able.get("avx512_bf16", False) or able.get("amx_bf16", False)
    else:
        fast = False
    return "bfloat16" if fast else "float32"
