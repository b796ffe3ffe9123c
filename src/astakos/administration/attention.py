"""What needs an operator's attention: found with few reads, so that a page can ask every few seconds."""

from collections.abc import Sequence
from typing import NamedTuple

from astakos.administration.usage_reports import HolderUsage, over_now
from astakos.clock import MICROSECONDS
from astakos.storage.protocol import Connection
from astakos.storage.tables import application_queue, deliveries, destinations, settings
from astakos.storage.tables.deliveries import DeliveryState
from astakos.storage.tables.overdue_commissions import Overdue, list_overdue

HOUR_SECONDS = 3600


class FailingDestination(NamedTuple):
    """Where messages do not arrive.

    Attributes:
        name: of the destination.
        url: of the webhook; None for mail and the log.
        given_up: how many messages were given up.
        is_disabled: whether its receiver wants nothing more.
    """

    name: str
    url: str | None
    given_up: int
    is_disabled: bool


class Attention(NamedTuple):
    """What needs attention.

    Attributes:
        overdue: the components with commissions that are pending for long.
        overdue_seconds: what long is.
        over: who uses more than the limit, among those who used most of it when the service last looked.
        applications: how many applications wait for a decision, counted up to a bound.
        failing: where messages do not arrive.
    """

    overdue: Sequence[Overdue]
    overdue_seconds: int
    over: Sequence[HolderUsage]
    applications: int
    failing: Sequence[FailingDestination]


def find_attention(connection: Connection, now: int) -> Attention:
    """Returns what needs attention now. Long is what the setting of notices says, or an hour."""
    hours = int(settings.find(connection, settings.PENDING_NOTICE_HOURS, 0) or 1)
    seconds = hours * HOUR_SECONDS
    return Attention(
        list_overdue(connection, now - seconds * MICROSECONDS),
        seconds,
        over_now(connection, now),
        application_queue.count_waiting(connection),
        _failing(connection),
    )


def _failing(connection: Connection) -> list[FailingDestination]:
    counts = deliveries.count(connection)
    known = {one.name: one for one in destinations.list_all(connection)}
    given_up = {name: number for (name, state), number in counts.items() if state is DeliveryState.DEAD}
    disabled = {name for name, one in known.items() if one.disabled is not None}
    return [
        FailingDestination(
            name, known[name].url if name in known else None, given_up.get(name, 0), name in disabled
        )
        for name in sorted({*given_up, *disabled})
    ]
