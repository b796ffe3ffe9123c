"""Counts what users have changed lately, in the audit log itself: once for all processes."""

from collections.abc import Iterator
from typing import NamedTuple

from astakos.clock import DAY
from astakos.events.change_allowance import (
    ALLOWANCES,
    APPLICATION,
    MEMBERSHIP,
    OF_APPLICATIONS,
    OF_MEMBERSHIP,
    PROTECTIVE,
    PROTECTIVE_FACTOR,
    TEXT_A_DAY,
    Allowance,
    TooManyApplicationsError,
    TooManyChangesError,
    TooManyChangesOfMembershipError,
    TooManyKeysError,
    allowance_of_keys,
)
from astakos.events.event import OPERATOR, Actor, Event
from astakos.storage.protocol import Connection
from astakos.storage.tables import settings, users

KEY_CREATED = "key.created"
# Two searches in an index, and then as many entries of one as the user has made events since.
COUNT = """
SELECT COUNT(*) FROM (
    SELECT id FROM events WHERE actor = ? AND id >= (
        SELECT id FROM events WHERE time > ? AND time <= ? ORDER BY time, id LIMIT 1
    ) LIMIT ?
) AS counted
"""
FIND_TIME = "SELECT time FROM events WHERE actor = ? ORDER BY id DESC LIMIT 1 OFFSET ?"
BY_USER = "actor = ?"
# Only the actor is a column here, so that the search is by the actor: of the others there may be very many.
BY_KIND = f"{BY_USER} AND kind || '' = ?"
BY_MEMBERSHIP = (
    f"{BY_USER} AND project || '' = ? AND subject || '' = ? "
    f"AND substr(kind, 1, {len(MEMBERSHIP)}) = '{MEMBERSHIP}'"
)
# Up to 6,000 rows, whose texts have at most a bit more than what is allowed, so that this takes milliseconds.
SIZES = """
SELECT time, LENGTH(reason) + COALESCE(LENGTH(before), 0) + COALESCE(LENGTH(after), 0) FROM events
WHERE actor = ? AND id >= (
    SELECT id FROM events WHERE time > ? AND time <= ? ORDER BY time, id LIMIT 1
) ORDER BY id DESC
"""


class Bound(NamedTuple):
    """How many events of one user may meet a condition, which has parameters, and what refuses one more."""

    error: type[TooManyChangesError]
    condition: str
    counted: tuple[str, ...]
    allowance: Allowance


def require_allowed(connection: Connection, event: Event, now: int) -> None:
    """Checks that the actor of an event may cause it.

    Operators, the service itself, and administrators may cause any number.

    Raises:
        TooManyChangesError: the actor has caused as many as are allowed.
    """
    user = _bounded_user(event.actor)
    if user is None:
        return
    refused = list(_refusals(connection, event, user, now))
    # Only those who have made so many changes cost this look-up.
    if refused and not _is_any_administrator(connection, user):
        raise max(refused, key=lambda error: error.again)


def _refusals(connection: Connection, event: Event, user: str, now: int) -> Iterator[TooManyChangesError]:
    factor = PROTECTIVE_FACTOR if event.kind in PROTECTIVE else 1
    is_refused = False
    for error, condition, counted, allowance in _bounds(event, user):
        most = allowance.most * factor
        again = _allowed_again(connection, condition, counted, allowance._replace(most=most), now)
        if again is not None:
            is_refused = True
            yield error(again)
    if not is_refused:
        again = _text_allowed_again(connection, user, TEXT_A_DAY * factor, now)
        if again is not None:
            yield TooManyChangesError(again)


def _bounds(event: Event, user: str) -> Iterator[Bound]:
    """Yields how many events may be like this one."""
    for allowance in ALLOWANCES:
        yield Bound(TooManyChangesError, BY_USER, (user,), allowance)
    if event.kind == APPLICATION:
        yield Bound(TooManyApplicationsError, BY_KIND, (user, event.kind), OF_APPLICATIONS)
    if event.kind.startswith(MEMBERSHIP) and event.project and event.subject:
        membership = (user, event.project, event.subject)
        yield Bound(TooManyChangesOfMembershipError, BY_MEMBERSHIP, membership, OF_MEMBERSHIP)


def require_key_allowed(connection: Connection, actor: Actor, most_keys: int, now: int) -> None:
    """Checks that somebody may make one more key. The same may make any number as may cause any events.

    Args:
        connection: the transaction that makes it.
        actor: who makes it.
        most_keys: how many valid keys a user can have.
        now: the present instant.

    Raises:
        TooManyKeysError: the actor has made as many within a day as are allowed.
    """
    user = _bounded_user(actor)
    if user is None:
        return
    again = _allowed_again(connection, BY_KIND, (user, KEY_CREATED), allowance_of_keys(most_keys), now)
    if again is not None and not _is_any_administrator(connection, user):
        raise TooManyKeysError(again)


def _bounded_user(actor: Actor) -> str | None:
    """Returns the user whose events are counted; None if the actor may cause any number."""
    return None if actor.is_project_admin or actor.origin == OPERATOR.origin else actor.user


def _allowed_again(
    connection: Connection, condition: str, counted: tuple[str, ...], allowance: Allowance, now: int
) -> int | None:
    """Returns when an allowance that is used up permits one more event; None if it permits one now.

    Args:
        connection: the transaction.
        condition: which events are counted.
        counted: its parameters.
        allowance: how many.
        now: the present instant.
    """
    count, find_time = COUNT.replace(BY_USER, condition), FIND_TIME.replace(BY_USER, condition)
    most, since = allowance.most, now - allowance.within
    (number,) = connection.execute(count, (*counted, since, now, most)).fetchone()
    if number < most:
        return None
    (time,) = connection.execute(find_time, (*counted, most - 1)).fetchone()
    # The clock can have been set back meanwhile.
    return min(int(time), now) + allowance.within


def _text_allowed_again(connection: Connection, user: str, most: int, now: int) -> int | None:
    """Returns when one more event is allowed after so many characters in a day; None if it is now."""
    for time, size in connection.execute(SIZES, (user, now - DAY, now)):
        most -= size
        if most <= 0:
            return min(int(time), now) + DAY
    return None


def _is_any_administrator(connection: Connection, uuid: str) -> bool:
    if uuid in settings.find(connection, settings.PROJECT_ADMINS, []):
        return True
    user = users.find_by_uuid(connection, uuid)
    if user is None or not user.is_active:
        return False
    trusted = {settings.find(connection, settings.ADMINISTRATORS)}
    if settings.find(connection, settings.ADMIN_USERS):
        trusted.update(
            settings.find(connection, settings.ADMIN_USERS_GROUPS, settings.DEFAULT_ADMIN_USERS_GROUPS)
        )
    return not trusted.isdisjoint(users.names_of_groups(connection, user.id))
