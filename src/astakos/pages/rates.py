"""How often things happen, and how long they take, in words: from counters and histograms that only grow."""

from collections.abc import Sequence
from typing import Final

MANY: Final = 100
SOME: Final = 0.005
MILLISECONDS: Final = 1000


def happened(now: Sequence[int], before: Sequence[int]) -> list[int]:
    """Returns what a histogram has counted between two instants."""
    return [max(0, late - early) for late, early in zip(now, before, strict=True)]


def a_second(number: float, seconds: float) -> str:
    """Returns how often something happens in a second, for example `1,250`, `3.2` or `0.05`."""
    rate = max(0, number) / seconds
    if rate >= MANY:
        return f"{rate:,.0f}"
    if rate == 0 or rate >= 1:
        return f"{rate:.1f}" if rate else "0"
    return f"{rate:.2f}" if rate >= SOME else "below 0.01"


def within(counts: Sequence[int], bounds: Sequence[float], part: float) -> str:
    """Returns how long a part of what was counted has taken at most, for example `25 ms`; "–" for nothing.

    Args:
        counts: The histogram, whose last bucket has those above all bounds.
        bounds: The upper bounds of the others, in seconds.
        part: The part, from 0 to 1.
    """
    wanted = sum(counts) * part
    reached = 0
    for count, bound in zip(counts, bounds, strict=False):
        reached += count
        if reached and reached >= wanted:
            return _time(bound)
    return f"more than {_time(bounds[-1])}" if sum(counts) else "–"


def _time(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * MILLISECONDS:g} ms"
