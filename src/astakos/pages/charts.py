"""Charts as SVG. They run no script, and carry no style of their own: `astakos.css` colors their classes.

Each stands beside text or a table that says the same, so readers of the text need not see them.
"""

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from astakos.ledger.rules import UNLIMITED
from astakos.pages.courses import Point
from astakos.pages.meters import Meter

SPARK_WIDTH: Final = 120
SPARK_HEIGHT: Final = 28
CHART_HEIGHT: Final = 100
FAR_ABOVE: Final = 4
"""A limit that is so many times the highest usage is above the chart, not a line in it."""


def bar(meter: Meter) -> Markup:
    """Returns a meter's bar: what is used, then what is pending, hatched."""
    if meter.is_unlimited:
        return Markup('<svg class="bar bar-unlimited" aria-hidden="true" focusable="false"></svg>')
    used = _share(meter.used, meter.limit)
    pending = min(_share(meter.pending, meter.limit), 100 - used)
    return Markup(
        '<svg class="bar bar-{}" aria-hidden="true" focusable="false">'
        '<rect class="bar-used" width="{:.2f}%" height="100%"/>'
        '<rect class="bar-pending" x="{:.2f}%" width="{:.2f}%" height="100%"/>'
        '<rect class="bar-hatched" x="{:.2f}%" width="{:.2f}%" height="100%" fill="url(#hatch)"/></svg>'
    ).format(meter.level, used, used, pending, used, pending)


def sparkline(values: Sequence[float], label: str) -> Markup:
    """Returns the course of some values as a line without axes. The label says what it shows."""
    highest = max([*values, 0]) or 1
    step = SPARK_WIDTH / max(1, len(values) - 1)
    points = " ".join(
        f"{position * step:.1f},{SPARK_HEIGHT - 2 - value / highest * (SPARK_HEIGHT - 4):.1f}"
        for position, value in enumerate(values)
    )
    return Markup(
        '<svg class="spark" role="img" aria-label="{}" viewBox="0 0 {} {}" preserveAspectRatio="none">'
        '<polyline class="spark-line" points="{}"/></svg>'
    ).format(label, SPARK_WIDTH, SPARK_HEIGHT, points)


def top_of(points: Sequence[Point], limit: int) -> int:
    """Returns the quantity at the upper edge of the chart of a course."""
    highest = max((point.highest for point in points), default=0)
    if limit == UNLIMITED or limit > FAR_ABOVE * max(1, highest):
        return max(1, highest)
    return max(1, highest, limit)


def columns(points: Sequence[Point], limit: int) -> Markup:
    """Returns the course of usage as columns, with the limit as a line, and a mark where a period begins."""
    top = top_of(points, limit)
    parts = []
    for position, point in enumerate(points):
        height = point.highest / top * CHART_HEIGHT
        parts.append(
            Markup('<rect class="column" x="{}" y="{:.2f}" width="0.8" height="{:.2f}"/>').format(
                position + 0.1, CHART_HEIGHT - height, height
            )
        )
        if point.resets:
            parts.append(
                Markup('<line class="reset" x1="{0}" x2="{0}" y1="0" y2="{1}"/>').format(
                    position, CHART_HEIGHT
                )
            )
    if limit <= top:
        height = CHART_HEIGHT - limit / top * CHART_HEIGHT
        parts.append(
            Markup('<line class="limit" x1="0" x2="{}" y1="{:.2f}" y2="{:.2f}"/>').format(
                len(points), height, height
            )
        )
    return Markup(
        '<svg class="columns" aria-hidden="true" focusable="false" viewBox="0 0 {} {}" '
        'preserveAspectRatio="none">{}</svg>'
    ).format(len(points), CHART_HEIGHT, Markup("").join(parts))


def _share(part: int, whole: int) -> float:
    if whole <= 0:
        return 100.0 if part > 0 else 0.0
    return max(0.0, min(100.0, part / whole * 100))
