"""How values are distributed, counted in a way that costs almost nothing where it happens."""

from bisect import bisect_left
from collections.abc import Sequence


class Distribution:
    """How many values were no greater than each bound, and what they add up to.

    Attributes:
        bounds: ascending.
        counts: how many values lie between each bound and the one before; the last, how many above all.
        total: the sum of all values.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        """Begin with no value."""
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def add_all(self, counts: Sequence[int], total: float) -> None:
        """Count what somebody else has counted by the same bounds."""
        for position, count in enumerate(counts):
            self.counts[position] += count
        self.total += total
