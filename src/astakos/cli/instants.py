"""Times on the command line: ISO 8601; a date without a time means midnight UTC."""

import click

from astakos.clock import from_iso


class Instant(click.ParamType[int]):
    """A time like 2031-02-03 or 2031-02-03T04:05:06+00:00."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parses a time."""
        text = str(value).strip()
        if len(text) == len("2031-02-03"):
            text += "T00:00:00+00:00"
        try:
            return from_iso(text)
        except ValueError:
            self.fail(
                f"{text!r} is not a time; write it like 2031-02-03 or 2031-02-03T04:05:06+00:00", param, ctx
            )


INSTANT = Instant()
