"""Tells of commissions that are pending for long: once for each component and day of UTC.

Such a commission holds quota that nobody uses: its component has died, or has lost it. What was told is read
from the audit log, to which one transaction at a time writes; so it is told once, by however many services.
"""

import contextlib
import functools
from collections.abc import Callable

from astakos.clock import DAY, MICROSECONDS, to_iso
from astakos.events.event import SERVICE, Event
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import clock_records, events, settings
from astakos.storage.tables.overdue_commissions import Overdue, list_overdue

OVERDUE = "commission.overdue"
HOUR = 3600 * MICROSECONDS


def tell_overdue(database: Database, now: int, is_stopped: Callable[[], bool] = lambda: False) -> int:
    """Records what is to be told today, if a setting says after how many hours; returns how many events.

    Args:
        database: the database; it need not be open for reading on this thread.
        now: the current instant, by a clock that is known to be right.
        is_stopped: whether to leave it for later.

    Raises:
        StorageUnavailableError: the database cannot be read or written now.
    """
    with contextlib.closing(database.connect()) as connection:
        if not _due(connection, now):
            return 0
    return 0 if is_stopped() else database.change(functools.partial(_tell, now=now))


def _due(connection: Connection, now: int) -> list[Overdue]:
    hours = settings.find(connection, settings.PENDING_NOTICE_HOURS, 0)
    if not hours or clock_records.is_held(connection):
        return []
    found = list_overdue(connection, now - int(hours) * HOUR)
    if not found:
        return []
    today = events.Wanted(kind=OVERDUE, since=now - now % DAY)
    told = {
        (one.event.after or {}).get("component")
        for one in events.read(connection, today, events.AT_A_TIME, newest_first=True)
    }
    return [one for one in found if one.component not in told]


def _tell(connection: Connection, now: int) -> int:
    due = _due(connection, now)
    if due:
        events.record_all(connection, [_event(one) for one in due], now)
    return len(due)


def _event(one: Overdue) -> Event:
    after = {
        "component": one.component,
        "commissions": one.number,
        "oldest_serial": one.serial,
        "oldest_issued": to_iso(one.issued),
    }
    return Event(OVERDUE, SERVICE, after=after)
