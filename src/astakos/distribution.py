"""A histogram that costs almost nothing to update."""

from bisect import bisect_left
from collections.abc import Sequence


class Distribution:
    """A histogram: the number of values in each bucket, and their sum.

    Attributes:
        bounds: the upper bounds of the buckets, ascending and inclusive.
        counts: the number of values in each bucket; the last one counts those above all bounds.
        total: the sum of all values.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        """Starts without values."""
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Counts one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def add_all(self, counts: Sequence[int], total: float) -> None:
        """Adds the counts and the total of another histogram with the same bounds."""
        for position, count in enumerate(counts):
            self.counts[position] += count
        self.total += total
