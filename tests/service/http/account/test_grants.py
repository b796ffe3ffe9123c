"""Grants over HTTP: drawn on, shown with what is left, and listed."""

from typing import Any

import pytest

from astakos.administration.grants import GrantPlace, Terms, add_grant, revoke_grant
from astakos.administration.journal import Journal
from astakos.administration.load import load
from astakos.administration.state_document import ResourceEntry, StateDocument
from astakos.clock import DAY, to_iso
from astakos.events.event import OPERATOR
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.ledger.periods import HOUR, Unit
from astakos.ledger.rules import UNLIMITED
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, COMMISSIONS, Caller, Reply
from service.http.keyed import text_of
from service.installation import running, set_limits
from service.simulated_clock import SimulatedClock
from service.world import ALICE, COMPUTE_TOKEN, LAB, LOADED, VM, member_key, project_key

pytestmark = pytest.mark.ledger

START = LOADED - LOADED % DAY + HOUR
MIDNIGHT = START - HOUR + DAY
DAILY = f"{VM}/day"
U, P = member_key(ALICE), project_key()
MEMBER, PROJECT = GrantPlace(ALICE.uuid, LAB, VM), GrantPlace(None, LAB, VM)


@pytest.fixture
def clock(database: Database) -> SimulatedClock:
    """Each member may have 5 machines a day, and what is left over of 2 of them in the next one."""
    daily = ResourceEntry(name=DAILY, service="compute_api", meter=MeterDefinition(unit=Unit.DAY, rollover=2))
    load(database, StateDocument(resources=[daily]), LOADED)
    limits = {U: UNLIMITED, P: UNLIMITED, U._replace(resource=DAILY): 5}
    with database.transaction() as connection:
        set_limits(connection, limits.items())
    return SimulatedClock(database, START)


def give(database: Database, place: GrantPlace, amount: int, **terms: Any) -> int:
    def change(connection: Any) -> int:
        with Journal(connection, OPERATOR, LOADED) as journal:
            return add_grant(connection, journal, place, Terms(amount, START, **terms), START)

    return database.change(change)


def charge(caller: Caller, quantity: int, **more: Any) -> Reply:
    provisions = [{**key._asdict(), "quantity": quantity} for key in (U, P)]
    return caller.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": provisions, "auto_accept": True, **more})


def quotas(caller: Caller) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = caller.get(f"{ACCOUNT}/quotas", ALICE.token).document[LAB]
    return found


def test_quotas_show_grants_and_what_is_left_of_each(database: Database, clock: SimulatedClock) -> None:
    with running(database, now=lambda: clock.now) as caller:
        assert "grants" not in quotas(caller)[VM]
        second = give(database, MEMBER, 10, note="größer", priority=7)
        first = give(database, MEMBER, 4, expires=START + 9 * DAY, lifts=("day",))
        theirs = give(database, PROJECT, 20)
        assert charge(caller, 8).status == 201
        found = quotas(caller)[VM]
        assert found["grants"] == [
            {
                "id": first,
                "amount": 4,
                "left": 1,
                "starts": to_iso(START),
                "expires": to_iso(START + 9 * DAY),
                "priority": 100,
                "note": "",
                "lifts": [DAILY],
            },
            {
                "id": second,
                "amount": 10,
                "left": 10,
                "starts": to_iso(START),
                "expires": None,
                "priority": 7,
                "note": "größer",
                "lifts": [DAILY],
            },
        ]
        assert [one["id"] for one in found["project_grants"]] == [theirs]
        assert "grants" not in quotas(caller)[DAILY]
        everybody = caller.get(f"{ACCOUNT}/service_quotas", COMPUTE_TOKEN).document
        assert everybody[ALICE.uuid][LAB][VM] == found
        one = caller.get(f"{ACCOUNT}/service_quotas?user={ALICE.uuid}", COMPUTE_TOKEN).document
        assert one[ALICE.uuid][LAB][VM] == found
        for query in ("", f"?project={LAB}"):
            project = caller.get(f"{ACCOUNT}/service_project_quotas{query}", COMPUTE_TOKEN).document
            assert project[LAB][VM]["project_grants"] == found["project_grants"]
        clock.set(START + 400 * DAY)
        assert [one["id"] for one in quotas(caller)[VM]["grants"]] == [second]


