"""Speed that holds on any machine, traced or not: how many times longer some work takes than other work of its kind."""

import time
from collections.abc import Callable


def times_as_long(work: Callable[[], object], than: Callable[[], object]) -> float:
    """How many times the processor's time of ``than`` ``work`` takes; each runs twice and its faster run counts."""
    return min(_took_s(work), _took_s(work)) / min(_took_s(than), _took_s(than))


def _took_s(work: Callable[[], object]) -> float:
    began_s = time.thread_time()
    work()
    return max(time.thread_time() - began_s, 0.001)
