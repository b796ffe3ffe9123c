"""Checks what an entry of `resources` says of a meter."""

from astakos.administration.charges import PENDING_APPLICATIONS
from astakos.administration.document_places import Place
from astakos.administration.document_values import new_name_at
from astakos.administration.state_document import ResourceEntry
from astakos.ledger.grants import base_of_grant
from astakos.ledger.meter_definitions import SEPARATOR, MeterDefinition, base_of
from astakos.storage.protocol import Connection
from astakos.storage.tables import meters, registry


def check_meter(connection: Connection, entry: ResourceEntry, place: Place) -> MeterDefinition | None:
    """Checks that a resource may be a meter, or may be none; returns the meter that it is so far."""
    known = meters.find_definitions(connection)
    if entry.meter is None:
        if entry.name in known:
            raise (place / "meter").error(
                f"{entry.name} is a meter, and stays one; to let it limit nothing, make its limits unlimited"
            )
        return None
    base = base_of(entry.name)
    if base is None:
        raise (place / "name").error(
            f"the name of a meter consists of the resource that it counts, {SEPARATOR}, and a word: "
            f"{entry.name}{SEPARATOR}{entry.meter.unit}"
        )
    resources = {each.name: each for each in registry.list_resources(connection)}
    if entry.name in resources and entry.name not in known:
        raise (place / "meter").error(f"{entry.name} is charged itself, and cannot become a meter")
    resource = resources.get(base)
    if resource is None:
        raise (place / "name").error(f"there is no resource {base!r} to count")
    if base in known:
        raise (place / "name").error(f"{base} is a meter itself, and meters are not counted")
    if base == PENDING_APPLICATIONS and entry.name not in known:
        raise (place / "name").error(
            f"{base} cannot have meters: applications that are decided are given back, and a meter never is"
        )
    if resource.service != entry.service:
        raise (place / "service").error(f"{base}, which this meter counts, is offered by {resource.service}")
    new_name_at(entry.name.removeprefix(base + SEPARATOR), place / "name", "month")
    if base_of_grant(entry.name) is not None:
        raise (place / "name").error(f"{entry.name} would be the name of a grant; use another word")
    try:
        entry.meter.meter(entry.name)
    except ValueError as error:
        raise (place / "meter").error(str(error)) from error
    return known.get(entry.name)


def check_scale(connection: Connection, entry: ResourceEntry, place: Place) -> None:
    """Checks that a meter and what it counts have the same scale."""
    definitions = meters.find_definitions(connection)
    scales = registry.scales(connection)
    base = base_of(entry.name) if entry.name in definitions else None
    others = [name for name in definitions if base_of(name) == entry.name] if base is None else [base]
    for other in others:
        if scales[other] != entry.scale:
            raise (place / "scale").error(
                f"{other} has the scale {scales[other]}; a meter and what it counts must have the same"
            )
