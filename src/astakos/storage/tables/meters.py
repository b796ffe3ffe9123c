"""The definitions of meters, and whatever else resources tell the ledger."""

import json
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from astakos.clock import MICROSECONDS
from astakos.ledger.alerts import usual_thresholds
from astakos.ledger.meter_definitions import MeterDefinition, base_of
from astakos.ledger.meters import NO_METERS, TIME_TO_LIVE, Meter, Meters
from astakos.ledger.rules import UNLIMITED
from astakos.storage.protocol import Connection
from astakos.storage.tables import settings

LIST = "SELECT r.name, m.definition FROM meters m JOIN resources r ON r.id = m.resource_id ORDER BY r.id"
LIST_TOLD = f"""
SELECT r.name, m.definition, r.max_debt, r.thresholds, CAST(r.shadow AS INTEGER)
FROM resources r LEFT JOIN meters m ON m.resource_id = r.id
WHERE m.resource_id IS NOT NULL OR r.max_debt < {UNLIMITED} OR r.thresholds IS NOT NULL OR r.shadow
ORDER BY r.id
"""
SAVE = """
INSERT INTO meters (resource_id, definition) SELECT id, ? FROM resources WHERE name = ?
ON CONFLICT (resource_id) DO UPDATE SET definition = excluded.definition
"""

VERSION = "meters_version"
"""The name of the setting that changes with anything that resources tell the ledger."""


class Told(NamedTuple):
    """What a resource tells the ledger.

    Attributes:
        name: of the resource.
        meter: the meter that it is; None if it is none.
        max_debt: by how much a settlement may take its usage beyond a limit.
        thresholds: percentages of a limit; None for the usual ones.
        shadow: whether limits only report.
    """

    name: str
    meter: MeterDefinition | None = None
    max_debt: int = UNLIMITED
    thresholds: Sequence[int] | None = None
    shadow: bool = False


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(MeterDefinition)


def find_definitions(connection: Connection) -> dict[str, MeterDefinition]:
    """Returns the definitions of all meters by the name of their resource, in the order of registration."""
    return {name: read_definition(document) for name, document in connection.execute(LIST)}


def read_definition(document: str | bytes) -> MeterDefinition:
    """Decodes the stored form of a definition."""
    return _decoder.decode(document)


def read_told(
    name: str,
    definition: str | bytes | None,
    max_debt: int | bytes,
    thresholds: str | bytes | None,
    shadow: int | bytes,
) -> Told:
    """Decodes a row of `LIST_TOLD`, from a driver that converts values or one that leaves them as text."""
    return Told(
        name,
        read_definition(definition) if definition else None,
        int(max_debt),
        json.loads(thresholds) if thresholds else None,
        bool(int(shadow)),
    )


def read_meters(connection: Connection) -> Meters:
    """Returns all meters, in the order of registration, and the bounds of debts."""
    told = [read_told(*row) for row in connection.execute(LIST_TOLD).fetchall()]
    if not told:
        return NO_METERS
    seconds = settings.find(connection, settings.METER_TTL_SECONDS)
    return meters_of(told, TIME_TO_LIVE if seconds is None else seconds * MICROSECONDS)


def meters_of(told: Sequence[Told], time_to_live: int) -> Meters:
    """Returns the meters that are defined so, with the time to live of commissions that count on them."""
    found: dict[str, list[Meter]] = {}
    debts: dict[str, int] = {}
    thresholds: dict[str, Sequence[int]] = {}
    for name, definition, max_debt, percents, shadow in told:
        base = base_of(name)
        meter = None if base is None or definition is None else definition.meter(name)
        if base is not None and meter is not None:
            found.setdefault(base, []).append(meter)
        if max_debt < UNLIMITED:
            debts[name] = max_debt
        # What refuses nothing is not told to users.
        if not shadow and (of_resource := usual_thresholds(meter) if percents is None else percents):
            thresholds[name] = of_resource
    shadows = [one.name for one in told if one.shadow]
    return Meters(found, debts, time_to_live, thresholds=thresholds, shadows=shadows)


def save_definition(connection: Connection, resource: str, definition: MeterDefinition) -> None:
    """Makes an existing resource a meter, or changes in which time it counts."""
    if find_definitions(connection).get(resource) != definition:
        connection.execute(SAVE, (_encoder.encode(definition).decode(), resource))
        note_change(connection)


def note_change(connection: Connection) -> None:
    """Lets all engines read again what resources tell them, in the order of commissions."""
    settings.save(connection, VERSION, settings.find(connection, VERSION, 0) + 1)
