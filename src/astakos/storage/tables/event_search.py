"""Finds events of the audit log as administrators look for them, newest first, page by page.

No page examines more events than a bound, so that a search with few matches is not one long read.
"""

from typing import Any, NamedTuple

from astakos.events.event import RecordedEvent
from astakos.storage.protocol import Connection
from astakos.storage.tables.events import COLUMNS, Wanted, conditions_of, recorded
from astakos.storage.texts import is_storable

MOST_LOOKED_AT = 20_000
"""How many events one page examines at most: some 10 ms. It then ends even if it is not full."""
OUT_OF_ORDER = 1_000
"""How many events near the end of a span of time may be out of order, because a clock was set back."""
WITH_INDEX = ("project = ?", "subject = ?", "actor = ?", "kind = ?")
"""The conditions that have an index, in whose order events have their numbers."""
LAST_BEFORE = f"""
SELECT max(id) FROM (
    SELECT id FROM events WHERE time < ? ORDER BY time DESC, id DESC LIMIT {OUT_OF_ORDER}
) AS latest
"""
FIRST_SINCE = f"""
SELECT min(id) FROM (SELECT id FROM events WHERE time >= ? ORDER BY time, id LIMIT {OUT_OF_ORDER}) AS earliest
"""


class EventPage(NamedTuple):
    """Events, the newest first.

    Attributes:
        events: the events.
        end: the number before which the next page begins; None on the last page. A page can end before it is
            full.
    """

    events: list[RecordedEvent]
    end: int | None


def find_events(connection: Connection, wanted: Wanted, most: int) -> EventPage:
    """Returns a page of up to `most` events that are wanted."""
    conditions = conditions_of(wanted)
    if not all(is_storable(value) for _, value in conditions if isinstance(value, str)):
        return EventPage([], None)
    walked = [one for one in conditions if one[0].startswith("id ")]
    walked += [one for one in conditions if one[0] in WITH_INDEX][:1]
    tested = [one for one in conditions if one not in walked]
    for value, statement, condition in (
        (wanted.until, LAST_BEFORE, "id <= ?"),
        (wanted.since, FIRST_SINCE, "id >= ?"),
    ):
        if value is not None:
            (bound,) = connection.execute(statement, (value,)).fetchone()
            if bound is None:
                return EventPage([], None)
            walked.append((condition, bound))
    window = f"FROM events{_where(walked)} ORDER BY id DESC LIMIT ?"
    values = [value for _, value in walked]
    looked_at = f"(SELECT {COLUMNS}, hash {window}) AS looked_at"
    rows = connection.execute(
        f"SELECT * FROM {looked_at}{_where(tested)} ORDER BY id DESC LIMIT ?",
        (*values, MOST_LOOKED_AT, *(value for _, value in tested), most + 1),
    ).fetchall()
    found = [recorded(row) for row in rows[:most]]
    if len(rows) > most:
        return EventPage(found, found[-1].number)
    last, number = connection.execute(
        f"SELECT min(id), count(*) FROM (SELECT id {window}) AS looked_at", (*values, MOST_LOOKED_AT)
    ).fetchone()
    return EventPage(found, last if number == MOST_LOOKED_AT else None)


def _where(conditions: list[tuple[str, Any]]) -> str:
    return f" WHERE {' AND '.join(condition for condition, _ in conditions)}" if conditions else ""
