from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from astakos.events.chain import EMPTY, START, BrokenChainError, follow, link
from astakos.events.event import OPERATOR, Actor, Event
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import events
from astakos.storage.tables.events import Wanted
from service.installation import rows

pytestmark = pytest.mark.every_engine
EVENT = Event("project.suspended", OPERATOR, "p", reason="unpaid", before={"state": "active"}, after={})
BY_ALICE = Event("user.changed", Actor("alice", "192.0.2.7"), None, "bob", after={"a": "b"})


def recorded(database: Database, *happened: Event, now: int = 1) -> int:
    return database.change(partial(events.record_all, happened=happened, now=now))


def test_events_are_numbered_and_chained(empty: Database) -> None:
    for number in (1, 2, 3):
        assert empty.change(partial(events.record, event=EVENT, now=number)) == number
    assert recorded(empty, EVENT, BY_ALICE) == 5
    head, stored = START, list(events.walk(empty.reader()))
    for *values, found in stored:
        head = link(head, values)
        assert bytes(found) == head
    assert [row[0] for row in stored] == [1, 2, 3, 4, 5]
    assert follow(stored, {3: stored[2][-1]}) == events.find_head(empty.reader()) == (5, 1, head)


def test_an_event_is_gone_if_its_transaction_fails(empty: Database) -> None:
    def fail(connection: Connection) -> None:
        events.record(connection, EVENT, 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        empty.change(fail)
    assert events.find_head(empty.reader()) == EMPTY


def test_events_are_read_as_they_were_recorded(empty: Database) -> None:
    recorded(empty, EVENT, BY_ALICE, now=7)
    found = events.read(empty.reader(), Wanted(), 10)
    assert [(one.number, one.time, one.event) for one in found] == [
        (1, 7, EVENT._replace(actor=Actor(None, "command"))),
        (2, 7, BY_ALICE),
    ]
    assert found[1].hash == events.find_head(empty.reader()).hash


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Wanted(project="p"), [1]),
        (Wanted(subject="bob"), [2, 3]),
        (Wanted(actor="alice"), [2, 3]),
        (Wanted(origin="command"), [1]),
        (Wanted(kind="user.changed"), [2, 3]),
        (Wanted(kind="project"), [1]),
        (Wanted(kind="pro"), []),
        (Wanted(since=6), [3]),
        (Wanted(until=6), [1, 2]),
        (Wanted(after=2), [3]),
        (Wanted(before=2), [1]),
        (Wanted(actor="alice", after=2), [3]),
        (Wanted(project="\0"), []),
    ],
)
def test_events_are_filtered(empty: Database, wanted: Wanted, numbers: Sequence[int]) -> None:
    recorded(empty, EVENT, BY_ALICE, now=5)
    recorded(empty, BY_ALICE, now=6)
    reader = empty.reader()
    assert [one.number for one in events.read(reader, wanted, 10)] == numbers
    newest = events.read(reader, wanted, 1, newest_first=True)
    assert [one.number for one in newest] == list(numbers)[-1:]


@pytest.mark.parametrize(
    ("tampering", "number", "reason"),
    [
        ("UPDATE events SET reason = 'paid' WHERE id = 2", 2, "event 2 was changed"),
        ("DELETE FROM events WHERE id = 2", 2, "event 2 is missing: event 3 comes next"),
        ("DELETE FROM events WHERE id = 3", 3, "event 3 is missing: the head is event 3"),
        ("DELETE FROM events", 1, "event 1 is missing: the head is event 3"),
    ],
)
def test_the_first_event_that_was_changed_is_named(
    empty: Database, tampering: str, number: int, reason: str
) -> None:
    recorded(empty, EVENT, EVENT, EVENT)
    head = events.find_head(empty.reader())
    rows(empty, tampering)
    with pytest.raises(BrokenChainError, match=reason) as caught:
        follow(events.walk(empty.reader()), {head.number: head.hash})
    assert caught.value.number == number


def test_whoever_recomputes_the_hashes_is_found_out_by_the_head(empty: Database) -> None:
    recorded(empty, EVENT, EVENT)
    known = {2: events.find_head(empty.reader()).hash}
    rows(empty, "DELETE FROM events")
    recorded(empty, EVENT._replace(reason="paid"), EVENT)
    stored: list[Any] = list(events.walk(empty.reader()))
    assert follow(stored, {}).number == 2
    with pytest.raises(BrokenChainError, match="event 2 or an earlier one was changed"):
        follow(stored, known)


def test_a_document_that_somebody_has_garbled_can_still_be_read(empty: Database) -> None:
    recorded(empty, BY_ALICE)
    rows(empty, "UPDATE events SET after = 'garbled'")
    (one,) = events.read(empty.reader(), Wanted(), 1)
    assert one.event.after == {events.UNREADABLE: "garbled"}


def test_the_log_is_read_page_by_page(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "AT_A_TIME", 2)
    recorded(empty, *[EVENT] * 5)
    assert [row[0] for row in events.walk(empty.reader())] == [1, 2, 3, 4, 5]
