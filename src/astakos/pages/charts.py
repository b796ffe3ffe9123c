"""Charts as SVG. They run no script, and carry no style of their own: `astakos.css` colors their classes.

Each stands beside text or a table that says the same, so readers of the text need not see them.
"""

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from astakos.pages.meters import Meter

SPARK_WIDTH: Final = 120
SPARK_HEIGHT: Final = 28


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


def _share(part: int, whole: int) -> float:
    if whole <= 0:
        return 100.0 if part > 0 else 0.0
    return max(0.0, min(100.0, part / whole * 100))
