"""`ui/admin/grants` and `<user or project>/grant`: administrators give grants, and withdraw them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from astakos.administration.grants import GrantPlace, add_grant, place_of, revoke_grant
from astakos.administration.journal import Journal
from astakos.administration.reasons import require_reason
from astakos.administration.state_document import StateError
from astakos.directory.entities import Resource
from astakos.events.event import Actor
from astakos.http.faults import Conflict, ItemNotFound
from astakos.http.pages.grant_form import GrantForm, grantable
from astakos.http.pages.page_kinds import administrator_action, administrator_making, administrator_page
from astakos.http.pages.projects.visited_project import PROJECTS
from astakos.http.pages.refusals import NO_PAGE
from astakos.http.pages.shown_grants import ShownGrant, shown_grant
from astakos.http.pages.users.visited_user import USERS
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.http.routing import serial_of
from astakos.ledger.grants import MOST_PRIORITY
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.pages.amounts import written
from astakos.pages.sentences import sentence
from astakos.projects.project import DRAWING
from astakos.projects.refusals import ProjectRefusedError
from astakos.storage.protocol import Connection
from astakos.storage.tables import grants, memberships, projects, registry, users
from astakos.storage.tables.meters import find_definitions

GRANTS: Final = "/ui/admin/grants"
OF_USER: Final = f"{USERS}/{{uuid}}/grant"
OF_PROJECT: Final = f"{PROJECTS}/{{uuid}}/grant"
GIVEN_ALREADY: Final = "You have already sent this form. It gave this grant, and no second one."
NO_GRANT: Final = "There is no such grant."
MOST_PROJECTS: Final = 100
THEIR_OWN: Final = "Their own"
OF_ALL: Final = "all"
"""The name of an error that belongs to no field."""


class Holder(NamedTuple):
    """Who gets a grant.

    Attributes:
        name: What pages call the user or the project.
        path: The path of their page.
        user: The UUID of the user; None for a project as a whole.
        project: The UUID of the project; None for a user, who has it in one of `projects`.
        projects: Where the user can have it, by UUID: their own project first.
        resources: What there can be grants of, with the meters of each.
        known: All resources by name.
    """

    name: str
    path: str
    user: str | None
    project: str | None
    projects: Sequence[tuple[str, str]]
    resources: Mapping[str, Mapping[str, MeterDefinition]]
    known: Mapping[str, Resource]

    def place(self, resource: str, project: str) -> GrantPlace | None:
        """Returns where a grant is, of a resource in the chosen project; None if there is no such choice."""
        if self.user is None:
            return GrantPlace(None, self.project, resource)
        if project not in dict(self.projects):
            return None
        return GrantPlace(self.user, None if project == self.user else project, resource)


def _holder_of_user(connection: Connection, visit: UserVisit) -> Holder:
    user = users.find_by_uuid(connection, visit.request.parameter)
    if user is None or projects.find(connection, user.uuid) is None:
        raise ItemNotFound(NO_PAGE)
    others = [
        (one.project, found.name)
        for one in memberships.list_of_user(connection, user.uuid)[-MOST_PROJECTS:]
        if one.state in DRAWING and one.project != user.uuid
        for found in [projects.find(connection, one.project)]
        if found is not None
    ]
    offered = [(user.uuid, THEIR_OWN), *others]
    return _holder(connection, user.email, f"{USERS}/{user.uuid}", user.uuid, None, offered)


def _holder_of_project(connection: Connection, visit: UserVisit) -> Holder:
    project = projects.find(connection, visit.request.parameter)
    if project is None or project.system_project:
        raise ItemNotFound(NO_PAGE)
    return _holder(connection, project.name, f"{PROJECTS}/{project.uuid}", None, project.uuid, ())


def _holder(
    connection: Connection,
    name: str,
    path: str,
    user: str | None,
    project: str | None,
    offered: Sequence[tuple[str, str]],
) -> Holder:
    known = registry.list_resources(connection)
    resources = grantable(known, find_definitions(connection))
    return Holder(name, path, user, project, offered, resources, {one.name: one for one in known})


def _find_holder(connection: Connection, visit: UserVisit) -> Holder:
    is_user = visit.request.path.startswith(f"{USERS}/")
    return (_holder_of_user if is_user else _holder_of_project)(connection, visit)


async def grant(visit: UserVisit) -> Answer:
    """Shows the form; before that, asks what the grant is of, if there is a choice."""
    holder = await visit.service.read(_find_holder, visit)
    return _shown(visit, holder, _form(visit, holder, visit.request.query))


def _form(visit: UserVisit, holder: Holder, given: Mapping[str, str]) -> GrantForm | None:
    chosen = given.get("resource", "")
    if len(holder.resources) == 1:
        (chosen,) = holder.resources
    if chosen not in holder.resources:
        return None
    return GrantForm(holder.known[chosen], holder.resources[chosen], visit.site.preferences, given)


def _shown(visit: UserVisit, holder: Holder, form: GrantForm | None, status: int = 422) -> Answer:
    return visit.page(
        "grants/give.html",
        status=status if form is not None and form.errors else 200,
        holder=holder,
        form=form,
        path=f"{holder.path}/grant",
        most_priority=MOST_PRIORITY,
    )


async def give(visit: UserVisit) -> Answer:
    """Gives the grant."""
    holder = await visit.service.read(_find_holder, visit)
    form = _form(visit, holder, visit.form)
    if form is None:
        return _shown(visit, holder, None)
    resource, now = form.resource, visit.service.now()
    terms = form.terms(now)
    place = holder.place(resource.name, visit.form.get("project", ""))
    if place is None:
        form.errors["project"] = "Choose a project that they are in."
    if form.errors or place is None:
        return _shown(visit, holder, form)

    def change(connection: Connection, actor: Actor) -> int:
        with Journal(connection, actor, now) as journal:
            return add_grant(connection, journal, place, terms, now)

    try:
        number = await visit.make(change, place=lambda made: f"{GRANTS}/{made}", again=GIVEN_ALREADY)
    except StateError as error:
        form.errors[OF_ALL] = sentence(str(error))
        return _shown(visit, holder, form, status=409)
    amount = written(terms.amount, visit.site.preferences, resource.unit, resource.scale)
    return visit.done(f"Grant {number}: {amount} of {resource.name} for {holder.name}.", holder.path)


class Found(NamedTuple):
    """A grant, who has it, and the path of their page."""

    shown: ShownGrant
    holder: str
    path: str


def _find(connection: Connection, visit: UserVisit) -> Found:
    found = grants.find(connection, serial_of(visit.request.parameter) or 0)
    if not found:
        raise ItemNotFound(NO_GRANT)
    place = place_of(found[0].key)
    resources = {one.name: one for one in registry.list_resources(connection)}
    shown = shown_grant(connection, found[0], resources, visit.site.now)
    if place.user is not None:
        user = users.find_by_uuid(connection, place.user)
        return Found(shown, place.user if user is None else user.email, f"{USERS}/{place.user}")
    project = projects.find(connection, str(place.project))
    name = str(place.project) if project is None else project.name
    return Found(shown, name, f"{PROJECTS}/{place.project}")


async def one_grant(visit: UserVisit) -> Answer:
    """Shows a grant, and asks whether to withdraw it."""
    return await _one(visit)


async def _one(visit: UserVisit, error: str = "") -> Answer:
    found = await visit.service.read(_find, visit)
    values: dict[str, Any] = {"error": error, "reason": visit.form.get("reason", "")}
    return visit.page(
        "grants/grant.html",
        status=422 if error else 200,
        found=found,
        one=found.shown,
        **values,
    )


async def withdraw(visit: UserVisit) -> Answer:
    """Takes back what is left of a grant."""
    found = await visit.service.read(_find, visit)
    reason = visit.reason
    try:
        require_reason(reason)
    except ProjectRefusedError as refusal:
        return await _one(visit, sentence(refusal.message))
    number = found.shown.grant.number

    def change(connection: Connection, actor: Actor) -> int:
        with Journal(connection, actor, visit.service.now()) as journal:
            return revoke_grant(connection, journal, number, reason=reason).left

    try:
        left = await visit.change(change)
    except StateError as error:
        raise Conflict(sentence(str(error))) from error
    amount = written(left, visit.site.preferences, found.shown.unit, found.shown.scale)
    return visit.done(f"Grant {number} is withdrawn. {amount} of it were left.", found.path)


ROUTES = (
    administrator_page(OF_USER, grant),
    administrator_making(f"{OF_USER}/give", give),
    administrator_page(OF_PROJECT, grant),
    administrator_making(f"{OF_PROJECT}/give", give),
    administrator_page(f"{GRANTS}/{{serial}}", one_grant),
    administrator_action(f"{GRANTS}/{{serial}}/withdraw", withdraw),
)
