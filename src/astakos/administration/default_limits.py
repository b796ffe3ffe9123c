"""Lets existing users follow a new default limit of a resource.

A default is copied into the project of each new user. Users who still have it can follow when it changes.
There can be a million of them, so this takes a transaction for every few thousand projects, and the default
itself changes last: whoever is interrupted starts again, and nobody is forgotten.
"""

from functools import partial
from typing import NamedTuple

from astakos.administration.journal import Journal
from astakos.administration.state_document import StateError
from astakos.administration.unknown_resources import no_such_resource
from astakos.directory.entities import Resource
from astakos.events.event import Actor
from astakos.ledger.rules import UNLIMITED
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import default_limits, projects, registry


class DefaultPreview(NamedTuple):
    """What a new default means for existing users who follow it.

    Attributes:
        before: the default so far.
        after: the new one.
        following: how many users have the default, and would follow.
        others: how many have another limit, and keep it.
        above: how many of those who would follow use more than the new limit; they keep what they use, and
            get nothing more until they use less.
        looked_at: among how many users this was counted, the newest; None if among all.
    """

    before: int
    after: int
    following: int
    others: int
    above: int
    looked_at: int | None = None


def preview_default(
    connection: Connection, name: str, limit: int, *, is_bounded: bool = False
) -> DefaultPreview:
    """Returns what a new default of a resource means for existing users, if they follow it.

    Args:
        connection: where to read.
        name: the name of the resource.
        limit: the new default.
        is_bounded: whether to count only among the newest users if there are many, so that nobody waits.

    Raises:
        StateError: there is no such resource, or it cannot have this default.
    """
    resource = _resource(connection, name, limit)
    before = resource.system_default
    since, number = default_limits.find_newest(connection) if is_bounded else (0, 0)
    looked_at = number if number == default_limits.MOST_LOOKED_AT else None
    if looked_at is None:
        since, number = 0, projects.count(connection, system_projects=True)
    following = default_limits.count_following(connection, resource.id, before, since=since)
    above = 0
    if limit < before:
        above = default_limits.count_above(connection, resource.id, name, before, limit, since=since)
    return DefaultPreview(before, limit, following, number - following, above, looked_at)


def follow_page(
    connection: Connection, actor: Actor, name: str, limit: int, now: int, *, after: int = 0
) -> int | None:
    """Lets some of the users who have the default of a resource follow a new one, within a transaction.

    Call this until it returns None, each time in a transaction of its own, and then set the default. The
    audit log tells of each transaction, and of how many users it changed.

    Args:
        connection: a connection in a transaction.
        actor: who changes the default.
        name: the name of the resource.
        limit: the new default.
        now: the time of the change.
        after: what the call before has returned.

    Returns:
        Where to go on; None if all users have followed.

    Raises:
        StateError: there is no such resource, or it cannot have this default.
    """
    return follow_some(connection, actor, _resource(connection, name, limit), limit, now, after=after)[1]


def follow_some(
    connection: Connection, actor: Actor, resource: Resource, limit: int, now: int, *, after: int
) -> tuple[int, int | None]:
    """Does what `follow_page` does; returns how many users have followed as well, before where to go on."""
    before, name = resource.system_default, resource.name
    changed, end = default_limits.change_page(connection, resource.id, name, before, limit, after)
    if changed and before != limit:
        with Journal(connection, actor, now) as journal:
            journal.note(
                "resource.default_followed",
                before={"limit": before},
                after={"resource": name, "limit": limit, "users": changed},
            )
    return changed, end


def follow_default(database: Database, actor: Actor, name: str, limit: int, now: int) -> None:
    """Lets all users who have the default of a resource follow a new one, which is set afterwards.

    Raises:
        StateError: there is no such resource, or it cannot have this default.
    """
    after: int | None = 0
    while after is not None:
        after = database.change(
            partial(follow_page, actor=actor, name=name, limit=limit, now=now, after=after)
        )


def _resource(connection: Connection, name: str, limit: int) -> Resource:
    resource = registry.find_resource(connection, name)
    if resource is None:
        raise StateError(no_such_resource(connection, name))
    if not 0 <= limit <= UNLIMITED:
        raise StateError(f"a limit must be from 0 to {UNLIMITED}")
    return resource
