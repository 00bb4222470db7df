"""Where a network runs: device, precision, threads and random state."""

import contextlib
import os
import threading

import torch
from joblib import effective_n_jobs
from torch import nn
from torch.overrides import TorchFunctionMode


@contextlib.contextmanager
def running(device="cpu", n_jobs=None, seed=None):
    """Run a network on a device, with a number of threads and a random state of its own.

    Threads of one process may do this at once and get what each would get alone. With a `seed`
    they take turns, as torch draws from one random state a process: two fits in two threads are
    one after the other, while embedding draws nothing and never waits.

    Parameters
    ----------
    device : torch.device or str, default="cpu"
        Where the network is. No other device is touched, nor its random state.
    n_jobs : int or None, default=None
        CPU threads, as in joblib; None leaves the number that torch has.
    seed : int or None, default=None
        Random state of this block; the one before is there again afterwards. None is for what
        draws nothing.

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.device import running
    >>> with running("cpu", seed=0):
    ...     first = torch.rand(3)
    >>> with running("cpu", seed=0):
    ...     print(bool((torch.rand(3) == first).all()))
    True
    """
    with torch_threads(n_jobs):
        if seed is None:
            yield
        else:
            with _drawing.lock, _random_state_kept(torch.device(device)):
                seed_random(seed, device)
                yield


class _Drawing:
    """The right to draw from the random state of the process."""

    def __init__(self):
        self.lock = threading.RLock()


_drawing = _Drawing()


@contextlib.contextmanager
def _random_state_kept(device):
    module = None if device.type == "cpu" else torch.get_device_module(device)
    at = () if device.type == "mps" else (_index(device),)
    before = torch.get_rng_state(), None if module is None else module.get_rng_state(*at)
    try:
        yield
    finally:
        torch.set_rng_state(before[0])
        if module is not None:
            module.set_rng_state(before[1], *at)


def _index(device):
    if device.index is not None or device.type == "cpu":
        return device.index
    return torch.get_device_module(device).current_device()


def seed_random(seed, device="cpu"):
    """Seed the random state of the CPU and of one device, and of no other.

    Parameters
    ----------
    seed : int
    device : torch.device or str, default="cpu"

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.device import seed_random
    >>> seed_random(0)
    >>> torch.rand(1)
    tensor([0.4963])
    """
    device = torch.device(device)
    torch.default_generator.manual_seed(seed)
    if device.type == "mps":
        torch.mps.manual_seed(seed)
    elif device.type != "cpu":
        module = torch.get_device_module(device)
        with module.device(_index(device)):
            module.manual_seed(seed)


class _Threads(threading.local):
    """Numbers of threads that this thread asked for, innermost last."""

    def __init__(self):
        self.asked = []


class _Shared:
    """Who asked for a number of threads, and how many there were before any did."""

    def __init__(self):
        self.lock, self.n_open, self.before = threading.Lock(), 0, None


_threads, _shared = _Threads(), _Shared()


@contextlib.contextmanager
def torch_threads(n_jobs):
    """Run with a number of torch threads; None leaves them alone.

    Blocks may be nested, and may overlap in several threads: once the last has ended, the process
    has as many threads as before the first.

    Parameters
    ----------
    n_jobs : int or None
        As in joblib: -1 is all cores, and within a worker of joblib 1.

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.device import torch_threads
    >>> with torch_threads(1):
    ...     torch.get_num_threads()
    1
    """
    if n_jobs is None:
        yield
        return
    n_threads = effective_n_jobs(n_jobs)
    with _shared.lock:
        here = torch.get_num_threads()  # asked first, as torch then knows that this thread exists
        if _shared.n_open == 0:
            _shared.before = here
        _shared.n_open += 1
        _threads.asked.append(n_threads)
        torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        with _shared.lock:
            _threads.asked.pop()
            _shared.n_open -= 1
            torch.set_num_threads(_threads.asked[-1] if _threads.asked else _shared.before)


def _after_fork():
    """In a child, no other thread is left that could hold a lock or have asked for threads."""
    _drawing.lock, _shared.lock = threading.RLock(), threading.Lock()
    _shared.n_open = len(_threads.asked)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class BlankWeights(TorchFunctionMode):
    """Build modules without drawing their weights, for those that are loaded next.

    Nothing is taken from the random state of the process, so that loading in one thread does not
    change a training in another. What would be drawn is left as memory has it.

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.device import BlankWeights
    >>> before = torch.get_rng_state()
    >>> with BlankWeights():
    ...     layer = torch.nn.Linear(3, 2)
    >>> bool((torch.get_rng_state() == before).all())
    True
    """

    _fill = frozenset(
        {
            torch.Tensor.uniform_, torch.Tensor.normal_, torch.Tensor.bernoulli_,
            torch.Tensor.random_, torch.Tensor.exponential_, nn.init.uniform_, nn.init.normal_,
            nn.init.trunc_normal_, nn.init.xavier_uniform_, nn.init.xavier_normal_,
            nn.init.kaiming_uniform_, nn.init.kaiming_normal_, nn.init.orthogonal_,
            nn.init.sparse_,
        }
    )  # fmt: skip
    _make = {
        torch.rand: torch.zeros, torch.randn: torch.zeros, torch.rand_like: torch.zeros_like,
        torch.randn_like: torch.zeros_like,
    }  # fmt: skip

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in self._fill:
            return args[0] if args else kwargs["tensor"]
        return self._make.get(function, function)(*args, **kwargs)


def resolve_device(device):
    """Return the ``torch.device`` of a name; ``"auto"`` is an accelerator if there is one."""
    if device == "auto":
        return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    return torch.device(device)


def resolve_precision(precision, device):
    """Return ``"bfloat16"`` for ``"auto"`` where the device computes in it, else ``"float32"``."""
    if precision in ("float32", "bfloat16"):
        return precision
    if precision != "auto":
        raise ValueError(f'a precision is "auto", "float32" or "bfloat16", not {precision!r}')
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        fast = able.get("avx512_bf16", False) or able.get("amx_bf16", False)
    else:
        fast = False
    return "bfloat16" if fast else "float32"
