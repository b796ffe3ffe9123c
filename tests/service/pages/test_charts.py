"""Charts are SVG without a style of their own, whatever the figures."""

import re

from astakos.ledger.rules import UNLIMITED
from astakos.pages.charts import bar, columns, sparkline, top_of
from astakos.pages.courses import Point
from astakos.pages.meters import Meter


def widths(meter: Meter) -> list[float]:
    return [float(width) for width in re.findall(r'width="([\d.]+)%"', bar(meter))]


def test_a_bar_never_leaves_its_frame() -> None:
    assert widths(Meter("x", 1, 1, 4)) == [25, 25, 25]
    assert widths(Meter("x", 9, 3, 4)) == [100, 0, 0]
    assert widths(Meter("x", 0, 0, 0)) == [0, 0, 0]
    assert widths(Meter("x", 3, 3, 4)) == [75, 25, 25]
    assert widths(Meter("x", 3, 0, UNLIMITED)) == []


def test_the_limit_is_a_line_unless_it_is_far_above() -> None:
    points = [Point(0, 3, 3), Point(1, 5, 5, resets=True)]
    assert top_of(points, 8) == 8
    assert 'class="limit"' in columns(points, 8)
    assert top_of(points, 1000) == top_of(points, UNLIMITED) == 5
    assert 'class="limit"' not in columns(points, 1000)
    assert columns(points, 8).count('class="reset"') == 1
    assert "style" not in columns(points, 8)


def test_a_label_is_escaped() -> None:
    assert "<b>" not in sparkline([1, 2], '"><b>')
