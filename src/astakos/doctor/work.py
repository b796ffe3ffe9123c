"""Looks at what waits for somebody: pending commissions, deliveries, and the audit log."""

from collections.abc import Iterator

from astakos.clock import MICROSECONDS
from astakos.counted_nouns import counted
from astakos.doctor.findings import Examined, Finding, fault, warning
from astakos.events.chain import BrokenChainError, follow
from astakos.storage.tables import deliveries, destinations, events, settings
from astakos.storage.tables.deliveries import DeliveryState
from astakos.storage.tables.destinations import Destination
from astakos.storage.tables.overdue_commissions import MOST_COUNTED, count_expired, list_overdue

HOUR = 3600 * MICROSECONDS
STUCK_HOURS = 24
"""After how many hours a commission is stuck, unless the setting pending_notice_hours says so."""
LATE = 5 * 60 * MICROSECONDS
"""How long what is over may stay: an engine ends it within seconds."""
BEHIND = 1000
"""By how many events the deliveries to a destination may be behind the audit log."""
LATE_DELIVERIES = 2 * HOUR
"""How long a delivery may be due. One that fails is due again later."""


def look_at_commissions(examined: Examined) -> Iterator[Finding]:
    """Finds commissions that nobody resolves, and those that should have expired."""
    connection = examined.connection
    hours = settings.find(connection, settings.PENDING_NOTICE_HOURS) or STUCK_HOURS
    for one in list_overdue(connection, examined.now - hours * HOUR):
        number = counted(one.number, "commission", "commissions")
        if one.number == MOST_COUNTED:
            number = f"at least {number}"
        yield warning(
            f"{one.component} has {number} pending for more than {counted(hours, 'hour', 'hours')}; "
            f"the oldest is {one.serial}.",
            "If the component is gone for good, resolve them in its place "
            "(docs/administration.md#stuck-commissions).",
        )
    expired = count_expired(connection, examined.now - LATE)
    if expired:
        yield warning(
            f"{counted(expired, 'commission is', 'commissions are')} over since "
            f"{LATE // MICROSECONDS // 60} minutes and still stored: no service runs, or it holds its clock.",
            "Start the service; see the check of clocks.",
        )


def look_at_deliveries(examined: Examined) -> Iterator[Finding]:
    """Finds what could not be delivered, and who is behind."""
    connection = examined.connection
    counts = deliveries.count(connection)
    head = events.find_head(connection).number
    for one in destinations.list_all(connection):
        dead = counts.get((one.name, DeliveryState.DEAD), 0)
        if dead:
            yield warning(
                f"{counted(dead, f'delivery to {one.name} was', f'deliveries to {one.name} were')} given up.",
                "See why with `astakos delivery list --state dead`, and repeat them with "
                f"`astakos delivery retry --dead --destination {one.name}`.",
            )
        yield from _look_at_queue(examined, one, head)


def _look_at_queue(examined: Examined, one: Destination, head: int) -> Iterator[Finding]:
    if one.disabled is not None:
        yield warning(
            f"The webhook {one.name} is disabled: its receiver has said that it is gone.",
            f"Remove it, or enable it when the receiver is back: `astakos webhook enable {one.name}`.",
        )
        return
    if one.name in deliveries.destinations_due(examined.connection, examined.now - LATE_DELIVERIES):
        yield warning(
            f"Deliveries to {one.name} are due for more than {LATE_DELIVERIES // HOUR} hours.",
            "See whether a service runs, with --mail-server and --webhook-key if it needs them "
            "(docs/notices.md).",
        )
    elif head - one.planned > BEHIND:
        yield warning(
            f"{head - one.planned} events are not planned for {one.name} yet.",
            "See whether a service runs; its log tells why it does not deliver.",
        )


def look_at_audit_log(examined: Examined) -> Iterator[Finding]:
    """Checks the hashes of the whole audit log."""
    try:
        follow(events.walk(examined.connection), {})
    except BrokenChainError as error:
        yield fault(
            f"The audit log is broken: {error}.",
            "Somebody has changed the database. Compare the log with a copy (docs/audit.md).",
        )
