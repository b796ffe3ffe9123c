"""Adds, replaces and revokes the tokens of components, so that none need be replaced in one moment.

Each component has a token of its own, which is called `default` here, and can have others with names.
"""

import os
import re
from collections.abc import Sequence

from astakos.administration.state_document import StateError
from astakos.clock import DAY
from astakos.directory.entities import Component
from astakos.directory.tokens import new_token, token_hash
from astakos.events.event import Actor, Event
from astakos.storage.protocol import Connection
from astakos.storage.tables import clock_records, component_tokens, events, registry
from astakos.storage.tables.component_tokens import ComponentToken

DEFAULT = "default"
REPLACED = "-replaced"
"""The end of the name of a token that was replaced, while it is still valid."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MOST_TOKENS = 20
LONGEST_OVERLAP = 30 * DAY


def find_component(connection: Connection, name: str) -> Component:
    """Finds a component by name.

    Raises:
        StateError: there is none.
    """
    component = registry.find_component(connection, name)
    if component is None:
        raise StateError(f"there is no component {name!r}", "`astakos component list` shows all")
    return component


def replace_token(
    connection: Connection,
    actor: Actor,
    component: str,
    now: int,
    *,
    name: str = DEFAULT,
    expires: int | None = None,
    overlap: int = 0,
) -> str:
    """Gives a component a token with a name, in place of the one that has it, and returns the token.

    Args:
        connection: a connection in a transaction.
        actor: who does it.
        component: the name of the component.
        now: the current instant.
        name: the name of the token.
        expires: when it ends; None for never.
        overlap: for how long the token that it replaces is still valid, in microseconds.

    Raises:
        StateError: there is no such component, or it cannot have such a token.
    """
    known = find_component(connection, component)
    refuse_token_name(name)
    if expires is not None and expires <= now:
        raise StateError("the token must end in the future")
    if not 0 <= overlap <= LONGEST_OVERLAP:
        raise StateError(f"the overlap must be from 0 seconds to {LONGEST_OVERLAP // DAY} days")
    if not clock_records.is_held(connection):
        component_tokens.delete_ended(connection, known.id, now)
    present = _present(connection, known, name)
    if present is not None:
        component_tokens.delete(connection, known.id, name + REPLACED)
    token = new_token(os.urandom)
    if name == DEFAULT:
        registry.set_component_token(connection, component, token_hash(token), now, expires)
    else:
        component_tokens.save(connection, known.id, ComponentToken(name, token_hash(token), now, expires))
    if present is not None and overlap:
        ends = now + overlap if present.expires is None else min(present.expires, now + overlap)
        component_tokens.save(connection, known.id, present._replace(name=name + REPLACED, expires=ends))
    if len(component_tokens.list_of(connection, known.id)) > MOST_TOKENS:
        raise StateError(f"a component can have {MOST_TOKENS} named tokens; revoke one first")
    after = {"component": component} | _told(name)
    if present is None and name != DEFAULT:
        events.record(connection, Event("component.token_added", actor, after=after), now)
    else:
        events.record(connection, Event("component.token_renewed", actor, after=after), now)
    return token


def revoke_token(connection: Connection, actor: Actor, component: str, name: str, now: int) -> None:
    """Ends a token of a component.

    Raises:
        StateError: there is no such component or token.
    """
    known = find_component(connection, component)
    if _present(connection, known, name) is None:
        raise StateError(f"{component} has no token {name!r}")
    if name == DEFAULT:
        registry.end_component_token(connection, component)
    else:
        component_tokens.delete(connection, known.id, name)
    after = {"component": component} | _told(name)
    events.record(connection, Event("component.token_revoked", actor, after=after), now)


def list_tokens(connection: Connection, component: Component) -> list[ComponentToken]:
    """Lists the tokens of a component, its own first."""
    own = _present(connection, component, DEFAULT)
    named = component_tokens.list_of(connection, component.id)
    return named if own is None else [own, *named]


def ends_earlier(tokens: Sequence[ComponentToken], name: str, now: int) -> bool:
    """Whether replacing one of a component's tokens ends another one that was replaced and is still valid."""
    valid = {one.name for one in tokens if one.expires is None or one.expires > now}
    return name + REPLACED in valid and any(one.name == name for one in tokens)


def refuse_token_name(name: str) -> None:
    """Checks the name of a token.

    Raises:
        StateError: no token can have it.
    """
    if not NAME.fullmatch(name) or name.endswith(REPLACED):
        raise StateError(
            "the name of a token consists of up to 64 ASCII letters, digits and . _ -, begins with a letter "
            f"or digit, and does not end in {REPLACED}"
        )


def _present(connection: Connection, component: Component, name: str) -> ComponentToken | None:
    if name != DEFAULT:
        named = component_tokens.list_of(connection, component.id)
        return next((one for one in named if one.name == name), None)
    held = registry.find_component_token_hash(connection, component.name)
    if held is None:
        return None
    return ComponentToken(DEFAULT, held, component.token_created or 0, component.token_expires)


def _told(name: str) -> dict[str, str]:
    """Returns what the audit log tells of a token; nothing of the only one that most components have."""
    return {} if name == DEFAULT else {"token": name}
