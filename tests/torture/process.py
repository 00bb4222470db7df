"""Work in forked processes, whatever becomes of them."""

import contextlib
import multiprocessing
import os
import pickle
import resource
import signal
import tempfile
import threading
import time
import traceback
from multiprocessing.connection import wait
from pathlib import Path
from typing import NamedTuple

from tqdm import auto, tqdm

tqdm.monitor_interval = 0  # no thread
CONTEXT = multiprocessing.get_context("fork")


class Died(NamedTuple):
    """Why a process gave no result."""

    reason: str


class Child:
    """A forked process that calls a function: no import, no thread but its own.

    Parameters
    ----------
    function : callable
    *args
        Of the function. Its result must be one that can be pickled.
    """

    def __init__(self, function, *args):
        self.pipe, theirs = CONTEXT.Pipe(duplex=False)
        self.process = CONTEXT.Process(target=_answer, args=(theirs, function, args))
        self.process.start()
        theirs.close()
        self.started = time.monotonic()

    def begun(self):
        """Wait until the function is about to be called."""
        with contextlib.suppress(EOFError):
            self.pipe.recv()
        self.started = time.monotonic()

    def kill(self):
        """Kill it, with what it has started; tell whether it was still at work."""
        if self.pipe.poll() or not self.process.is_alive():
            self.process.join()
            return False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.join()
        return self.process.exitcode == -signal.SIGKILL

    def result(self, seconds=120):
        """Return what the function returned, or `Died`."""
        if self.pipe.poll(max(0, self.started + seconds - time.monotonic())):
            try:
                return pickle.loads(self.pipe.recv_bytes())
            except EOFError:
                self.process.join()
                return Died(f"the process ended with {self.process.exitcode}")
            finally:
                self.process.join()
        self.kill()
        return Died(f"the process hung for {seconds} s")


def _answer(pipe, function, args):
    os.setsid()
    for bar in (tqdm, auto.tqdm):  # their lock is one of all forks; who is killed may hold it
        bar.set_lock(threading.RLock())
    pipe.send(None)
    try:
        answer = function(*args)
    except BaseException:
        answer = Died(traceback.format_exc())
    pipe.send_bytes(pickle.dumps(answer))


def forked(function, *args, seconds=120):
    """Call a function in a process of its own; its result or `Died`."""
    child = Child(function, *args)
    child.begun()
    return child.result(seconds)


def forked_all(function, tasks, jobs=1, seconds=600):
    """Call a function for every tuple of arguments, in `jobs` processes at a time.

    Yields
    ------
    task : tuple
    result : object or Died
    """
    tasks, running = iter(tasks), {}
    try:
        while True:
            while len(running) < jobs and (task := next(tasks, None)) is not None:
                child = Child(function, *task)
                child.begun()
                running[child.pipe] = task, child
            if not running:
                return
            oldest = min(running, key=lambda pipe: running[pipe][1].started)
            left = running[oldest][1].started + seconds - time.monotonic()
            for pipe in wait(list(running), max(0, left)) or [oldest]:
                task, child = running.pop(pipe)
                yield task, child.result(seconds)
    finally:
        for _, child in running.values():
            child.kill()


class Hang(BaseException):
    """Something took too long."""


@contextlib.contextmanager
def limited(seconds):
    """Raise `Hang` after a while."""

    def hang(*_):
        raise Hang

    old = signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def bound_memory(spare):
    """Allow this process `spare` bytes beyond what it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + spare
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def peak_memory():
    """Return the most memory this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


@contextlib.contextmanager
def place():
    """Make a folder for a while, in memory where the system has such folders."""
    fast = Path("/dev/shm")
    where = fast if fast.is_dir() and os.access(fast, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=where, prefix="torture-") as folder:
        yield Path(folder).resolve()
