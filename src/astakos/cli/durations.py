"""Lengths of time on the command line: 90s, 30min, 24h or 7d. A bare 24 is refused: it may mean hours."""

import re

import click

from astakos.clock import MICROSECONDS

SECONDS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
WRITTEN = re.compile(r"([0-9]{1,9})\s*([a-z]*)")


class Duration(click.ParamType[int]):
    """A length of time, in microseconds."""

    name = "duration"

    def __init__(self, longest: int, shortest: int = 0) -> None:
        """Sets the bounds, in microseconds."""
        self._bounds = range(shortest, longest + 1)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parses a length of time; a default is one already."""
        text = str(value).strip()
        written = WRITTEN.fullmatch(text)
        if written is not None and not written[2] and int(written[1]):
            self.fail(f"{text!r} has no unit; write it like 90s, 30min, 24h or 7d", param, ctx)
        if written is None or (written[2] not in SECONDS and written[2]):
            self.fail(f"{text!r} is not a length of time; write it like 90s, 30min, 24h or 7d", param, ctx)
        length = int(written[1]) * SECONDS.get(written[2], 0) * MICROSECONDS
        if length not in self._bounds:
            shortest, longest = self._bounds[0] // MICROSECONDS, self._bounds[-1] // MICROSECONDS
            self.fail(f"{text} is not from {shortest} to {longest} seconds", param, ctx)
        return length
