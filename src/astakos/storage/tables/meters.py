"""The definitions of meters."""

import msgspec

from astakos.clock import MICROSECONDS
from astakos.ledger.meter_definitions import MeterDefinition, base_of
from astakos.ledger.meters import NO_METERS, TIME_TO_LIVE, Meter, Meters
from astakos.storage.protocol import Connection
from astakos.storage.tables import settings

LIST = "SELECT r.name, m.definition FROM meters m JOIN resources r ON r.id = m.resource_id ORDER BY r.id"
SAVE = """
INSERT INTO meters (resource_id, definition) SELECT id, ? FROM resources WHERE name = ?
ON CONFLICT (resource_id) DO UPDATE SET definition = excluded.definition
"""

VERSION = "meters_version"
"""The name of the setting that changes with any definition."""

_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(MeterDefinition)


def find_definitions(connection: Connection) -> dict[str, MeterDefinition]:
    """Return the definitions of all meters by the name of their resource, in the order of registration."""
    return {name: read_definition(document) for name, document in connection.execute(LIST)}


def read_definition(document: str | bytes) -> MeterDefinition:
    """Decode the stored form of a definition."""
    return _decoder.decode(document)


def read_meters(connection: Connection) -> Meters:
    """Return all meters, in the order of registration."""
    definitions = find_definitions(connection)
    if not definitions:
        return NO_METERS
    seconds = settings.find(connection, settings.METER_TTL_SECONDS)
    return meters_of(definitions, TIME_TO_LIVE if seconds is None else seconds * MICROSECONDS)


def meters_of(definitions: dict[str, MeterDefinition], time_to_live: int) -> Meters:
    """Return the meters that are defined so, with the time to live of commissions that count on them."""
    found: dict[str, list[Meter]] = {}
    for name, definition in definitions.items():
        base = base_of(name)
        if base is not None:
            found.setdefault(base, []).append(definition.meter(name))
    return Meters(found, time_to_live=time_to_live)


def save_definition(connection: Connection, resource: str, definition: MeterDefinition) -> None:
    """Make an existing resource a meter, or change in which time it counts."""
    if find_definitions(connection).get(resource) != definition:
        connection.execute(SAVE, (_encoder.encode(definition).decode(), resource))
        settings.save(connection, VERSION, settings.find(connection, VERSION, 0) + 1)
