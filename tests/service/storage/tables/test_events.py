from functools import partial

import pytest

from astakos.events.chain import START, link
from astakos.events.event import OPERATOR, Event
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import events
from service.installation import all_rows

pytestmark = pytest.mark.every_engine
EVENT = Event("project.suspended", OPERATOR, "p", reason="unpaid", before={"state": "active"}, after={})


def test_events_are_numbered_and_chained(database: Database) -> None:
    for number in (1, 2, 3):
        assert database.change(partial(events.record, event=EVENT, now=number)) == number
    head = START
    for row in all_rows(database)["events"]:
        assert isinstance(row[-1], bytes)
        head = link(head, [_plain(value) for value in row[:-1]])
        assert row[-1] == head


def _plain(value: object) -> str | int | None:
    assert value is None or isinstance(value, str | int)
    return value


def test_an_event_is_gone_if_its_transaction_fails(database: Database) -> None:
    def fail(connection: Connection) -> None:
        events.record(connection, EVENT, 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.change(fail)
    assert all_rows(database)["events"] == []
