"""Whether a figure grows: a line through the second half of a run."""

import itertools
import statistics
from collections.abc import Sequence
from typing import NamedTuple

HOUR = 3600.0
SHARE = 0.05
"""So much of its level a figure may gain in the second half; less than that is taken for noise."""


class Line(NamedTuple):
    """A line through the second half of a run.

    Attributes:
        level: the average there.
        slope_per_hour: the median of the slopes between all pairs of points (Theil and Sen), which moments of
            much memory, such as those of a password's hash, do not bend.
        late_slope_per_hour: that of the last quarter alone; smaller if the growth comes to an end.
        gain: what the line gains from the middle to the end.
    """

    level: float
    slope_per_hour: float
    late_slope_per_hour: float
    gain: float

    def has_drifted(self, allowance: float) -> bool:
        """Whether it grew by more than its noise.

        Args:
            allowance: how much it may gain in any case.
        """
        return self.gain > max(allowance, SHARE * self.level)


def fit(points: Sequence[tuple[float, float]]) -> Line | None:
    """Fits a line through the points of the second half, by time in seconds; None if there are too few."""
    if not points:
        return None
    end = points[-1][0]
    half = [point for point in points if point[0] >= end / 2]
    late = [point for point in points if point[0] >= end * 3 / 4]
    if len(late) < 3:
        return None
    slope = _slope(half)
    level = sum(value for _, value in half) / len(half)
    span = half[-1][0] - half[0][0]
    return Line(level, slope * HOUR, _slope(late) * HOUR, slope * span)


def _slope(points: Sequence[tuple[float, float]]) -> float:
    return statistics.median(
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for earlier, later in itertools.combinations(points, 2)
    )
