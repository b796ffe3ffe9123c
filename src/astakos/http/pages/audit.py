"""`ui/admin/audit`: who changed what, when, and from where."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from astakos.administration.accounts import find_user_if_any
from astakos.administration.event_kinds import refuse_kind
from astakos.events.change_words import changes
from astakos.events.event import OPERATOR, SERVICE, RecordedEvent
from astakos.http.pages.filters import end_of_day, start_of_day, whole_number
from astakos.http.pages.page_kinds import administrator_page
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.pages.tables import state_of
from astakos.storage.protocol import Connection
from astakos.storage.tables import events, projects, users
from astakos.storage.tables.event_search import find_events

AUDIT: Final = "/ui/admin/audit"
ROWS: Final = 50
ORIGINS: Final = {OPERATOR.origin: "the command line", SERVICE.origin: "the service itself"}


class Filters(NamedTuple):
    """What the reader asks for, as they have written it; "" for nothing."""

    who: str
    whom: str
    project: str
    kind: str
    since: str
    until: str
    before: str


class ShownEvent(NamedTuple):
    """An event, with names in place of identifiers where there are any."""

    number: int
    time: int
    kind: str
    actor: str
    actor_uuid: str | None
    origin: str
    key: str | None
    subject: str
    subject_uuid: str | None
    project: str
    project_uuid: str | None
    changes: Sequence[str]
    reason: str


class Found(NamedTuple):
    """What the page reads.

    Attributes:
        rows: The events.
        end: The number before which the next page begins; None if there is none.
        errors: What is wrong with the filters, by name.
    """

    rows: Sequence[ShownEvent]
    end: int | None
    errors: Mapping[str, str]


async def audit(visit: UserVisit) -> Answer:
    """Shows the page."""
    filters = Filters(*(visit.request.query.get(name, "").strip() for name in Filters._fields))
    found = await visit.service.read_much(_find, filters)
    state = state_of(visit.request.query, f"{visit.site.base}{AUDIT}", [], sort="")
    return visit.page(
        "audit.html",
        state=state,
        filters=filters,
        found=found,
        is_filtered=any(filters[:-1]),
        origins=ORIGINS,
    )


def _find(connection: Connection, filters: Filters) -> Found:
    errors: dict[str, str] = {}
    wanted = events.Wanted(
        project=filters.project or None,
        subject=_user(connection, filters.whom, "whom", errors),
        actor=None if filters.who in ORIGINS else _user(connection, filters.who, "who", errors),
        origin=filters.who if filters.who in ORIGINS else None,
        kind=_kind(filters.kind, errors),
        since=start_of_day(filters.since, "since", errors),
        until=end_of_day(filters.until, "until", errors),
        before=whole_number(filters.before),
    )
    if errors:
        return Found([], None, errors)
    page = find_events(connection, wanted, ROWS)
    return Found(named_events(connection, page.events), page.end, errors)


def _user(connection: Connection, name: str, field: str, errors: dict[str, str]) -> str | None:
    """Returns the UUID of a user; one who has been deleted is known by their UUID only."""
    if not name:
        return None
    user = find_user_if_any(connection, name.lower())
    if user is None and "@" in name:
        errors[field] = f"There is no user {name}."
    return name if user is None else user.uuid


def _kind(kind: str, errors: dict[str, str]) -> str | None:
    refusal = refuse_kind(kind) if kind else None
    if refusal is not None:
        errors["kind"] = refusal
    return kind or None


def named_events(connection: Connection, found: Sequence[RecordedEvent]) -> Sequence[ShownEvent]:
    """Returns events as pages show them."""
    people = {uuid for one in found for uuid in (one.event.actor.user, one.event.subject) if uuid}
    names = users.names_of(connection, people)
    of_projects = {}
    for uuid in {one.event.project for one in found if one.event.project}:
        project = projects.find(connection, uuid)
        of_projects[uuid] = uuid if project is None or project.system_project else project.name
    return [_shown(one, names, of_projects) for one in found]


def _shown(one: RecordedEvent, names: Mapping[str, str], of_projects: Mapping[str, str]) -> ShownEvent:
    event = one.event
    actor, subject, project = event.actor.user, event.subject, event.project
    return ShownEvent(
        one.number,
        one.time,
        event.kind,
        ORIGINS.get(event.actor.origin, "somebody") if actor is None else names.get(actor, actor),
        actor if actor in names else None,
        "" if event.actor.origin in ORIGINS else event.actor.origin,
        event.actor.key,
        names.get(subject, subject) if subject else "",
        subject if subject in names else None,
        of_projects[project] if project else "",
        project,
        changes(event.before, event.after),
        event.reason,
    )


ROUTES = (administrator_page(AUDIT, audit),)
