"""Instants as people write them: ISO 8601, in UTC where no zone is named."""

import click

from astakos.clock import from_iso


class Instant(click.ParamType[int]):
    """A time such as 2031-02-03 or 2031-02-03T04:05:06+00:00."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read one."""
        text = str(value).strip()
        if len(text) == len("2031-02-03"):
            text += "T00:00:00+00:00"
        try:
            return from_iso(text)
        except ValueError:
            self.fail(f"{text!r} is no time; write 2031-02-03 or 2031-02-03T04:05:06+00:00", param, ctx)


INSTANT = Instant()
