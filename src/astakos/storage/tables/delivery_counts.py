"""Counts deliveries for metrics."""

from collections.abc import Mapping
from typing import NamedTuple

from astakos.storage.protocol import Connection
from astakos.storage.tables import deliveries, destinations
from astakos.storage.tables.deliveries import DeliveryState
from astakos.storage.tables.destinations import BY_MAIL, LOG


class DeliveryCounts(NamedTuple):
    """What is to be sent, and how attempts have ended.

    Attributes:
        waiting: the numbers of deliveries that are pending or dead, by destination and state.
        overdue: for how many microseconds the delivery that is due longest has been due, by destination.
        attempts: the numbers of attempts, by destination and outcome.
        is_disabled: whether a webhook gets nothing more, by its name.
    """

    waiting: Mapping[tuple[str, ...], int]
    overdue: Mapping[str, int]
    attempts: Mapping[tuple[str, ...], int]
    is_disabled: Mapping[str, bool]


def count_deliveries(connection: Connection, now: int) -> DeliveryCounts:
    """Counts the deliveries that are pending or dead, and all attempts, and finds who waits."""
    known, found = destinations.list_all(connection), deliveries.count(connection)
    # Mail and the log are told from the first moment on, so that alerts have something to look at.
    names = dict.fromkeys([*BY_MAIL, LOG, *(one.name for one in known)])
    waiting: dict[tuple[str, ...], int] = {
        (name, state.value): found.get((name, state), 0)
        for name in names
        for state in (DeliveryState.PENDING, DeliveryState.DEAD)
    }
    attempts: dict[tuple[str, ...], int] = {}
    for one in known:
        attempts[one.name, "delivered"] = one.attempts - one.failures
        attempts[one.name, "failed"] = one.failures
    due = deliveries.due_longest(connection)
    is_disabled = {one.name: one.disabled is not None for one in known if one.url is not None}
    # What is pending for a disabled webhook waits until it is enabled, however long it is due.
    overdue = {name: 0 if is_disabled.get(name) else max(0, now - due.get(name, now)) for name in names}
    return DeliveryCounts(waiting, overdue, attempts, is_disabled)
