"""Options that define meters: `--meter month=1000000`, `--rate minute=500`, `--window 5hours=200`."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import click
import msgspec

from astakos.administration.state_document import ResourceEntry
from astakos.cli.quantities import AMOUNT, GivenAmount
from astakos.ledger.meter_definitions import SEPARATOR, Kind, MeterDefinition
from astakos.ledger.periods import Unit

PERIOD = re.compile(rf"(?P<every>[0-9]{{0,7}}) ?-?(?P<unit>{'|'.join(Unit)})s?")


class Given(NamedTuple):
    """A meter as an option gives it."""

    every: int
    unit: Unit
    limit: GivenAmount


class PeriodAndLimit(click.ParamType[Given]):
    """A period and a limit, like `month=1000000` or `30days=10G`."""

    name = "period=limit"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Given:
        """Parse an option."""
        period, separator, limit = str(value).partition("=")
        match = PERIOD.fullmatch(period.strip().lower())
        if not separator or match is None:
            units = ", ".join(Unit)
            self.fail(
                f"{value!r} is not a period with a limit; write month=1000000 or 30days=10G, "
                f"with one of the units {units}",
                param,
                ctx,
            )
        every = int(match["every"] or 1)
        return Given(every, Unit(match["unit"]), AMOUNT.convert(limit, param, ctx))


PERIOD_AND_LIMIT = PeriodAndLimit()
LABELS = {Kind.BUDGET: "{}", Kind.RATE: "per-{}", Kind.WINDOW: "{}-window"}


def meter_entries(
    base: ResourceEntry, kind: Kind, given: Iterable[Given], zone: str | None, anchor: str | None
) -> Iterator[ResourceEntry]:
    """Return the entries of meters of a resource, like those of a state document."""
    for every, unit, limit in given:
        definition = MeterDefinition(kind=kind, unit=unit, every=every)
        if kind is Kind.BUDGET:
            definition = msgspec.structs.replace(definition, zone=zone or "UTC", anchor=anchor)
        label = LABELS[kind].format(unit if every == 1 else f"{every}{unit}s")
        yield msgspec.structs.replace(
            base,
            name=f"{base.name}{SEPARATOR}{label}",
            description=f"{base.name} {definition.in_words()}",
            system_default=limit.quantity(base.name, base.scale),
            project_default=None,
            meter=definition,
        )
