"""Lets users follow a new default limit step by step, with a state that everybody can look at.

There can be a million users, so a change of the default that they follow is noted first. Each step is a
transaction that takes some thousand users and notes how far it has come; the last one sets the default. Steps
are taken by whoever has asked, as long as that takes no time, and then by the housekeeping of the service.
Whatever ends in between, the next step goes on.
"""

import contextlib
import functools
import logging
from collections.abc import Callable

import msgspec

from astakos.administration.default_limits import follow_some
from astakos.administration.journal import Journal
from astakos.administration.load import load_within
from astakos.administration.registered_entries import entry_of_resource
from astakos.administration.state_document import StateDocument, StateError
from astakos.administration.unknown_resources import no_such_resource
from astakos.directory.entities import Resource
from astakos.events.event import SERVICE, Actor
from astakos.ledger.rules import UNLIMITED
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import registry, settings
from astakos.storage.tables.meters import find_definitions

CHANGED_MEANWHILE = "the default was changed to something else"
STOPPED_BY_HAND = "an administrator stopped it"

log = logging.getLogger("astakos.administration")


class Following(msgspec.Struct, frozen=True):
    """Users who follow a new default, and how far that has come.

    Attributes:
        resource: the name of the resource.
        before: the default that they have.
        limit: the one that they get.
        began: when it was asked for.
        stepped: when the last step was taken.
        user: the uuid of the administrator who has asked for it; None for an operator.
        origin: where they were.
        after: the id of the last project that was looked at.
        users: how many have followed so far.
        stopped: why it was stopped; "" while it goes on.
    """

    resource: str
    before: int
    limit: int
    began: int
    stepped: int
    user: str | None
    origin: str
    after: int = 0
    users: int = 0
    stopped: str = ""

    @property
    def goes_on(self) -> bool:
        """Whether users are still to follow."""
        return not self.stopped


def list_following(connection: Connection) -> dict[str, Following]:
    """Returns all changes that go on or were stopped, by resource."""
    stored = settings.find(connection, settings.FOLLOWING, {})
    return {name: msgspec.convert(one, Following) for name, one in stored.items()}


def find_following(connection: Connection, name: str) -> Following | None:
    """Returns the change of the default of a resource that goes on or was stopped, if any."""
    return list_following(connection).get(name)


def start_following(connection: Connection, actor: Actor, name: str, limit: int, now: int) -> Following:
    """Notes that all users who have the default of a resource shall follow a new one.

    Raises:
        StateError: there is no such resource, it cannot have this default, or users follow another one now.
    """
    resource = _resource(connection, name)
    if not 0 <= limit <= UNLIMITED:
        raise StateError(f"a limit must be from 0 to {UNLIMITED}")
    require_quiet(connection, name)
    started = Following(name, resource.system_default, limit, now, now, actor.user, actor.origin)
    _save(connection, started)
    return started


def take_step(connection: Connection, name: str, now: int) -> Following | None:
    """Lets some more users follow; the last step sets the default.

    Returns:
        How far it has come; None if all have followed, or nobody is to.
    """
    found = find_following(connection, name)
    if found is None or not found.goes_on:
        return found
    resource = _resource(connection, name)
    actor = Actor(found.user, found.origin, is_project_admin=True)
    if resource.system_default != found.before:
        return _stop(connection, SERVICE, found, CHANGED_MEANWHILE, now)
    changed, end = follow_some(connection, actor, resource, found.limit, now, after=found.after)
    users = found.users + changed
    if end is not None:
        going_on = msgspec.structs.replace(found, after=end, users=users, stepped=now)
        _save(connection, going_on)
        return going_on
    entry = entry_of_resource(resource, find_definitions(connection).get(name))
    entry = msgspec.structs.replace(entry, system_default=found.limit)
    _forget(connection, name)
    load_within(connection, StateDocument(resources=[entry]), now, actor)
    return None


def stop_following(connection: Connection, actor: Actor, name: str, now: int) -> Following:
    """Lets nobody else follow. Whoever has followed keeps the new limit, and the default stays.

    Raises:
        StateError: nobody follows a new default now.
    """
    found = find_following(connection, name)
    if found is None or not found.goes_on:
        raise StateError(f"nobody follows a new default of {name} now")
    return _stop(connection, actor, found, STOPPED_BY_HAND, now)


def follow_defaults(database: Database, now: int, is_stopped: Callable[[], bool] = lambda: False) -> None:
    """Takes all steps that are left, of all resources.

    Args:
        database: the database; it need not be open for reading on this thread.
        now: the current instant, by a clock that is known to be right.
        is_stopped: asked between two steps; whether to leave the others for later. May wait, to let other
            writers have their turn.

    Raises:
        StorageUnavailableError: the database cannot be written now.
    """
    with contextlib.closing(database.connect()) as connection:
        known = list_following(connection)
    for name, found in known.items():
        left: Following | None = found
        while left is not None and left.goes_on and not is_stopped():
            left = database.change(functools.partial(take_step, name=name, now=now))
        if left is not None and found.goes_on and left.stopped:
            log.warning("users no longer follow the new default of %s: %s", name, left.stopped)


def require_quiet(connection: Connection, name: str) -> None:
    """Requires that no users follow a new default of a resource in the background.

    Raises:
        StateError: some do.
    """
    found = find_following(connection, name)
    if found is not None and found.goes_on:
        raise StateError(f"users follow another default of {name} at the moment; wait, or stop that first")


def _stop(connection: Connection, actor: Actor, found: Following, reason: str, now: int) -> Following:
    stopped = msgspec.structs.replace(found, stopped=reason, stepped=now)
    _save(connection, stopped)
    with Journal(connection, actor, now) as journal:
        after = {"resource": found.resource, "limit": found.limit, "users": found.users}
        before = {"limit": found.before}
        journal.note("resource.default_follow_stopped", reason=reason, before=before, after=after)
    return stopped


def _save(connection: Connection, following: Following) -> None:
    stored = settings.find(connection, settings.FOLLOWING, {})
    settings.save(
        connection, settings.FOLLOWING, {**stored, following.resource: msgspec.to_builtins(following)}
    )


def _forget(connection: Connection, name: str) -> None:
    stored = settings.find(connection, settings.FOLLOWING, {})
    settings.save(connection, settings.FOLLOWING, {one: stored[one] for one in stored if one != name})


def _resource(connection: Connection, name: str) -> Resource:
    resource = registry.find_resource(connection, name)
    if resource is None:
        raise StateError(no_such_resource(connection, name))
    return resource
