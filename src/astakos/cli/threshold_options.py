"""Thresholds on the command line: 50,80,100, or none, or default."""

from typing import NamedTuple

import click

from astakos.ledger.alerts import refuse_thresholds

NONE, DEFAULT = "none", "default"
LONGEST = 100


class Percents(NamedTuple):
    """Percentages of a limit; None for those that a resource of its kind has."""

    percents: list[int] | None


class Thresholds(click.ParamType[Percents]):
    """Percentages of a limit, in ascending order."""

    name = "percentages"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Percents:
        """Parses percentages."""
        text = str(value).strip().lower()
        if text in (NONE, DEFAULT):
            return Percents([] if text == NONE else None)
        parts = [part.strip().removesuffix("%").strip() for part in text.split(",")]
        if len(text) > LONGEST or not all(part.isascii() and part.isdigit() for part in parts):
            self.fail(
                f"{text[:LONGEST]!r} are no thresholds; write 50,80,100, or none, or default", param, ctx
            )
        percents = [int(part) for part in parts]
        refusal = refuse_thresholds(percents)
        if refusal:
            self.fail(refusal, param, ctx)
        return Percents(percents)


THRESHOLDS = Thresholds()
