"""What people write into the filters of a page. Refusals are gathered by the names of fields."""

from collections.abc import Callable, Collection, Iterable, MutableMapping
from datetime import datetime
from typing import Final, TypeVar

from astakos.clock import DAY, from_iso
from astakos.directory.service_catalog import OWN_SERVICES
from astakos.storage.protocol import Connection
from astakos.storage.tables import registry
from astakos.storage.tables.pending_list import component_of_service
from astakos.storage.texts import is_storable

LONGEST_NUMBER: Final = 18

T = TypeVar("T")
Errors = MutableMapping[str, str]


def start_of_day(day: str, field: str, errors: Errors) -> int | None:
    """Returns the instant at which a day begins, in UTC; None if none is given."""
    if not day:
        return None
    try:
        return from_iso(f"{datetime.strptime(day, '%Y-%m-%d').date()}T00:00:00+00:00")  # noqa: DTZ007 - a day
    except ValueError:
        errors[field] = "Write a day like 2031-02-03."
        return None


def end_of_day(day: str, field: str, errors: Errors) -> int | None:
    """Returns the instant at which a day ends, in UTC; None if none is given."""
    start = start_of_day(day, field, errors)
    return None if start is None else start + DAY


def whole_number(text: str) -> int | None:
    """Returns a whole number, or None if the text is not one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else None


def found_by(
    find: Callable[[Connection, str], T], connection: Connection, text: str, field: str, errors: Errors
) -> T | None:
    """Returns what is found by a text; None if nothing is written, or nothing is found."""
    if not text:
        return None
    try:
        return find(connection, text)
    except ValueError as error:
        errors[field] = str(error)
        return None


def chosen_of(names: Collection[str], given: str, field: str, errors: Errors) -> str:
    """Returns which of some names is chosen; "" if none is given, or what is given is none of them."""
    if given and given not in names:
        errors[field] = f"There is no {field} {given}."
        return ""
    return given


def component_of(connection: Connection, service: str) -> int:
    """Returns the component that has a service.

    Raises:
        ValueError: There is no such service.
    """
    found = component_of_service(connection, service) if is_storable(service) else None
    if found is None:
        raise ValueError(f"There is no service {service}.")
    return found


def services_of(connection: Connection) -> list[str]:
    """Returns the names of the services that can issue commissions: all but those of this service itself."""
    own = {name for name, *_ in OWN_SERVICES}
    return sorted({service.name for service in registry.list_services(connection)} - own)


def options_of(names: Iterable[str], given: str, everything: str) -> list[tuple[str, str]]:
    """Returns the options of a list to choose from; what is given and is not one of them stays choosable."""
    listed = list(names)
    unknown = [given] if given and given not in listed else []
    return [("", everything), *((name, name) for name in [*listed, *unknown])]
