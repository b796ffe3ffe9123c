"""Finds out now and then who uses most of each resource, so that nobody has to wait for that."""

import contextlib
import functools
import heapq
from collections.abc import Callable

from astakos.clock import MICROSECONDS
from astakos.ledger.meters import Budget, begin
from astakos.ledger.periods import Schedule
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import registry, usage_leaders
from astakos.storage.tables.meters import find_definitions
from astakos.storage.tables.usage_leaders import MOST_LEADERS, Ranking

PERIOD = 600 * MICROSECONDS
"""How old the leaders are at most while a service runs; their figures are always the present ones."""
PERIOD_OF_NOBODY = 60 * MICROSECONDS
"""The same while nobody is found, as on a new service, whose first users appear soon."""

Leaders = dict[Ranking, list[int]]


def refresh_leaders(database: Database, now: int, is_stopped: Callable[[], bool] = lambda: False) -> bool:
    """Finds the leaders of all resources, if that was done long ago; returns whether it was done.

    Args:
        database: the database; it need not be open for reading on this thread.
        now: the current instant, by a clock that is known to be right.
        is_stopped: asked between two statements; whether to leave the rest for later.

    Raises:
        StorageUnavailableError: the database cannot be read or written now.
    """
    with contextlib.closing(database.connect()) as connection:
        last = usage_leaders.refreshed(connection)
        if last is not None and abs(now - last) < period_of(connection):
            return False
        found: dict[str, Leaders] = {}
        for resource in registry.list_resources(connection):
            leaders = find_leaders(connection, resource.name, now, is_stopped)
            if leaders is None:
                return False
            found[resource.name] = leaders
    database.change(functools.partial(_remember, found=found, now=now))
    return True


def period_of(connection: Connection) -> int:
    """Returns how much time passes between two looks, in microseconds."""
    return PERIOD if usage_leaders.has_any(connection) else PERIOD_OF_NOBODY


def find_leaders(
    connection: Connection, resource: str, now: int, is_stopped: Callable[[], bool] = lambda: False
) -> Leaders | None:
    """Returns the ids of the holdings with the most usage of a resource; None if it was stopped."""
    since = period_start(connection, resource, now) or 0
    by_usage: list[tuple[int, int]] = []
    by_share: list[tuple[int, int]] = []
    for after in usage_leaders.pages(connection):
        page = usage_leaders.read_by_usage(connection, resource, since, after, MOST_LEADERS)
        by_usage = heapq.nlargest(MOST_LEADERS, [*by_usage, *page])
        if is_stopped():
            return None
        page = usage_leaders.read_by_share(connection, resource, since, after, MOST_LEADERS)
        by_share = heapq.nlargest(MOST_LEADERS, [*by_share, *page])
    return {
        Ranking.USAGE: [identifier for _, identifier in by_usage],
        Ranking.SHARE: [identifier for _, identifier in by_share],
    }


def period_start(connection: Connection, resource: str, now: int) -> int | None:
    """Returns when the present period of a resource began; None if it is no meter with common periods."""
    definition = find_definitions(connection).get(resource)
    meter = None if definition is None else definition.meter(resource)
    if not isinstance(meter, Budget) or not isinstance(meter.periods, Schedule):
        return None
    return begin(meter, None, now)


def start_before(connection: Connection, resource: str, start: int) -> int | None:
    """Returns when the period before the one that began at `start` began; None if there is none."""
    definition = find_definitions(connection).get(resource)
    meter = None if definition is None else definition.meter(resource)
    if not isinstance(meter, Budget) or not isinstance(meter.periods, Schedule):
        return None
    return meter.periods.span_at(start - 1).start


def _remember(connection: Connection, found: dict[str, Leaders], now: int) -> None:
    for resource, leaders in found.items():
        usage_leaders.remember(connection, resource, leaders)
    usage_leaders.note_refreshed(connection, now)
