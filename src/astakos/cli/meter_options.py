"""Options that define meters: `--meter month=1000000`, `--rate minute=500`, `--window 5hours=200`."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import click
import msgspec

from astakos.administration.registered_entries import meter_name
from astakos.administration.state_document import ResourceEntry
from astakos.cli.quantities import AMOUNT, GivenAmount
from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.periods import Unit
from astakos.ledger.rules import UNLIMITED

PERIOD = re.compile(rf"(?P<every>[0-9]{{0,12}}) ?-?(?P<unit>{'|'.join(Unit)})s?")


class Given(NamedTuple):
    """A meter as an option gives it."""

    every: int
    unit: Unit
    limit: GivenAmount


class PeriodAndLimit(click.ParamType[Given]):
    """A period and a limit, like `month=1000000` or `30days=10G`."""

    name = "period=limit"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Given:
        """Parses an option."""
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


def meter_entries(
    base: ResourceEntry,
    kind: Kind,
    given: Iterable[Given],
    known: Mapping[str, ResourceEntry],
    changes: Mapping[str, str | int],
    figures: Mapping[str, object],
) -> Iterator[ResourceEntry]:
    """Returns the entries of meters of a resource, like those of a state document.

    Args:
        base: the resource.
        kind: of the meters.
        given: their periods and limits.
        known: the entries of the meters that there are, by name; what is not given stays as it is.
        changes: the zone, the anchor and the rollover, as far as they are given.
        figures: other properties, as far as they are given.
    """
    for every, unit, limit in given:
        name = meter_name(base.name, kind, unit, every)
        entry = known.get(name)
        definition = (entry and entry.meter) or MeterDefinition(kind=kind, unit=unit, every=every)
        if kind is Kind.BUDGET:
            definition = msgspec.structs.replace(definition, **changes)
        if entry is None:
            description = f"{base.name} {definition.in_words()}"
            entry = ResourceEntry(
                name=name,
                service=base.service,
                unit=base.unit,
                description=description,
                project_default=UNLIMITED,
                ui_visible=base.ui_visible,
                api_visible=base.api_visible,
            )
        quantity = limit.quantity(base.name, base.scale)
        entry = msgspec.structs.replace(entry, system_default=quantity, scale=base.scale, meter=definition)
        yield msgspec.structs.replace(entry, **figures)
