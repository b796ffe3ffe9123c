"""Looks at the clocks: this machine's against the database's, and what the engines have found out."""

from collections.abc import Iterator

from astakos import clock
from astakos.clock import MICROSECONDS
from astakos.doctor.findings import Examined, Finding, fault, warning
from astakos.ledger.clock_guard import ClockGuard
from astakos.storage.protocol import HasClock
from astakos.storage.tables import clock_records

MOST_APART = 5 * MICROSECONDS
"""How far the clocks of this machine and of a database server may be apart."""


def look_at_clocks(examined: Examined) -> Iterator[Finding]:
    """Compares the clocks."""
    record = clock_records.read(examined.connection)
    if record.is_held:
        yield fault(
            "The clock is held: it contradicts the elapsed time, and nothing expires or is deleted.",
            "Set the clock right, or, if the new time is right, run `astakos clock accept`.",
        )
    if isinstance(examined.connection, HasClock):
        # Read anew: checks before this one can have taken minutes.
        apart = examined.connection.read_clock() - clock.now()
        if abs(apart) > MOST_APART:
            yield warning(
                f"The clock of the database's server is {abs(apart) // MICROSECONDS} s "
                f"{'ahead of' if apart > 0 else 'behind'} this machine's: tokens expire by this machine's "
                "clock, commissions and periods by the server's.",
                "Let both machines keep time by NTP.",
            )
        return
    guard = ClockGuard(record, clock.boot())
    if guard.anchor is not None and not record.is_held:
        guard.observe(clock.now(), clock.elapsed())
        if guard.is_held:
            yield warning(
                f"The clock has jumped by {guard.ahead // MICROSECONDS:+} s since a service last looked: "
                "the service will hold whatever would end by it.",
                "Set the clock right, or, if the new time is right, start the service and run "
                "`astakos clock accept`.",
            )
