"""Recomputes the figures of every holding, and compares them with those that are stored.

The invariants are those of `ledger/rules.py`. Nothing here follows from the order of events, since clocks of
several engines can differ by more than two commissions are apart.
"""

from collections.abc import Iterator

from astakos.clock import DAY
from astakos.doctor.findings import Examined, Finding, fault, warning
from astakos.doctor.meter_pasts import MeterPast, read_pasts
from astakos.ledger.grants import base_of_grant
from astakos.ledger.meter_definitions import Kind
from astakos.ledger.rules import UNLIMITED, Key
from astakos.storage.tables import events, settings
from astakos.storage.tables.recounted import (
    Recounted,
    StoredFigures,
    count_history,
    ranges,
    settled_below,
    stored_holdings,
)

RESTORE = (
    "Something other than the service has changed the database. Find out what; then restore a backup, or "
    "stop the service and correct the row."
)
CORRECT = (
    "A service has charged members and not their project, or released at the project alone. Let it reconcile "
    "its usage (docs/ledger.md#reconciliation-post-reconcile-s)."
)
CHANGES_OF_SETTINGS = "settings.changed"
AT_A_TIME = 1000


def look_at_figures(examined: Examined) -> Iterator[Finding]:
    """Recomputes the figures of every holding from the history and from what is pending."""
    connection = examined.connection
    pasts, opening = read_pasts(connection, examined.now), _opening(examined)
    parts = ranges(connection)
    total, done = count_history(connection) * len(parts), 0

    def count(number: int) -> None:
        nonlocal done
        done += number
        examined.report("Reading the history", done, total)

    for first, number in parts:
        recounted = Recounted(first, number)
        recounted.read(connection, opening or 0, count)
        if (first, number) == parts[0]:
            for component, serial in recounted.unreadable:
                yield fault(
                    f"The provisions of commission {serial} of component {component} cannot be read.", RESTORE
                )
        for stored in stored_holdings(connection, first, number):
            yield from _judge(stored, recounted, pasts, opening)


def look_at_levels(examined: Examined) -> Iterator[Finding]:
    """Checks whether at least as much is settled on each project as on its members and on projects in it."""
    connection = examined.connection
    pasts, done = read_pasts(connection, examined.now), 0
    parts = ranges(connection)
    total = sum(number for _, number in parts) * len(parts)

    def is_added(resource: str) -> bool:
        # What a grant lifts counts on no meter, at one level and not at another.
        return resource not in pasts and base_of_grant(resource) is None

    def count(number: int) -> None:
        nonlocal done
        done += number
        examined.report("Adding up holdings", done, total)

    for first, number in parts:
        below = settled_below(connection, first, number, is_added, count)
        for stored in stored_holdings(connection, first, number):
            if below.of(stored.id) > stored.settled:
                yield warning(
                    f"{_named(stored.key)} has {stored.settled} settled, but what is below it "
                    f"{below.of(stored.id)}.",
                    CORRECT,
                )


def _opening(examined: Examined) -> int | None:
    """Returns from when on the history is complete; None if nothing was ever deleted from it."""
    days = settings.find(examined.connection, settings.HISTORY_DAYS)
    if days is not None:
        return examined.now - int(days * DAY)
    # It may have been set before. Then nobody knows what was deleted.
    after = 0
    while found := events.read(
        examined.connection, events.Wanted(kind=CHANGES_OF_SETTINGS, after=after), AT_A_TIME
    ):
        if any(settings.HISTORY_DAYS in (one.event.after or {}) for one in found):
            return examined.now
        after = found[-1].number
    return None


def _judge(
    stored: StoredFigures, recounted: Recounted, pasts: dict[str, MeterPast], opening: int | None
) -> Iterator[Finding]:
    identifier, key, usage_min, usage_max, settled = stored
    imports, releases = recounted.imports.of(identifier), recounted.releases.of(identifier)
    if not 0 <= usage_min <= usage_max <= UNLIMITED:
        yield fault(f"{_named(key)} has a usage from {usage_min} to {usage_max}, which cannot be.", RESTORE)
    if usage_max - usage_min != imports - releases:
        yield fault(
            f"{_named(key)} has {usage_max - usage_min} pending, but its pending commissions add up to "
            f"{imports - releases}.",
            RESTORE,
        )
    elif key.resource not in pasts and (usage_min, usage_max) != (settled + releases, settled + imports):
        yield fault(
            f"{_named(key)} has a usage from {usage_min} to {usage_max}, but {settled} settled and what is "
            f"pending make {settled + releases} to {settled + imports}.",
            RESTORE,
        )
    of_history = recounted.settled.of(identifier)
    if opening is None and settled != of_history:
        yield fault(f"{_named(key)} has {settled} settled, but its history adds up to {of_history}.", RESTORE)
    elif opening is not None and settled < recounted.settled_since.of(identifier):
        yield fault(
            f"{_named(key)} has {settled} settled, but its history adds up to "
            f"{recounted.settled_since.of(identifier)} since commissions are kept: less than nothing is left "
            "for those that were deleted.",
            RESTORE,
        )
    past = pasts.get(key.resource)
    if past is not None:
        yield from _judge_budget(stored, recounted.closed.of(identifier), past)


def _judge_budget(stored: StoredFigures, closed: int, past: MeterPast) -> Iterator[Finding]:
    """Judges what was forgiven of a meter: all that is settled is in a past period, or in the last one."""
    if past.kind is Kind.RATE or not past.is_simple:
        return
    in_periods = stored.usage_min + closed
    if in_periods > stored.settled or (past.has_all_periods and in_periods < stored.settled):
        yield fault(
            f"{_named(stored.key)} has {stored.settled} settled, but its periods add up to {in_periods}: "
            f"{closed} in those that are over, and {stored.usage_min} in the last.",
            RESTORE,
        )


def _named(key: Key) -> str:
    source = "" if key.source is None else f" from {key.source}"
    return f"The holding of {key.resource} by {key.holder}{source}"
