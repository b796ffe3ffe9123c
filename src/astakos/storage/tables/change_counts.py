"""Counts what users have changed lately, in the audit log itself: so it is counted once for all processes."""

from astakos.events.change_allowance import (
    ALLOWANCES,
    PROTECTIVE,
    PROTECTIVE_FACTOR,
    Allowance,
    TooManyChangesError,
)
from astakos.events.event import OPERATOR, Event
from astakos.storage.protocol import Connection
from astakos.storage.tables import settings, users

# Two searches in an index, and then as many entries of one as the user has made events since.
COUNT = """
SELECT COUNT(*) FROM (
    SELECT id FROM events WHERE actor = ? AND id >= (
        SELECT id FROM events WHERE time > ? AND time <= ? ORDER BY time, id LIMIT 1
    ) LIMIT ?
) AS counted
"""
FIND_TIME = "SELECT time FROM events WHERE actor = ? ORDER BY id DESC LIMIT 1 OFFSET ?"


def require_allowed(connection: Connection, event: Event, now: int) -> None:
    """Checks that the actor of an event may cause it.

    Operators, the service itself, and administrators may cause any number.

    Raises:
        TooManyChangesError: the actor has caused as many as are allowed.
    """
    actor = event.actor
    if actor.user is None or actor.is_project_admin or actor.origin == OPERATOR.origin:
        return
    factor = PROTECTIVE_FACTOR if event.kind in PROTECTIVE else 1
    again = [
        _allowed_again(connection, actor.user, allowance._replace(most=allowance.most * factor), now)
        for allowance in ALLOWANCES
    ]
    # Only who has made so many changes costs this look-up.
    if any(again) and not _is_any_administrator(connection, actor.user):
        raise TooManyChangesError(max(filter(None, again)))


def _allowed_again(connection: Connection, user: str, allowance: Allowance, now: int) -> int | None:
    """Returns when an allowance that is used up permits one more event; None if it permits one now."""
    most, since = allowance.most, now - allowance.within
    (number,) = connection.execute(COUNT, (user, since, now, most)).fetchone()
    if number < most:
        return None
    (time,) = connection.execute(FIND_TIME, (user, most - 1)).fetchone()
    # The clock can have been set back meanwhile.
    return min(int(time), now) + allowance.within


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
