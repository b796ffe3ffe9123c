"""What became of commissions, newest first (docs/ledger.md)."""

from typing import Any

import pytest

from astakos.storage import opening
from astakos.storage.protocol import Database
from service.caller import COMMISSIONS, Caller
from service.installation import rows
from service.world import ALICE, BOB, COMPUTE_TOKEN, STORAGE_TOKEN, member_key, project_key

pytestmark = pytest.mark.ledger

U, V, P = member_key(ALICE), member_key(BOB), project_key()
HISTORY = f"{COMMISSIONS}/history"


def history(service: Caller, token: str, query: str = "") -> list[dict[str, Any]]:
    reply = service.get(f"{HISTORY}?{query}", token)
    assert reply.status == 200, reply.content
    entries: list[dict[str, Any]] = reply.document["history"]
    return entries


@pytest.fixture
def serials(service: Caller) -> list[int]:
    """Five commissions: accepted, rejected, settled for less, another component's, pending."""
    first = service.issued(COMPUTE_TOKEN, (U, 2), (P, 2), name="first")
    second = service.issued(COMPUTE_TOKEN, (V, 3))
    third = service.issued(COMPUTE_TOKEN, (U, 4))
    service.act(COMPUTE_TOKEN, first, "accept")
    service.act(COMPUTE_TOKEN, second, "reject")
    quantities = {"accept": {"quantities": [{**U._asdict(), "quantity": 1}]}}
    service.post(f"{COMMISSIONS}/{third}/action", COMPUTE_TOKEN, quantities)
    fourth = service.issued(STORAGE_TOKEN, (U, 1), auto_accept=True)
    return [first, second, third, fourth, service.issued(COMPUTE_TOKEN, (U, 1))]


def test_an_entry_tells_all(service: Caller, serials: list[int]) -> None:
    entry = history(service, COMPUTE_TOKEN, f"serial={serials[0]}&holder={U.holder}")[0]
    assert entry["log_time"] >= entry["issue_time"]
    assert {name: value for name, value in entry.items() if not name.endswith("_time")} == {
        "serial": serials[0],
        "component": "compute",
        "name": "first",
        "outcome": "ACCEPT",
        **U._asdict(),
        "quantity": 2,
        "settled": 2,
        "limit": 10,
        "usage_min": 2,
        "usage_max": 6,
    }


def test_a_component_sees_what_it_issued_newest_first(service: Caller, serials: list[int]) -> None:
    seen = [(e["serial"], e["outcome"], e["settled"]) for e in history(service, COMPUTE_TOKEN)]
    first, second, third, *_ = serials
    assert seen == [(third, "ACCEPT", 1), (second, "REJECT", 0), (first, "ACCEPT", 2), (first, "ACCEPT", 2)]


def test_a_user_sees_their_own_holdings_whoever_charged_them(service: Caller, serials: list[int]) -> None:
    seen = [(e["serial"], e["component"]) for e in history(service, ALICE.token)]
    assert seen == [(serials[3], "storage"), (serials[2], "compute"), (serials[0], "compute")]
    assert [e["serial"] for e in history(service, BOB.token)] == [serials[1]]
    assert [e["serial"] for e in history(service, BOB.token, f"holder={BOB.uuid}")] == [serials[1]]
    assert history(service, BOB.token, f"holder={ALICE.uuid}") == []
    assert history(service, BOB.token, f"holder={U.holder}") == []
    assert history(service, BOB.token, f"holder={P.holder}") == []


def test_filters(service: Caller, serials: list[int]) -> None:
    first, second, third, *_ = serials

    def seen(query: str) -> list[int]:
        return [entry["serial"] for entry in history(service, COMPUTE_TOKEN, query)]

    assert seen(f"holder={V.holder}") == [second]
    assert seen(f"holder={BOB.uuid}") == [second]
    assert seen(f"holder={BOB.uuid.upper()}") == [second]
    assert seen("source=") == [first]
    assert seen(f"source={str(U.source).removeprefix('project:')}") == [third, second, first]
    assert seen(f"source={U.source}") == [third, second, first]
    assert seen("resource=compute.ram") == []
    assert seen("resource=compute.vm&outcome=REJECT") == [second]
    assert seen(f"serial={third}") == [third]
    assert seen("outcome=EXPIRED") == []
    since = history(service, COMPUTE_TOKEN, f"serial={second}")[0]["log_time"].replace("+", "%2B")
    assert seen(f"since={since}") == [third, second]
    assert seen(f"until={since}") == [first, first]