def test_what_was_left_over_is_shown_beside_the_meter(database: Database, clock: SimulatedClock) -> None:
    with running(database, now=lambda: clock.now) as caller:
        assert charge(caller, 1).status == 201
        assert "grants" not in quotas(caller)[DAILY]
        clock.set(START + DAY)
        left_over = {
            "id": None,
            "amount": 2,
            "left": 2,
            "starts": to_iso(MIDNIGHT),
            "expires": to_iso(MIDNIGHT + DAY),
            "priority": 0,
            "note": "left over from the period before",
            "lifts": [DAILY],
        }
        found = quotas(caller)[DAILY]
        assert (found["usage"], found["limit"], found["grants"]) == (0, 5, [left_over])
        assert charge(caller, 6).status == 201
        found = quotas(caller)[DAILY]
        assert (found["usage"], found["pending"], found["grants"]) == (5, 0, [left_over | {"left": 1}])
        everybody = caller.get(f"{ACCOUNT}/service_quotas", COMPUTE_TOKEN).document
        assert everybody[ALICE.uuid][LAB][DAILY] == found
        refused = charge(caller, 2).document["overLimit"]
        assert refused["data"]["available"] == 1
        assert refused["message"].startswith(f"The quantity would exceed the limit of {DAILY} and its grants")


def test_a_refusal_says_what_is_available_with_grants(database: Database, clock: SimulatedClock) -> None:
    give(database, MEMBER, 10)
    with running(database, now=lambda: clock.now) as caller:
        assert charge(caller, 8).status == 201
        refused = charge(caller, 8)
        data = refused.document["overLimit"]["data"]
        assert (data["usage"], data["limit"], data["available"]) == (5, 5, 7)
        (told,) = caller.get(f"{ACCOUNT}/quotas/refusals", ALICE.token).document
        assert (told["requested"], told["available"], told["limit"]) == (8, 7, 5)
        assert data["resets"] == to_iso(MIDNIGHT)
        assert refused.headers["ratelimit"].startswith(f'"{DAILY}";r=7;')
        named = {"holder": U.holder, "source": U.source, "resource": f"{VM}/grant-1", "quantity": 1}
        refused = caller.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": [named]})
        assert refused.status == 400
        assert f"{VM}/grant-1 is a grant of {VM}" in refused.message
        clock.set(START + 1)
        pending = charge(caller, 1, auto_accept=False).document["serial"]
        grown = {"quantities": [{**U._asdict(), "quantity": 20}, {**P._asdict(), "quantity": 20}]}
        refused = caller.post(f"{COMMISSIONS}/{pending}/action", COMPUTE_TOKEN, {"grow": grown})
        of_growth = refused.document["overLimit"]["data"]
        told = caller.get(f"{ACCOUNT}/quotas/refusals", ALICE.token).document[0]
        assert told["requested"] == of_growth["provision"]["quantity"] == 19
        assert told["available"] == of_growth["available"] == 6


def test_users_list_what_they_were_given(database: Database, clock: SimulatedClock) -> None:
    numbers = [
        give(database, MEMBER, 10, expires=START + DAY),
        give(database, GrantPlace(ALICE.uuid, None, VM), 20),
        give(database, MEMBER, 1, expires=START + 2 * DAY),
        give(database, PROJECT, 40),
    ]

    def change(connection: Any) -> None:
        with Journal(connection, OPERATOR, LOADED) as journal:
            revoke_grant(connection, journal, numbers[1])

    database.change(change)
    with running(database, now=lambda: clock.now) as caller:
        assert charge(caller, 6).status == 201
        clock.set(START + DAY)
        found = caller.get(f"{ACCOUNT}/quotas/grants", ALICE.token).document
        told = [(one["id"], one["project"], one["state"], one["left"]) for one in found]
        assert told == [
            (numbers[2], LAB, "open", 1),
            (numbers[1], ALICE.uuid, "revoked", 0),
            (numbers[0], LAB, "expired", 0),
        ]
        assert found[0]["resource"] == VM
        page = caller.get(f"{ACCOUNT}/quotas/grants?before={numbers[2]}&limit=1", ALICE.token).document
        assert [one["id"] for one in page] == [numbers[1]]
        key = text_of(caller, ALICE.token, project=LAB)
        assert caller.get(f"{ACCOUNT}/quotas/grants", key).document == [found[0], found[2]]
        for wrong in ("0", "x", str(2**63)):
            assert caller.get(f"{ACCOUNT}/quotas/grants?before={wrong}", ALICE.token).status == 400
