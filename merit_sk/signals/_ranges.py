"""Stretches of a long recording, resampled without reading all of it."""

from ._filters import rate_ratio

_TAPS = 10  # of the resampling filter on each side, in samples of the lower rate


def needed_range(start, stop, n_times, rates, margin=0.0):
    """Return which samples to read for a stretch at another rate.

    Parameters
    ----------
    start, stop : int
        The stretch, in samples at the rate wanted.
    n_times : int
        Samples of the whole recording as it is read.
    rates : tuple of float
        Sampling rate as it is read, and the one wanted, in Hz.
    margin : float, default=0
        Seconds to read before and after the stretch, besides what resampling needs.

    Returns
    -------
    first, last : int
        What to read. `first` is the place of a sample at the rate wanted, too.
    skip : int
        Samples at the rate wanted between `first` and `start`.

    Examples
    --------
    >>> from merit_sk.signals._ranges import needed_range
    >>> needed_range(1000, 2000, 43_200_000, (500.0, 100.0), margin=1.0)
    (4450, 10550, 110)
    """
    ratio = rate_ratio(*rates)
    up, down = ratio.numerator, ratio.denominator
    taps = 0 if ratio == 1 else _TAPS * max(1, rates[1] / rates[0])
    room = round(margin * rates[1] + taps)
    lowest = max(start - room, 0) // up * up
    first = lowest // up * down
    last = min(-(-(stop + room) * down // up), n_times)
    return first, last, start - lowest
