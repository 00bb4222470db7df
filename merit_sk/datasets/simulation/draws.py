"""Random numbers that depend on the record alone, not on the batch it is simulated in."""

import numpy as np
from scipy.special import ndtri


class Draws:
    """Random numbers for records ``first`` to ``first + n - 1`` of a seed.

    Every record has its own generator, so that record ``i`` depends on the seed and on ``i`` only;
    numbers are drawn for all records at once, so that the simulation is vectorized.
    """

    def __init__(self, seed, first, n):
        self.n = n
        self.generators = [np.random.default_rng([seed, i]) for i in range(first, first + n)]
        self._buffer = np.empty((n, 0))

    def uniform(self, low=0.0, high=1.0, size=None):
        """Draw uniform numbers, shape (n,) or (n, size); bounds may be arrays of shape (n,)."""
        need = size or 1
        if self._buffer.shape[1] < need:
            fresh = np.stack([g.random(max(256, need)) for g in self.generators])
            self._buffer = np.hstack([self._buffer, fresh])
        taken, self._buffer = self._buffer[:, :need], self._buffer[:, need:]
        if size is None:
            return low + (high - low) * taken[:, 0]
        return np.reshape(low, (-1, 1)) + np.reshape(np.subtract(high, low), (-1, 1)) * taken

    def normal(self, mean=0.0, sd=1.0, low=-np.inf, high=np.inf, size=None):
        """Draw normal numbers, clipped to [low, high]."""
        return np.clip(mean + sd * ndtri(self.uniform(1e-9, 1 - 1e-9, size=size)), low, high)

    def happens(self, probability, size=None):
        """Draw whether an event of the given probability happens."""
        return self.uniform(size=size) < probability

    def white(self, *shape):
        """Draw standard normal numbers, float32, shape (n, *shape)."""
        out = np.empty((self.n, *shape), np.float32)
        for generator, row in zip(self.generators, out, strict=True):
            generator.standard_normal(out=row, dtype=np.float32)
        return out