def test_pages_follow_one_another(service: Caller) -> None:
    for number in range(7):
        service.issued(COMPUTE_TOKEN, (U, 1 - 2 * (number % 2)), (P, 1 - 2 * (number % 2)), auto_accept=True)
    whole = history(service, COMPUTE_TOKEN)
    assert len(whole) == 14
    for token, query, expected in (
        (COMPUTE_TOKEN, "limit=3", whole),
        (COMPUTE_TOKEN, f"limit=2&holder={U.holder}", [e for e in whole if e["holder"] == U.holder]),
        (ALICE.token, "limit=3", [e for e in whole if e["holder"] == U.holder]),
    ):
        pages: list[dict[str, Any]] = []
        cursor = ""
        for _ in range(20):
            document = service.get(f"{HISTORY}?{query}{cursor}", token).document
            pages += document["history"]
            if document["next"] is None:
                break
            cursor = f"&cursor={document['next']}"
        assert pages == expected


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("holder=", "holder"),
        (f"holder={ALICE.email}", "holder"),
        ("holder=%00", "holder"),
        ("source=system", "source"),
        (f"source={U.holder}", "source"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("serial=x", "serial"),
        ("serial=-1", "serial"),
        ("serial=99999999999999999999", "serial"),
        ("since=yesterday", "since"),
        ("since=2031-01-01T00:00:00", "since"),
        ("until=", "until"),
        ("outcome=MAYBE", "outcome"),
        ("cursor=x", "cursor"),
        ("cursor=1", "cursor"),
        ("cursor=1.2.3.4", "cursor"),
        ("cursor=1.2.x", "cursor"),
    ],
)
def test_a_wrong_filter_is_named(standing_service: Caller, query: str, named: str) -> None:
    reply = standing_service.get(f"{HISTORY}?{query}", COMPUTE_TOKEN)
    assert reply.status == 400
    assert reply.message.startswith(named)


def test_a_token_is_needed(standing_service: Caller) -> None:
    assert standing_service.get(HISTORY).status == 401
    assert standing_service.get(HISTORY, "unknown").status == 401
    reply = standing_service.post(HISTORY, COMPUTE_TOKEN, {})
    assert (reply.status, reply.headers["allow"]) == (405, "GET")


def test_an_empty_commission_leaves_no_entry(service: Caller) -> None:
    service.issued(COMPUTE_TOKEN, auto_accept=True)
    assert history(service, COMPUTE_TOKEN) == []


def test_old_entries_are_forgotten_only_where_that_is_set(
    service: Caller, database: Database, serials: list[int]
) -> None:
    store = opening.ledger_storage(database)
    later = 2**62
    store.tidy(later)
    assert len(history(service, COMPUTE_TOKEN)) == 4
    with database.transaction() as connection:
        connection.execute("INSERT INTO settings (name, value) VALUES ('history_days', '30')")
    store.tidy(later)
    assert history(service, COMPUTE_TOKEN) == []
    assert service.pending(COMPUTE_TOKEN) == [serials[4]]
    assert rows(database, "SELECT serial FROM pending_commissions") == [(serials[4],)]
    assert rows(database, "SELECT * FROM resolved_commissions") == []
    assert rows(database, "SELECT * FROM commission_holders") == []
    assert service.issued(COMPUTE_TOKEN, (V, 1)) > serials[4]
    store.close()


def test_a_project_is_a_holder_like_any_other(service: Caller, serials: list[int]) -> None:
    entries = history(service, COMPUTE_TOKEN, f"holder={P.holder}")
    assert [(entry["serial"], entry["source"]) for entry in entries] == [(serials[0], None)]


def test_a_commission_on_many_holders_stands_in_the_history_of_each(service: Caller) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 1), (V, 1), auto_accept=True)
    for person in (ALICE, BOB):
        assert [entry["serial"] for entry in history(service, person.token)] == [serial]
