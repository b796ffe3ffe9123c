"""`ui/admin/services/components/<name>`: one component, with its services, resources and tokens."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from astakos.administration.component_tokens import (
    DEFAULT,
    REPLACED,
    ends_earlier,
    list_tokens,
    replace_token,
    revoke_token,
)
from astakos.administration.state_document import StateError
from astakos.clock import MICROSECONDS
from astakos.directory.charging_rights import ALL
from astakos.directory.entities import Component, Service
from astakos.directory.service_catalog import OWN_COMPONENT
from astakos.events.event import Actor
from astakos.http.pages.page_kinds import administrator_action, administrator_making, administrator_page
from astakos.http.pages.services.visited import (
    ANY_NAME,
    COMPONENT,
    change,
    component_path,
    resource_path,
    unless_refused,
    visited_component,
)
from astakos.http.pages.visits import Question, UserVisit
from astakos.http.request import Answer
from astakos.pages.instants import shown
from astakos.storage.protocol import Connection
from astakos.storage.tables import registry
from astakos.storage.tables.component_tokens import ComponentToken

HOUR: Final = 3600 * MICROSECONDS
OVERLAPS: Final = (
    ("0", "not at all"),
    ("1", "1 hour"),
    ("24", "24 hours"),
    ("168", "7 days"),
    ("720", "30 days"),
)
USUAL_OVERLAP: Final = "24"
LONGEST_TOKEN_NAME: Final = 80
MADE_ALREADY: Final = (
    "You have already sent this form. It made one token, which was shown once and is not stored. If "
    "nobody has it, revoke it and make another. The one before stays valid as chosen."
)
MADE: Final = "made"
"""The field that says when the token was made that a form is about: sent again, it is about another one."""


class Found(NamedTuple):
    """What the page reads."""

    component: Component
    services: Sequence[Service]
    resources: Sequence[tuple[str, str]]
    tokens: Sequence[ComponentToken]
    charges: str


async def component_page(visit: UserVisit) -> Answer:
    """Shows the page."""
    found = await visit.service.read(_find, visit)
    return visit.page(
        "services/component.html",
        found=found,
        component=found.component,
        path=component_path(found.component.name),
        is_own=found.component.name == OWN_COMPONENT,
        overlaps=OVERLAPS,
        overlap=USUAL_OVERLAP,
        default=DEFAULT,
        made=_made(found.tokens, DEFAULT),
    )


def _find(connection: Connection, visit: UserVisit) -> Found:
    component = visited_component(connection, visit)
    return Found(
        component,
        [one for one in registry.list_services(connection) if one.component.id == component.id],
        [(name, resource_path(name)) for name in sorted(registry.resources_of(connection, component.id))],
        list_tokens(connection, component),
        _charges(component),
    )


def _charges(component: Component) -> str:
    right = component.may_charge
    if right is None or right == ALL:
        return "all resources"
    return ", ".join(("its own resources", *right))


def _made(tokens: Sequence[ComponentToken], name: str) -> str:
    """Returns when a token was made, as `MADE` says it; "" if there is none of this name."""
    return next((str(one.created) for one in tokens if one.name == name), "")


def _require_same(connection: Connection, visit: UserVisit, component: Component, name: str) -> None:
    """Refuses a form about a token that has been replaced since the form was shown.

    Raises:
        StateError: It has been; nothing is changed.
    """
    made = _made(list_tokens(connection, component), name)
    if made == visit.form.get(MADE, ""):
        return
    if not made:
        raise StateError(f"nothing was changed: {component.name} has no token {name!r} any more")
    raise StateError(
        f"nothing was changed: the present token {name!r} was made on "
        f"{shown(int(made), visit.site.zone)}, after you opened the form. "
        "If nobody has that token, revoke it and make another; the one before it stays valid as chosen"
    )


async def rotate(visit: UserVisit) -> Answer:
    """Replaces a token; the new one is shown once, and the old one is valid for the overlap."""
    given = visit.form.get("overlap", "")
    hours = next((hours for hours, _ in OVERLAPS if hours == given), USUAL_OVERLAP)
    name = visit.form.get("token", DEFAULT)[:LONGEST_TOKEN_NAME]
    component, _, _, tokens, _ = await visit.service.read(_find, visit)
    path = component_path(component.name)
    if not visit.is_confirmed and ends_earlier(tokens, name, visit.site.now):
        lines = [
            f"The token “{name}{REPLACED}” is still valid and ends now. Give programs the present one first.",
            f"If nobody has the present one, revoke “{name}” first: “{name}{REPLACED}” then stays valid.",
        ]
        return visit.ask(Question("Make yet another token?", lines, "Make a new token", path))

    def act(connection: Connection, actor: Actor) -> str:
        _require_same(connection, visit, visited_component(connection, visit), name)
        now = visit.service.now()
        return replace_token(connection, actor, component.name, now, name=name, overlap=int(hours) * HOUR)

    secret = await unless_refused(visit.make(act, place=lambda _: path, again=MADE_ALREADY))
    return visit.page(
        "services/token.html",
        component=component,
        secret=secret,
        overlap="" if hours == "0" else dict(OVERLAPS)[hours],
        path=path,
    )


async def revoke(visit: UserVisit) -> Answer:
    """Ends a token, after asking."""
    component = await visit.service.read(visited_component, visit)
    name, path = visit.form.get("token", "")[:LONGEST_TOKEN_NAME], component_path(component.name)
    if not visit.is_confirmed:
        lines = [f"Calls of {component.name} with it are refused at once. This cannot be undone."]
        return visit.ask(Question(f"Revoke the token “{name}”?", lines, "Revoke", path))

    def act(connection: Connection, actor: Actor) -> None:
        _require_same(connection, visit, visited_component(connection, visit), name)
        revoke_token(connection, actor, component.name, name, visit.service.now())

    await change(visit, act)
    return visit.done(f"The token “{name}” has been revoked.", path)


ROUTES = (
    administrator_making(f"{COMPONENT}/{{name}}/token", rotate, ANY_NAME),
    administrator_action(f"{COMPONENT}/{{name}}/revoke-token", revoke, ANY_NAME),
    # The last, because it takes what none of the others does.
    administrator_page(f"{COMPONENT}/{{name}}", component_page, ANY_NAME),
)
