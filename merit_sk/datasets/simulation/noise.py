"""What a recorder adds: wander, muscle, mains, motion, quantisation."""

import numpy as np
from scipy.signal import lfilter


def electrode_noise(draws, rate, n_times, level):
    """Noise of 9 electrodes in mV, shape (n, 9, n_times)."""
    t = np.arange(n_times) / rate
    white = draws.white(9, n_times)
    muscle = np.exp(draws.normal(-4.9, 0.6))[:, None, None]
    per_electrode = np.exp(draws.normal(0, 0.4, size=9))[..., None]
    noise = white * (muscle * per_electrode).astype(np.float32)
    noise = 0.7 * noise + 0.3 * lfilter([1.0], [1.0, -0.7], noise, axis=-1)
    wander = np.zeros_like(noise)
    for low, high in ((0.05, 0.12), (0.15, 0.35), (0.3, 0.7)):
        frequency = draws.uniform(low, high)[:, None, None]
        phase = draws.uniform(0, 2 * np.pi, size=9)[..., None]
        size = np.exp(draws.normal(-3.6, 0.7))[:, None] * draws.normal(size=9, low=-2, high=2)
        wander += size[..., None] * np.sin(2 * np.pi * frequency * t + phase)
    mains = np.where(draws.happens(0.25), np.exp(draws.normal(-5.0, 0.6)), 0)[:, None, None]
    hum = np.sin(2 * np.pi * 49.7 * t + draws.uniform(0, 6.28, size=9)[..., None])
    return (level * (noise + wander + mains * hum)).astype(np.float32)
