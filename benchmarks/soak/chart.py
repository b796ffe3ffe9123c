"""The course of a soak as a picture: panels of lines over one axis of time, in SVG."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 960, 150
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 26, 22
COLORS = ("#1f6f8b", "#d1495b", "#edae49", "#66a182", "#6c5b7b", "#8d6a4f")
TEXT = 'font-family="sans-serif" font-size="11"'
Points = Sequence[tuple[float, float]]


class Panel(NamedTuple):
    """One diagram: lines by their names, in one unit."""

    title: str
    unit: str
    lines: Mapping[str, Points]


def draw(panels: Sequence[Panel], marks: Sequence[tuple[float, str]], end: float) -> str:
    """The picture as SVG.

    Args:
        panels: from top to bottom.
        marks: instants that are drawn through all panels, with what happened.
        end: the seconds at the right edge.
    """
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT * len(panels) + TOP}">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for position, panel in enumerate(panels):
        parts += _panel(panel, position * HEIGHT, marks, end)
    parts.append("</svg>\n")
    return "\n".join(parts)


def _panel(panel: Panel, offset: int, marks: Sequence[tuple[float, str]], end: float) -> list[str]:
    top = max((value for points in panel.lines.values() for _, value in points), default=0.0) or 1.0
    bottom = offset + HEIGHT - BOTTOM
    height = HEIGHT - TOP - BOTTOM

    def x(time: float) -> float:
        return LEFT + time / end * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return bottom - value / top * height

    parts = [
        f'<text x="{LEFT}" y="{offset + 16}" {TEXT} font-weight="bold">{escape(panel.title)}</text>',
        f'<text x="{LEFT - 6}" y="{y(top) + 4:.1f}" {TEXT} text-anchor="end">{top:,.4g} {panel.unit}</text>',
        f'<text x="{LEFT - 6}" y="{bottom}" {TEXT} text-anchor="end">0</text>',
        f'<path d="M{LEFT},{y(top):.1f}V{bottom}H{WIDTH - RIGHT}" fill="none" stroke="#999"/>',
        f'<text x="{WIDTH - RIGHT}" y="{bottom + 14}" {TEXT} text-anchor="end">{end / 60:,.1f} min</text>',
    ]
    for at, name in marks:
        parts.append(
            f'<path d="M{x(at):.1f},{y(top):.1f}V{bottom}" stroke="#bbb" stroke-dasharray="2 2">'
            f"<title>{escape(name)} at {at:.0f} s</title></path>"
        )
    for number, (name, points) in enumerate(panel.lines.items()):
        color = COLORS[number % len(COLORS)]
        line = " ".join(f"{x(time):.1f},{y(value):.1f}" for time, value in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        height_of_name = offset + TOP + 12 + number * 14
        parts.append(
            f'<text x="{WIDTH - RIGHT + 10}" y="{height_of_name}" {TEXT} fill="{color}">{escape(name)}</text>'
        )
    return parts
