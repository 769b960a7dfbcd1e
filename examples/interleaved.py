"""Times several contenders turn by turn, so that a machine that slows down slows all of them."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    """One line of the table; `goal` is the most that is wanted, empty where the line is only for comparison."""

    what: str
    measured: str
    goal: str = ""


Taken = Mapping[str, list[float]]
"""Seconds of each contender, round by round."""


def timed(contenders: Mapping[str, Callable[[], object]], rounds: int, warm_up: int = 1) -> Taken:
    """Run every contender once a round, each round beginning with another."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(-warm_up, rounds):
        for name in _rotated(list(contenders), turn):
            begun = time.perf_counter()
            contenders[name]()
            if turn >= 0:
                taken[name].append(time.perf_counter() - begun)
    return taken


async def timed_calls(
    contenders: Mapping[str, Callable[[], Awaitable[object]]], rounds: int, warm_up: int = 5
) -> Taken:
    """The same for what is awaited."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(-warm_up, rounds):
        for name in _rotated(list(contenders), turn):
            begun = time.perf_counter()
            await contenders[name]()
            if turn >= 0:
                taken[name].append(time.perf_counter() - begun)
    return taken


def ratio(taken: Taken, name: str, of: str) -> float:
    """How many times as long as another a contender took: the median over the rounds."""
    return median(one / other for one, other in zip(taken[name], taken[of], strict=True))


def milliseconds(taken: Taken, name: str) -> str:
    return f"{median(taken[name]) * 1e3:.3g} ms"


def _rotated(names: list[str], turn: int) -> list[str]:
    shift = turn % len(names)
    return names[shift:] + names[:shift]
