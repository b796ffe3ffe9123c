"""`ui/admin/users/<uuid>`: all that administrators see of one user."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from astakos.administration.administrators import is_administrator
from astakos.administration.erasure import is_erased
from astakos.directory.account_states import AccountState, state_of
from astakos.directory.api_keys import ApiKey
from astakos.directory.entities import Resource, User, UserRecord
from astakos.http.pages.audit import ShownEvent, named_events
from astakos.http.pages.page_kinds import administrator_page
from astakos.http.pages.shown_grants import ShownGrant, grants_of
from astakos.http.pages.user_meters import meter_of
from astakos.http.pages.users.decisions import Decision, decisions_about
from astakos.http.pages.users.visited_user import ONE, path_of, visited_user
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.ledger.grants import base_of_grant
from astakos.pages import tables
from astakos.pages.browsers import browser_name
from astakos.pages.meters import Meter
from astakos.pages.tables import Column, page_of_list
from astakos.projects.limits import user_holder
from astakos.projects.project import MembershipState
from astakos.storage.protocol import Connection
from astakos.storage.tables import (
    api_keys,
    events,
    memberships,
    projects,
    quotas,
    sessions,
    user_records,
    users,
)
from astakos.storage.tables.history import Entry, Wanted, read_history
from astakos.storage.tables.sessions import StoredSession

QUOTAS_OF_A_PAGE: Final = 25
LATEST: Final = 10
"""How many events and charges the page shows; the audit log and the history have the others."""
PROJECTS_SHOWN: Final = 100
OWN_PROJECT: Final = "Their own"
COLUMNS: Final = (
    Column("resource", "Resource"),
    Column("project", "Project"),
    Column("used", "Used", is_number=True),
    Column("limit", "Limit", is_number=True),
    Column("taken", "Taken", is_number=True),
    Column("change", "Change", sorts=False),
)


class ShownQuota(NamedTuple):
    """A limit of the user in a project."""

    meter: Meter
    project: str
    is_own: bool


class ShownMembership(NamedTuple):
    """A project in which the user is or was."""

    project: str
    uuid: str
    state: MembershipState
    is_owner: bool


class ShownSession(NamedTuple):
    """A login of the user in a browser."""

    stored: StoredSession
    browser: str


class Found(NamedTuple):
    """What the page reads."""

    user: User
    state: AccountState
    record: UserRecord
    groups: Sequence[str]
    is_administrator: bool
    is_erased: bool
    has_password: bool
    has_project: bool
    quotas: Sequence[ShownQuota]
    projects: Sequence[ShownMembership]
    has_more_projects: bool
    sessions: Sequence[ShownSession]
    keys: Sequence[ApiKey]
    events: Sequence[ShownEvent]
    charges: Sequence[Entry]
    grants: Sequence[ShownGrant]
    decisions: Mapping[str, Decision]


async def user_page(visit: UserVisit) -> Answer:
    """Shows the page."""
    resources = {one.name: one for one in await visit.service.resources()}
    found = await visit.service.read_much(_find, visit, resources)
    path = f"{visit.site.base}{path_of(found.user)}"
    state = tables.state_of(visit.request.query, path, COLUMNS, sort="-taken", size=QUOTAS_OF_A_PAGE)
    shown = [one for one in found.quotas if _matches(one, state.search)]
    keys = {
        "resource": lambda one: (one.meter.resource, one.project),
        "project": lambda one: (one.project, one.meter.resource),
        "used": lambda one: one.meter.used,
        "limit": lambda one: one.meter.limit,
        "taken": lambda one: one.meter.percent,
    }
    return visit.page(
        "users/user.html",
        found=found,
        user=found.user,
        path=path_of(found.user),
        here=path,
        quotas=page_of_list(state, shown, keys),
        is_long=len(found.quotas) > QUOTAS_OF_A_PAGE,
        resources=resources,
        has_mail=visit.service.has_mail,
        is_self=found.user.uuid == visit.user.uuid,
    )


def _matches(one: ShownQuota, search: str) -> bool:
    texts = (one.meter.resource, one.meter.description, one.project)
    return all(any(word in text.lower() for text in texts) for word in search.lower().split())


def _find(connection: Connection, visit: UserVisit, resources: Mapping[str, Resource]) -> Found:
    user, now = visited_user(connection, visit), visit.site.now
    known = memberships.list_of_user(connection, user.uuid)
    names = _Names(connection, user)
    about = events.read(connection, events.Wanted(subject=user.uuid), LATEST, newest_first=True)
    history = read_history(connection, Wanted(holder=user_holder(user.uuid)), LATEST)
    is_admin = is_administrator(connection, user)
    return Found(
        user=user,
        state=state_of(user),
        record=user_records.find(connection, user.id),
        groups=users.names_of_groups(connection, user.id),
        is_administrator=is_admin,
        is_erased=is_erased(user),
        has_password=users.find_password_hash(connection, user.uuid) is not None,
        has_project=projects.find(connection, user.uuid) is not None,
        quotas=list(_quotas(connection, user, resources, names, now)),
        projects=[
            ShownMembership(
                names.of(one.project),
                one.project,
                one.state,
                is_owner=names.owner_of(one.project) == user.uuid,
            )
            for one in known[:PROJECTS_SHOWN]
            if one.project != user.uuid
        ],
        has_more_projects=len(known) > PROJECTS_SHOWN,
        sessions=[
            ShownSession(one, browser_name(one.agent))
            for one in sessions.list_of_user(connection, user.id, now)
        ],
        keys=api_keys.list_of_user(connection, user.id),
        events=named_events(connection, about),
        charges=history.entries,
        grants=grants_of(connection, user_holder(user.uuid), resources, now),
        decisions=decisions_about(user, is_administrator=is_admin),
    )


class _Names:
    """The names and owners of projects, each of which is looked up once."""

    def __init__(self, connection: Connection, user: User) -> None:
        self._connection = connection
        self._user = user
        self._found: dict[str, tuple[str, str | None]] = {}

    def of(self, uuid: str) -> str:
        return self._one(uuid)[0]

    def owner_of(self, uuid: str) -> str | None:
        return self._one(uuid)[1]

    def _one(self, uuid: str) -> tuple[str, str | None]:
        if uuid not in self._found:
            project = None if uuid == self._user.uuid else projects.find(self._connection, uuid)
            self._found[uuid] = (OWN_PROJECT, uuid) if project is None else (project.name, project.owner)
        return self._found[uuid]


def _quotas(
    connection: Connection, user: User, resources: Mapping[str, Resource], names: _Names, now: int
) -> Sequence[ShownQuota]:
    """Returns all limits of the user, but for grants, and where they may use nothing and do not."""
    shown = []
    for quota in quotas.service_quotas(connection, None, [user.uuid], None, now):
        if base_of_grant(quota.resource) is not None:
            continue
        meter = meter_of(quota, resources.get(quota.resource), quota.member_level)
        is_own = quota.project == user.uuid
        if is_own or meter.limit > 0 or meter.taken > 0:
            shown.append(ShownQuota(meter, names.of(quota.project), is_own))
    return shown


ROUTES = (administrator_page(ONE, user_page),)
