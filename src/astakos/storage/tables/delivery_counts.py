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
        attempts: the numbers of attempts, by destination and outcome.
    """

    waiting: Mapping[tuple[str, str], int]
    attempts: Mapping[tuple[str, ...], int]


def count_deliveries(connection: Connection) -> DeliveryCounts:
    """Count the deliveries that are pending or dead, and all attempts."""
    known, found = destinations.list_all(connection), deliveries.count(connection)
    # Mail and the log are told from the first moment on, so that alerts have something to look at.
    names = dict.fromkeys([*BY_MAIL, LOG, *(one.name for one in known)])
    waiting = {
        (name, state.value): found.get((name, state), 0)
        for name in names
        for state in (DeliveryState.PENDING, DeliveryState.DEAD)
    }
    attempts: dict[tuple[str, ...], int] = {}
    for one in known:
        attempts[one.name, "delivered"] = one.attempts - one.failures
        attempts[one.name, "failed"] = one.failures
    return DeliveryCounts(waiting, attempts)
