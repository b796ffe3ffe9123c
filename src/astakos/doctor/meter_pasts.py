"""What is known of the past of each meter, which decides how its figures can be recomputed."""

from typing import NamedTuple

from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.meters import PERIODS_KEPT, length
from astakos.storage.protocol import Connection
from astakos.storage.tables import events, meters

AT_A_TIME = 1000
CREATED, CHANGED = "resource.created", "resource.changed"


class MeterPast(NamedTuple):
    """What is known of the past of a meter.

    Attributes:
        kind: how it forgives.
        is_simple: whether it has always been defined as it is, and forgives debts: then each unit that is
            settled is in one period.
        has_all_periods: whether it is younger than the periods that are kept.
    """

    kind: Kind
    is_simple: bool
    has_all_periods: bool


def read_pasts(connection: Connection, now: int) -> dict[str, MeterPast]:
    """Returns the pasts of all meters by the name of their resource."""
    definitions = meters.find_definitions(connection)
    if not definitions:
        return {}
    created = {name: time for name, time, _ in _told(connection, CREATED) if name in definitions}
    redefined = {name for name, _, has_other in _told(connection, CHANGED) if has_other}
    return {
        name: _past(name, definition, created.get(name), now, is_same=name not in redefined)
        for name, definition in definitions.items()
    }


def _past(
    name: str, definition: MeterDefinition, created: int | None, now: int, *, is_same: bool
) -> MeterPast:
    # The shortest of its periods: a month has 28 days at least, and the clock may have been wrong a little.
    kept = PERIODS_KEPT * length(definition.meter(name), now) * 9 // 10
    return MeterPast(
        definition.kind,
        is_same and not definition.keeps_debt,
        created is not None and now - created < kept,
    )


def _told(connection: Connection, kind: str) -> list[tuple[str, int, bool]]:
    """Returns name and time of all events of resources, and whether they tell of a meter."""
    found, after = list[tuple[str, int, bool]](), 0
    while rows := events.read(connection, events.Wanted(kind=kind, after=after), AT_A_TIME):
        for one in rows:
            told = one.event.after or {}
            found.append((str(told.get("resource")), one.time, "meter" in told))
        after = rows[-1].number
    return found
