"""Takes what the ledger has to tell of holdings into the audit log, from where it is delivered.

The ledger writes alerts with the charges that they tell of, and does not wait for the audit log. This moves
them, in the order in which they happened, a bounded number in each transaction: an alert has the number of
its event from the same commit on, so that it is told once, whichever services and engines die when.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator

from astakos.events.event import Event
from astakos.ledger.key_levels import prefix_of_holder
from astakos.ledger.meters import Budget, Meters
from astakos.projects.limits import user_holder, uuid_of_project, uuid_of_user
from astakos.projects.quota_events import quota_event
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import api_keys, clock_records, events, projects, quota_alerts
from astakos.storage.tables.meters import read_meters
from astakos.storage.tables.quota_alerts import NOT_TOLD, StoredAlert

AT_A_TIME = 200
"""How many alerts one transaction takes, so that other writers do not wait long."""


def record_alerts(database: Database, now: int, is_stopped: Callable[[], bool] = lambda: False) -> int:
    """Records what the ledger has noted since the last time; returns how many events there were.

    Args:
        database: the database; it need not be open for reading on this thread.
        now: the current instant, by a clock that is known to be right.
        is_stopped: asked between two transactions; whether to leave the rest for later. May wait, to let
            other writers have their turn.

    Raises:
        StorageUnavailableError: the database cannot be read or written now. What is done stays done.
    """
    with contextlib.closing(database.connect()) as connection:
        if not quota_alerts.has_new(connection):
            return 0
    recorded = 0
    while not is_stopped():
        taken, told = database.change(functools.partial(_record_some, now=now))
        recorded += told
        if taken < AT_A_TIME:
            break
    return recorded


def _record_some(connection: Connection, now: int) -> tuple[int, int]:
    """Records some alerts; returns how many there were, and how many events they made."""
    if clock_records.is_held(connection):
        return 0, 0
    found = quota_alerts.list_new(connection, AT_A_TIME)
    meters = read_meters(connection)
    told = [(alert, event) for alert in found for event in _events_of(connection, alert, meters)]
    numbers = dict.fromkeys(found, NOT_TOLD)
    if told:
        last = events.record_all(connection, [event for _, event in told], now)
        first = last - len(told) + 1
        numbers |= {alert: number for number, (alert, _) in enumerate(told, first)}
    quota_alerts.set_events(connection, numbers.items())
    return len(found), len(told)


def _events_of(connection: Connection, alert: StoredAlert, meters: Meters) -> Iterator[Event]:
    """Yields the event of an alert, unless there is nobody whom it tells something new.

    A system project is its user's, and both have the same usage. A key draws from its user, in any project.
    """
    (holder, source, resource), kind, percent, start = alert.identity
    user, project, key = uuid_of_user(holder), None, prefix_of_holder(holder)
    if key is not None:
        user, owned = uuid_of_user(source or ""), api_keys.find(connection, key)
        project = None if owned is None else owned.key.project
    elif user is not None:
        project = uuid_of_project(source or "")
    else:
        project = uuid_of_project(holder)
        known = None if project is None else projects.find(connection, project)
        if project is not None and known is not None and known.system_project:
            user = project
            if quota_alerts.is_told_of_member(connection, alert, user_holder(user)):
                return
    if user is None and project is None:
        return
    yield quota_event(
        kind,
        resource,
        project=project,
        user=user,
        key=key,
        percent=percent,
        usage=alert.usage,
        limit=alert.limit,
        time=alert.time,
        start=start,
        resets=alert.end if isinstance(meters.named.get(resource), Budget) else None,
    )
