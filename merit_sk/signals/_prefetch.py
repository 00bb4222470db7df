"""Reading ahead: the next batch is made ready while the network works on this one."""

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor


def load_ahead(load, items, *, accelerator=False):
    """Results of ``load(item)`` in order, made in another thread while the caller is busy.

    Parameters
    ----------
    load : callable
    items : iterable
    accelerator : bool, default=False
        Whether the caller waits for an accelerator, so that up to eight threads load.

    Yields
    ------
    The results; an error is raised where its result would be.

    Examples
    --------
    >>> from merit_sk.signals._prefetch import load_ahead
    >>> list(load_ahead(abs, [-2, -1, 0]))
    [2, 1, 0]
    """
    n_threads = min(8, os.cpu_count() or 1) if accelerator else 1
    with ThreadPoolExecutor(n_threads) as pool:
        waiting = deque()
        try:
            for item in items:
                waiting.append(pool.submit(load, item))
                if len(waiting) > n_threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
