"""`ui/admin/commissions/history`: what was accepted, rejected or expired, newest first, also as CSV."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final, NamedTuple

from astakos.clock import to_iso
from astakos.http.commissions.history_pages import cursor_of, read_cursor
from astakos.http.pages.commission import OUTCOMES
from astakos.http.pages.commissions import COMMISSIONS
from astakos.http.pages.csv_files import csv_file
from astakos.http.pages.filters import (
    Errors,
    component_of,
    end_of_day,
    found_by,
    options_of,
    services_of,
    start_of_day,
    whole_number,
)
from astakos.http.pages.holder_names import find_holder, find_project, names_of
from astakos.http.pages.page_kinds import administrator_page
from astakos.http.pages.shown_provisions import Resources, ShownProvision, holders_of, of_persons, shown
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.ledger.key_levels import prefix_of_holder
from astakos.ledger.operations import Verdict
from astakos.pages.tables import state_of
from astakos.storage.protocol import Connection
from astakos.storage.tables.history import Entry, Page, Position, Wanted, read_history

HISTORY: Final = f"{COMMISSIONS}/history"
ROWS: Final = 100
"""How many provisions a page shows."""
ROWS_OF_A_FILE: Final = 5_000
"""A file of so many takes some 60 ms."""
PAGES_OF_A_FILE: Final = 20
"""How many pages a file is made of at most. Each examines a bounded number of commissions."""
HEADINGS: Final = (
    "resolved",
    "issued",
    "serial",
    "service",
    "name",
    "outcome",
    "holder",
    "holder_name",
    "project",
    "project_name",
    "key",
    "resource",
    "quantity",
    "settled",
    "usage",
    "limit",
)


class Filters(NamedTuple):
    """What the reader asks for, as they have written it; "" for nothing."""

    service: str = ""
    holder: str = ""
    project: str = ""
    resource: str = ""
    outcome: str = ""
    serial: str = ""
    since: str = ""
    until: str = ""
    before: str = ""


class ShownCommission(NamedTuple):
    """A commission that is not pending any more, with those of its provisions that match."""

    serial: int
    component: str
    name: str
    resolve_time: int
    outcome: Verdict
    key: str | None
    provisions: Sequence[ShownProvision]


class Found(NamedTuple):
    """What the page reads.

    Attributes:
        rows: The commissions.
        end: Where the next page begins; None if there is none.
        services: The names of all services.
        errors: What is wrong with the filters, by name.
    """

    rows: Sequence[ShownCommission]
    end: Position | None
    services: Sequence[str]
    errors: Mapping[str, str]


async def history(visit: UserVisit) -> Answer:
    """Shows the page, or what it would show as a file."""
    query = visit.request.query
    filters = Filters(*(query.get(name, "").strip() for name in Filters._fields))
    resources = {one.name: one for one in await visit.service.resources()}
    if query.get("csv"):
        content = await visit.service.read_much(_file, filters)
        if content is not None:
            return content
    found = await visit.service.read_much(_find, filters, resources)
    return visit.page(
        "commission_history.html",
        state=state_of(query, f"{visit.site.base}{HISTORY}", [], sort=""),
        filters=filters,
        found=found,
        is_filtered=any(filters[:-1]),
        services=options_of(found.services, filters.service, "All services"),
        resources=options_of(resources, filters.resource, "All resources"),
        results=[("", "All"), *((verdict.value, word) for verdict, (word, _) in OUTCOMES.items())],
        outcomes=OUTCOMES,
        path=COMMISSIONS,
        end=None if found.end is None else cursor_of(found.end),
        rows_of_a_file=ROWS_OF_A_FILE,
    )


def _wanted(connection: Connection, filters: Filters, errors: Errors) -> Wanted:
    serial = whole_number(filters.serial)
    if filters.serial and serial is None:
        errors["serial"] = "Write the number of a commission."
    return Wanted(
        component=found_by(component_of, connection, filters.service, "service", errors),
        holder=found_by(find_holder, connection, filters.holder, "holder", errors),
        source=found_by(find_project, connection, filters.project, "project", errors),
        resource=filters.resource or None,
        serial=serial,
        since=start_of_day(filters.since, "since", errors),
        until=end_of_day(filters.until, "until", errors),
        verdict=next((one for one in Verdict if one.value == filters.outcome), None),
        before=_position(filters.before),
    )


def _position(cursor: str) -> Position | None:
    try:
        return read_cursor(cursor) if cursor else None
    except ValueError:
        return None


def _find(connection: Connection, filters: Filters, resources: Resources) -> Found:
    services = services_of(connection)
    errors: dict[str, str] = {}
    wanted = _wanted(connection, filters, errors)
    if errors:
        return Found([], None, services, errors)
    page = read_history(connection, wanted, ROWS)
    names = names_of(connection, holders_of(entry.key for entry in page.entries))
    rows = []
    for serial, group in groupby(page.entries, key=lambda entry: entry.serial):
        entries = list(group)
        told = of_persons([entry.key for entry in entries])
        first = entries[0]
        provisions = [
            shown(entry.key, entry.quantity, names, resources, settled=_settled(entry))
            for entry in entries
            if entry.key in told
        ]
        rows.append(
            ShownCommission(
                serial,
                first.component,
                first.name,
                first.resolve_time,
                first.verdict,
                _key(first),
                provisions,
            )
        )
    return Found(rows, page.end, services, errors)


def _settled(entry: Entry) -> int | None:
    """Returns for how much a provision was settled; None if the outcome says it."""
    return entry.settled if entry.verdict is Verdict.ACCEPT or entry.settled else None


def _key(entry: Entry) -> str | None:
    return None if entry.key_holder is None else prefix_of_holder(entry.key_holder)


def _file(connection: Connection, filters: Filters) -> Answer | None:
    """Returns the entries from a page on as CSV; None if the filters are wrong."""
    errors: dict[str, str] = {}
    wanted = _wanted(connection, filters, errors)
    if errors:
        return None
    entries: list[Entry] = []
    page = Page([], wanted.before)
    for _ in range(PAGES_OF_A_FILE):
        page = read_history(connection, replace(wanted, before=page.end), ROWS_OF_A_FILE - len(entries))
        entries += page.entries
        if page.end is None or len(entries) >= ROWS_OF_A_FILE:
            break
    name = "commissions" if page.end is None else "commissions-newest-part"
    return csv_file(name, HEADINGS, _lines(connection, entries))


def _lines(connection: Connection, entries: Sequence[Entry]) -> Iterable[Sequence[object]]:
    names = names_of(connection, holders_of(entry.key for entry in entries))
    for one in entries:
        source = one.key.source
        yield (
            to_iso(one.resolve_time),
            to_iso(one.issue_time),
            one.serial,
            one.component,
            one.name,
            OUTCOMES[one.verdict][0],
            one.key.holder,
            names[one.key.holder].text,
            source,
            None if source is None else names[source].text,
            _key(one),
            one.key.resource,
            one.quantity,
            one.settled,
            one.after.usage_max,
            one.after.limit,
        )


ROUTES = (administrator_page(HISTORY, history),)
