"""Gives notice of grants that expire soon, once for each, while something of them is left.

How far the notices have come is an instant and the number of a grant: of what expires before it, or at it
with a number up to that, whoever had to be told has been. So a grant that is made with less time to live than
the notice needs is not announced; and however many grants expire at one instant, no transaction is long.
"""

import contextlib
import functools
from collections.abc import Callable

from astakos.administration.grants import place_of
from astakos.clock import DAY, to_iso
from astakos.events.event import SERVICE, Event
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import clock_records, events, grants, settings
from astakos.storage.tables.grants import StoredGrant

NOTICE_DAYS = 7
"""How many days before the end the notice is given, by default."""
AT_A_TIME = 200
EXPIRING = "grant.expiring"
ANNOUNCED_UNTIL = "grants_announced_until"
"""The setting that says how far the notices have come: the instant and the number.

An older version has stored the instant alone.
"""


def announce_grants(database: Database, now: int, is_stopped: Callable[[], bool] = lambda: False) -> int:
    """Records the notices that are due; returns how many there were.

    Args:
        database: the database; it need not be open for reading on this thread.
        now: the current instant, by a clock that is known to be right.
        is_stopped: asked between two transactions; whether to leave the rest for later.

    Raises:
        StorageUnavailableError: the database cannot be read or written now. What is done stays done.
    """
    announced = 0
    with contextlib.closing(database.connect()) as connection:
        while _due(connection, now) and not is_stopped():
            announced += database.change(functools.partial(_announce_some, now=now))
    return announced


def _due(connection: Connection, now: int) -> list[StoredGrant]:
    if clock_records.is_held(connection):
        return []
    days = int(settings.find(connection, settings.GRANT_NOTICE_DAYS, NOTICE_DAYS))
    after = max(_announced(connection), grants.Place(now, grants.LAST))
    return grants.list_expiring(connection, after, now + days * DAY, AT_A_TIME)


def _announced(connection: Connection) -> grants.Place:
    stored = settings.find(connection, ANNOUNCED_UNTIL, 0)
    return grants.Place(stored, grants.LAST) if isinstance(stored, int) else grants.Place(*stored)


def _announce_some(connection: Connection, now: int) -> int:
    due = _due(connection, now)
    if not due:
        return 0
    told = [_event(grant) for grant in due if grant.left]
    if told:
        events.record_all(connection, told, now)
    settings.save(connection, ANNOUNCED_UNTIL, grants.Place(due[-1].expires, due[-1].number))
    return len(told)


def _event(grant: StoredGrant) -> Event:
    place = place_of(grant.key)
    after = {
        "grant": grant.number,
        "resource": place.resource,
        "left": grant.left,
        "expires": to_iso(grant.expires),
    }
    # A user's own project has the user's uuid.
    return Event(EXPIRING, SERVICE, place.project or place.user, place.user, after=after)
