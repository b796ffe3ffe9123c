"""The audit log is searched page by page, with a bounded amount of work for each."""

from dataclasses import replace
from functools import partial

import pytest

from astakos.events.event import OPERATOR, Actor, Event
from astakos.storage.protocol import Database
from astakos.storage.tables import event_search, events
from astakos.storage.tables.event_search import find_events
from astakos.storage.tables.events import Wanted

pytestmark = pytest.mark.every_engine
SUSPENDED = Event("project.suspended", OPERATOR, "p", reason="unpaid")
BY_ALICE = Event("user.changed", Actor("alice", "192.0.2.7"), None, "bob", after={"a": "b"})


@pytest.fixture
def log(empty: Database) -> Database:
    """Ten events, one in each instant from 1 on; the third and the ninth are of another kind."""
    for number in range(1, 11):
        event = BY_ALICE if number in (3, 9) else SUSPENDED
        empty.change(partial(events.record, event=event, now=number))
    return empty


def numbers(database: Database, wanted: Wanted, most: int = 2) -> list[list[int]]:
    pages: list[list[int]] = []
    while not pages or wanted.before is not None:
        page = find_events(database.reader(), wanted, most)
        pages.append([one.number for one in page.events])
        wanted = replace(wanted, before=page.end)
    return pages


def test_the_newest_come_first(log: Database) -> None:
    assert numbers(log, Wanted(), 4) == [[10, 9, 8, 7], [6, 5, 4, 3], [2, 1]]
    assert find_events(log.reader(), Wanted(before=1), 4) == ([], None)
    (found,) = find_events(log.reader(), Wanted(subject="bob"), 1).events
    assert found.event == BY_ALICE


def test_a_page_ends_after_it_has_looked_at_enough(log: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_search, "MOST_LOOKED_AT", 4)
    assert numbers(log, Wanted(kind="user")) == [[9], [3], []]
    assert numbers(log, Wanted(origin="192.0.2.7")) == [[9], [3], []]
    # What has an index passes over all others.
    assert numbers(log, Wanted(kind="user.changed", origin="192.0.2.7")) == [[9, 3]]
    assert numbers(log, Wanted(project="p", origin="192.0.2.7")) == [[], [], []]


def test_days_are_found_without_looking_at_all_others(log: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_search, "MOST_LOOKED_AT", 4)
    monkeypatch.setattr(event_search, "OUT_OF_ORDER", 1)
    assert numbers(log, Wanted(since=2, until=5)) == [[4, 3], [2]]
    assert numbers(log, Wanted(until=1)) == [[]]
    assert numbers(log, Wanted(since=11)) == [[]]
    assert numbers(log, Wanted(since=3, until=6, kind="user")) == [[3]]


def test_an_event_while_the_clock_was_set_back_is_found(log: Database) -> None:
    log.change(partial(events.record, event=BY_ALICE, now=4))
    assert numbers(log, Wanted(since=4, until=5)) == [[11, 4]]


def test_what_cannot_be_stored_is_in_no_event(log: Database) -> None:
    assert find_events(log.reader(), Wanted(project="\0"), 4) == ([], None)
