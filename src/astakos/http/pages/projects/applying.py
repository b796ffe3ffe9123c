"""`ui/projects/apply` and `ui/projects/<uuid>/change`: asking for a project, and for changes to one.

Whoever decides about projects changes them at once, without an application.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from astakos.administration.named_projects import find_project
from astakos.administration.project_changes import (
    change_project,
    create_project,
    invalid_fields,
    modify_project,
)
from astakos.administration.state_document import StateError
from astakos.directory.entities import Resource
from astakos.directory.redirects import is_web_address
from astakos.events.event import Actor
from astakos.http.faults import ItemNotFound
from astakos.http.pages.page_kinds import user_making, user_page
from astakos.http.pages.projects import project_form
from astakos.http.pages.projects.project_form import Read
from astakos.http.pages.projects.project_limits import JOINING, LEAVING, limits_of, visible_resources
from astakos.http.pages.projects.visited_project import (
    PROJECTS,
    VisitedProject,
    sentence,
    visited_project,
)
from astakos.http.pages.refusals import NO_PAGE
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.projects.limits import default_capacity
from astakos.projects.project import ApplicationState, Capacity, Project
from astakos.projects.refusals import ProjectRefusedError
from astakos.projects.specification import Specification
from astakos.projects.visibility import sees
from astakos.storage.protocol import Connection
from astakos.storage.tables import memberships, projects, registry

REFUSED: Final = 422
FIND: Final = "find"
NO_WEB_ADDRESS: Final = (
    "Write an address that begins with https:// or http://, for example https://lab.example.org."
)
NO_LATER_DAY: Final = "The project must end in the future. Choose a later day."
SENT_ALREADY: Final = "You have already sent this form. Nothing was sent a second time."
OF_ALL: Final = "all"
"""The name of an error that belongs to no field."""


class Basis(NamedTuple):
    """What a form starts from.

    Attributes:
        seen: The project that shall change; None for a new one.
        resources: What can be asked for.
        present: What holds of each without anything said.
        used: What the project uses of each.
    """

    seen: VisitedProject | None
    resources: Mapping[str, Resource]
    present: Mapping[str, Capacity]
    used: Mapping[str, int]

    @property
    def project(self) -> Project | None:
        """The project that shall change."""
        return None if self.seen is None else self.seen.project


def _new(connection: Connection) -> Basis:
    resources = visible_resources(registry.list_resources(connection))
    usual = {name: default_capacity(one, system_project=False) for name, one in resources.items()}
    return Basis(None, resources, usual, {})


def _existing(connection: Connection, visit: UserVisit) -> Basis:
    seen = visited_project(connection, visit)
    if not seen.permitted.changes:
        raise ItemNotFound(NO_PAGE)
    resources = visible_resources(registry.list_resources(connection))
    limits = limits_of(connection, seen.project, resources, visit.site.now)
    present = {name: Capacity(0, 0) for name in resources}
    present |= {one.resource.name: one.granted for one in limits if one.granted is not None}
    return Basis(seen, resources, present, {one.resource.name: one.meter.taken for one in limits})


async def application_form(visit: UserVisit) -> Answer:
    """Shows the form for a new project."""
    return _page(visit, await visit.service.read(_new), project_form.values_of(None), {})


async def apply(visit: UserVisit) -> Answer:
    """Applies for a new project."""
    basis = await visit.service.read(_new)
    if visit.form.get("do") == FIND:
        return _page(visit, basis, visit.form, {})
    asked, errors = await visit.service.read(_read, visit, basis)
    if errors:
        return _page(visit, basis, visit.form, errors, REFUSED)
    now = visit.site.now
    try:
        made = await visit.make(
            lambda connection, actor: create_project(connection, actor, asked, now),
            place=lambda application: f"{PROJECTS}/{application.project}",
            again=SENT_ALREADY,
        )
    except ProjectRefusedError as refusal:
        return _page(visit, basis, visit.form, {OF_ALL: sentence(refusal.message)}, refusal.kind.value)
    return visit.done("Your application waits for a decision.", f"{PROJECTS}/{made.project}")


async def change_form(visit: UserVisit) -> Answer:
    """Shows the form for changes, with what has been asked for already."""
    basis = await visit.service.read(_existing, visit)
    values = project_form.values_of(basis.project)
    last = None if basis.seen is None else basis.seen.application
    if last is not None and last.state is ApplicationState.PENDING and basis.project is not None:
        changed = dict(last.changes)
        after = {name: changed.get(name, getattr(basis.project, name)) for name in basis.project.__slots__}
        values = project_form.values_of(Project(**after))
        values["comments"] = last.comments or ""
        if last.start_date is not None:
            values["start_date"] = project_form.date_of(last.start_date)
        values |= project_form.asked_texts(last.resources, basis.resources, visit.site.preferences)
    return _page(visit, basis, values, {})


async def send_changes(visit: UserVisit) -> Answer:
    """Asks for changes to a project; whoever decides about projects makes them."""
    basis = await visit.service.read(_existing, visit)
    seen = basis.seen
    assert seen is not None  # noqa: S101 - changes are those of a project
    if visit.form.get("do") == FIND:
        return _page(visit, basis, visit.form, {})
    asked, errors = await visit.service.read(_read, visit, basis)
    if errors:
        return _page(visit, basis, visit.form, errors, REFUSED)
    if not asked.given - {"comments", "start_date"}:
        return _page(visit, basis, visit.form, {OF_ALL: "Nothing would change."}, REFUSED)
    uuid, now, reason = seen.project.uuid, visit.site.now, visit.reason
    at_once = seen.permitted.changes_at_once

    def work(connection: Connection, actor: Actor) -> None:
        if at_once:
            change_project(connection, actor, uuid, asked, reason, now)
        else:
            modify_project(connection, actor, uuid, asked, now)

    try:
        await visit.make(work, place=lambda _: seen.path, again=SENT_ALREADY)
    except ProjectRefusedError as refusal:
        return _page(visit, basis, visit.form, {OF_ALL: sentence(refusal.message)}, refusal.kind.value)
    told = "The project is changed." if at_once else "Your application waits for a decision."
    return visit.done(told, seen.path)


def _read(connection: Connection, visit: UserVisit, basis: Basis) -> Read:
    asked, errors = project_form.read(
        visit.form, basis.resources, basis.present, basis.project, visit.site.preferences
    )
    if basis.project is None:
        asked, errors = _with_parent(connection, visit, asked, errors)
    for name, message in invalid_fields(connection, asked, visit.site.now, basis.project).items():
        said = NO_LATER_DAY if name == "end_date" else sentence(message)
        errors.setdefault(name if name != "resources" else OF_ALL, said)
    if asked.homepage and not is_web_address(asked.homepage):
        errors.setdefault("homepage", NO_WEB_ADDRESS)
    if asked.name and _is_known_to_be_taken(connection, visit, asked.name, basis.project):
        errors.setdefault("name", f"Another project has the name {asked.name}. Choose another name.")
    return Read(asked, errors)


def _is_known_to_be_taken(
    connection: Connection, visit: UserVisit, name: str, project: Project | None
) -> bool:
    """Whether another project has a name; False if the visitor does not see that project."""
    uuid = projects.find_holder_of_name(connection, name, "" if project is None else project.uuid)
    namesake = None if uuid is None else projects.find(connection, uuid)
    return namesake is not None and _is_seen(connection, visit, namesake)


def _is_seen(connection: Connection, visit: UserVisit, project: Project) -> bool:
    membership = memberships.find_of(connection, visit.user.uuid, project.uuid)
    return sees(visit.actor(connection), project, membership.state if membership else None)


def _with_parent(
    connection: Connection, visit: UserVisit, asked: Specification, errors: dict[str, str]
) -> Read:
    text = visit.form.get("parent", "").strip()
    if not text:
        return Read(asked, errors)
    try:
        parent = find_project(connection, text)
        is_seen = _is_seen(connection, visit, parent)
    except StateError:
        is_seen = False
    # Names lead only to projects that the visitor sees; whoever knows the UUID of another may name that.
    if not is_seen and projects.find(connection, text.lower()) is None:
        errors["parent"] = "There is no such project. Write its name, or its UUID."
        return Read(asked, errors)
    uuid = parent.uuid if is_seen else text.lower()
    return Read(replace(asked, parent=uuid), errors)


def _page(
    visit: UserVisit, basis: Basis, values: Mapping[str, str], errors: Mapping[str, str], status: int = 200
) -> Answer:
    seen = basis.seen
    return visit.page(
        "projects/form.html",
        status=status,
        form=project_form.shown(values, errors, basis.resources, basis.present),
        seen=seen,
        project=basis.project,
        is_new=seen is None,
        at_once=seen is not None and seen.permitted.changes_at_once,
        used=basis.used,
        joining=[(one.value, text) for one, text in JOINING.items()],
        leaving=[(one.value, text) for one, text in LEAVING.items()],
        tab="",
    )


ROUTES = (
    user_page(f"{PROJECTS}/apply", application_form),
    user_making(f"{PROJECTS}/apply/send", apply),
    user_page(f"{PROJECTS}/{{uuid}}/change", change_form),
    user_making(f"{PROJECTS}/{{uuid}}/change/send", send_changes),
)
