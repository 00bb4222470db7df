"""Clocks for speed benchmarks."""

import contextlib
import sys
import threading
import time

from skorch.callbacks import Callback


class EpochClock(Callback):
    """Time of every epoch.

    Parameters
    ----------
    clock : callable, default=time.perf_counter
    """

    def __init__(self, clock=time.perf_counter):
        self.clock = clock

    def on_train_begin(self, net, **kwargs):
        self.seconds = []

    def on_epoch_begin(self, net, **kwargs):
        self.start = self.clock()

    def on_epoch_end(self, net, **kwargs):
        self.seconds.append(self.clock() - self.start)


@contextlib.contextmanager
def unobserved():
    """Switch off what ``_trace.py`` notes at every call of a function: it would be timed too."""
    of_this_thread, of_others = sys.getprofile(), threading.getprofile()
    sys.setprofile(None)
    threading.setprofile(None)
    try:
        yield
    finally:
        sys.setprofile(of_this_thread)
        threading.setprofile(of_others)
