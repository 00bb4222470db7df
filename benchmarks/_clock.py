"""Clocks for speed benchmarks."""

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
