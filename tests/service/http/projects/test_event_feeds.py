import pytest

from astakos.events.event import Actor, Event
from astakos.storage.protocol import Database
from astakos.storage.tables import events as event_log
from service.caller import ACCOUNT, Caller
from service.command import astakos
from service.world import ALICE, BOB, CHLOE, COMPUTE_TOKEN, LAB, UNKNOWN_UUID

pytestmark = pytest.mark.every_engine
ALL = f"{ACCOUNT}/events"
OF_LAB = f"{ACCOUNT}/projects/{LAB}/events"
BY_BOB = Event("project.shown", Actor(BOB.uuid, "192.0.2.7"), LAB, BOB.uuid, "why", None, {"a": [1]})


def record(database: Database, event: Event) -> int:
    return database.change(lambda connection: event_log.record(connection, event, 0))


def test_administrators_read_all_events_in_pages(service: Caller, database: Database) -> None:
    number = record(database, BY_BOB)
    found, after = [], 0
    while True:
        page = service.get(f"{ALL}?limit=7&after={after}", CHLOE.token).document
        if not page["events"]:
            break
        found += page["events"]
        after = page["next"]
    assert [event["number"] for event in found] == list(range(1, number + 1))
    assert page["next"] == number
    assert found[-1] == {
        "number": number,
        "time": "1970-01-01T00:00:00+00:00",
        "kind": "project.shown",
        "actor": BOB.uuid,
        "origin": "192.0.2.7",
        "key": None,
        "project": LAB,
        "user": BOB.uuid,
        "reason": "why",
        "before": None,
        "after": {"a": [1]},
        "hash": astakos(database, "audit", "head", "--json").document["hash"],
    }
    assert service.get(f"{ALL}?limit=1000", CHLOE.token).document["events"] == found


def test_a_feed_continues_with_what_happens_later(service: Caller, database: Database) -> None:
    seen = service.get(f"{OF_LAB}?limit=1000", CHLOE.token).document["next"]
    assert service.get(f"{OF_LAB}?after={seen}", CHLOE.token).document == {"events": [], "next": seen}
    record(database, BY_BOB._replace(project=None))
    number = record(database, BY_BOB)
    page = service.get(f"{OF_LAB}?after={seen}", CHLOE.token).document
    assert ([event["number"] for event in page["events"]], page["next"]) == ([number], number)


def test_the_owner_reads_the_events_of_the_project_but_not_where_others_called_from(
    service: Caller, database: Database
) -> None:
    record(database, BY_BOB)
    record(database, BY_BOB._replace(actor=Actor(ALICE.uuid, "192.0.2.8")))
    events = service.get(OF_LAB, ALICE.token).document["events"]
    assert {event["project"] for event in events} == {LAB}
    assert [event["origin"] for event in events[-2:]] == [None, "192.0.2.8"]
    assert events[0]["origin"] == "command"


def test_others_read_none(service: Caller) -> None:
    for path in (ALL, OF_LAB):
        assert service.get(path, BOB.token).status == 403
        assert service.get(path, COMPUTE_TOKEN).status == 401
    assert service.get(ALL, ALICE.token).status == 403
    assert service.get(f"{ACCOUNT}/projects/{UNKNOWN_UUID}/events", CHLOE.token).status == 404


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("after=x", "after must be a number, not 'x'."),
        (f"after={2**63}", f"after must be a number, not '{2**63}'."),
        ("limit=1001", "limit must be a number from 1 to 1000, not '1001'."),
    ],
)
def test_a_wrong_parameter_is_refused(service: Caller, query: str, message: str) -> None:
    reply = service.get(f"{ALL}?{query}", CHLOE.token)
    assert (reply.status, reply.message) == (400, message)
