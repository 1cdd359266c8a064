"""Times of several ways to do the same, taken in turn: a machine that gets slower does so for each of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable


def take_turns(ways: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Each way gives the seconds that it took."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, measure in ways.items():
            times[name].append(measure())
    return times


def print_times(
    times: dict[str, list[float]], base: str, relation: str, relate: Callable[[float, float], float]
) -> None:
    """A line for each; the last column relates its median to that of `base`."""
    unit = statistics.median(times[base])
    print(f"{'':20}{'best, ms':>10}{'median, ms':>12}{relation:>23}")
    for name, took in times.items():
        median = statistics.median(took)
        print(f"{name:20}{min(took) * 1e3:10.1f}{median * 1e3:12.1f}{relate(median, unit):23.1f}")
