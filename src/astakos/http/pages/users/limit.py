"""`ui/admin/users/<uuid>/limit`: changes one limit of a user's own project, after saying what that does."""

from collections.abc import Mapping
from typing import NamedTuple

from astakos.administration.limit_previews import LimitPreview, preview_limit
from astakos.administration.state_document import StateError
from astakos.administration.user_limits import set_capacity
from astakos.directory.entities import Resource, User
from astakos.events.event import Actor
from astakos.http.faults import ItemNotFound
from astakos.http.pages.page_kinds import administrator_action, administrator_page
from astakos.http.pages.refusals import NO_PAGE
from astakos.http.pages.users.visited_user import ONE, change_user, path_of, visited_user
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.ledger.rules import UNLIMITED
from astakos.pages.amounts import read_amount, written
from astakos.pages.sentences import sentence
from astakos.projects.project import Capacity
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects, registry


class Present(NamedTuple):
    """A limit as it is."""

    user: User
    resource: Resource
    limit: int


async def limit(visit: UserVisit) -> Answer:
    """Shows the limit and the form; and, with a new limit, what that would do."""
    return await _shown(visit, visit.request.query)


async def _shown(visit: UserVisit, given: Mapping[str, str], error: str = "") -> Answer:
    present = await visit.service.read(_present, visit, given.get("resource", ""))
    user, resource = present.user, present.resource
    text = given.get("limit", "")
    preview = None
    if text and not error:
        try:
            quantity = read_amount(text, visit.site.preferences, resource.unit, resource.scale)
            preview = await visit.service.read(_preview, present, quantity, visit.site.now)
        except (ValueError, StateError) as refusal:
            error = sentence(str(refusal))
    return visit.page(
        "users/limit.html",
        status=422 if error else 200,
        user=user,
        path=path_of(user),
        resource=resource,
        limit=present.limit,
        given=text or written(present.limit, visit.site.preferences, resource.unit, resource.scale),
        preview=preview,
        is_unlimited=preview is not None and preview.after == UNLIMITED,
        error=error,
    )


def _present(connection: Connection, visit: UserVisit, name: str) -> Present:
    user = visited_user(connection, visit)
    resource = registry.find_resource(connection, name)
    if resource is None or projects.find(connection, user.uuid) is None:
        raise ItemNotFound(NO_PAGE)
    capacity = projects.capacities_of(connection, user.uuid).get(name)
    return Present(user, resource, resource.system_default if capacity is None else capacity.project)


def _preview(connection: Connection, present: Present, quantity: int, now: int) -> LimitPreview:
    return preview_limit(connection, present.user, present.resource.name, quantity, now)


async def change(visit: UserVisit) -> Answer:
    """Sets the limit."""
    _, resource, _ = await visit.service.read(_present, visit, visit.form.get("resource", ""))
    try:
        quantity = read_amount(
            visit.form.get("limit", ""), visit.site.preferences, resource.unit, resource.scale
        )
    except ValueError as error:
        return await _shown(visit, visit.form, sentence(str(error)))

    def act(connection: Connection, actor: Actor, user: User) -> User:
        capacity = Capacity(quantity, quantity)
        set_capacity(connection, actor, user.uuid, resource.name, capacity, visit.service.now())
        return user

    user = await change_user(visit, act)
    amount = written(quantity, visit.site.preferences, resource.unit, resource.scale)
    return visit.done(f"The limit of {resource.name} is now {amount}.", path_of(user))


ROUTES = (
    administrator_page(f"{ONE}/limit", limit),
    administrator_action(f"{ONE}/limit/set", change),
)
