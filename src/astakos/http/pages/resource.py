"""`ui/resources/<name>`: one resource of a user in one project: its course, charges, and what is pending."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

from astakos.clock import to_iso
from astakos.directory.entities import Resource, User
from astakos.http.commissions.history_pages import cursor_of, read_cursor
from astakos.http.faults import ItemNotFound
from astakos.http.pages.csv_files import csv_file
from astakos.http.pages.own_refusals import Surroundings, names_of_components, own_refusals
from astakos.http.pages.page_kinds import user_page
from astakos.http.pages.refusals import NO_PAGE
from astakos.http.pages.user_meters import Row, meters_of
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.ledger.rules import UNLIMITED, Key
from astakos.pages.courses import Change, Point, Step, course, starts_of
from astakos.pages.numbers import UNLIMITED_WORD
from astakos.projects.limits import project_holder, user_holder
from astakos.storage.protocol import Connection
from astakos.storage.tables.history import Entry, Position, Wanted, read_history
from astakos.storage.tables.periods import periods_of
from astakos.storage.tables.single_holding import MOST_LOOKED_AT, PendingList, list_changes, list_pending_of

PATH: Final = "/ui/resources"
CHARGES_OF_A_PAGE: Final = 20
CHARGES_OF_A_FILE: Final = 1000
PENDING_SHOWN: Final = 100
PERIODS: Final = 400
CHARGES: Final = "charges"
STEPS: Final = (
    (Step.HOUR, "By hour"),
    (Step.DAY, "By day"),
    (Step.WEEK, "By week"),
    (Step.MONTH, "By month"),
)


class Found(NamedTuple):
    """What the page reads.

    Attributes:
        row: The meter of the user, and that of all members.
        others: The projects in which the user has the resource: UUIDs and names.
        points: The course.
        since: From when on the course is known; None if all of it is.
        charges: The newest charges, or those before a position.
        more: Where the next page of charges begins; None if there is none.
        pending: What is pending.
        known: What refusals are explained by.
    """

    row: Row
    others: Sequence[tuple[str, str]]
    points: Sequence[Point]
    since: int | None
    charges: Sequence[Entry]
    more: Position | None
    pending: PendingList
    known: Surroundings


async def resource(visit: UserVisit) -> Answer:
    """Shows the page, or one of its tables as a file."""
    service, query, name = visit.service, visit.request.query, visit.request.parameter
    resources = {one.name: one for one in await service.resources()}
    step = next((one for one, _ in STEPS if one == query.get("by")), Step.DAY)
    file = query.get("csv", "")
    before = _position(query.get("before", ""))
    most = CHARGES_OF_A_FILE if file == CHARGES else CHARGES_OF_A_PAGE
    found = await service.read_much(
        _find, visit.user, resources, name, query.get("project", ""), visit.site.now, step, before, most, file
    )
    if found is None:
        raise ItemNotFound(NO_PAGE)
    if file == "course":
        return _course_file(name, found)
    if file == CHARGES:
        return _charges_file(name, found)
    path = f"{visit.site.base}{PATH}/{quote(name)}"
    kept = {"project": found.row.project, "by": step.value}

    def address(**changes: str) -> str:
        return f"{path}?{urlencode({**kept, **changes})}"

    return visit.page(
        "resource.html",
        name=name,
        found=found,
        own=found.row.own,
        steps=[(text, address(by=one.value), one is step) for one, text in STEPS],
        step=step,
        projects=[(text, address(project=uuid), uuid == found.row.project) for uuid, text in found.others],
        refusals=await own_refusals(visit, resources, [name], found.known),
        most_pending=PENDING_SHOWN,
        most_looked_at=MOST_LOOKED_AT,
        older=None if found.more is None else address(before=cursor_of(found.more)),
        newest=address() if before is not None else None,
        course_file=address(csv="course"),
        charges_file=address(csv="charges"),
    )


def _position(cursor: str) -> Position | None:
    try:
        return read_cursor(cursor) if cursor else None
    except ValueError:
        return None


def _find(
    connection: Connection,
    user: User,
    resources: Mapping[str, Resource],
    name: str,
    project: str,
    now: int,
    step: Step,
    before: Position | None,
    most: int,
    file: str,
) -> Found | None:
    rows, projects, _ = meters_of(connection, user, resources, now)
    own = {row.project: row for row in rows if row.own.resource == name}
    row = own.get(project or user.default_project or "")
    if row is None and not project:
        row = next(iter(own.values()), None)
    if row is None:
        return None
    key = Key(user_holder(user.uuid), project_holder(row.project), name)
    wanted = Wanted(holder=key.holder, source=key.source, resource=name)
    starts = starts_of(step, now)
    # A file of charges shows no course, which is most of the work.
    changes, since = ([], None) if file == CHARGES else list_changes(connection, key, starts[0])
    periods = periods_of(connection, user.uuid, name, before=None, most=PERIODS, now=now, project=row.project)
    page = read_history(connection, replace(wanted, before=before), most)
    return Found(
        row,
        [(uuid, projects[uuid][0]) for uuid in own],
        course(
            starts, [Change(*one) for one in changes], [period.start for period in periods], row.own.taken
        ),
        since,
        page.entries,
        page.end,
        list_pending_of(connection, key, row.own.pending, PENDING_SHOWN),
        Surroundings(rows, projects, names_of_components(connection)),
    )


def _course_file(name: str, found: Found) -> Answer:
    return csv_file(
        f"{name}-course",
        ("start", "highest", "usage", "added", "returned", "reset"),
        (
            (to_iso(one.start), one.highest, one.usage, one.added, one.returned, int(one.resets))
            for one in found.points
        ),
    )


def _charges_file(name: str, found: Found) -> Answer:
    return csv_file(
        f"{name}-charges",
        ("time", "service", "serial", "name", "outcome", "requested", "settled", "usage", "limit"),
        (
            (
                to_iso(one.resolve_time),
                one.component,
                one.serial,
                one.name,
                one.verdict.value,
                one.quantity,
                one.settled,
                one.after.usage_max,
                UNLIMITED_WORD if one.after.limit == UNLIMITED else one.after.limit,
            )
            for one in found.charges
        ),
    )


ROUTES = (user_page(f"{PATH}/{{resource}}", resource),)
