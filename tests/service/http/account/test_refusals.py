"""What was refused lately, as users and components see it."""

import pytest

from astakos.administration.state_document import ResourceEntry
from astakos.clock import to_iso
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.ledger.periods import Unit
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, COMMISSIONS, Caller, Reply
from service.command import astakos
from service.http.keyed import made
from service.installation import running, set_limits
from service.metered import DAILY, START, Laboratory
from service.world import ALICE, BOB, COMPUTE_TOKEN, LAB, STORAGE_TOKEN, VM, Person, member_key, project_key

pytestmark = pytest.mark.ledger

METER = MeterDefinition(unit=Unit.DAY)
OWN, OF_SERVICE = f"{ACCOUNT}/quotas/refusals", f"{ACCOUNT}/service_quotas/refusals"


@pytest.fixture
def lab(database: Database) -> Laboratory:
    return Laboratory(database)


def charge(caller: Caller, quantity: int, person: Person = ALICE, **more: object) -> Reply:
    provisions = [{**key._asdict(), "quantity": quantity} for key in (member_key(person), project_key())]
    return caller.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": provisions, "auto_accept": True, **more})


def test_users_see_their_own_and_components_those_of_their_resources(lab: Laboratory) -> None:
    with running(lab.database, now=lambda: lab.clock.now) as caller:
        assert caller.get(OWN, ALICE.token).document == []
        assert charge(caller, 60).status == 201
        assert charge(caller, 41).status == 413
        assert charge(caller, 41, dry_run=True).status == 413
        lab.wait(60)
        assert charge(caller, 91, BOB).status == 413
        told = {
            "time": to_iso(START),
            "component": "compute",
            "charged": member_key(ALICE).holder,
            **member_key(ALICE)._asdict(),
            "resource": DAILY,
            "level": "user",
            "requested": 41,
            "available": 40,
            "limit": 100,
        }
        assert caller.get(OWN, ALICE.token).document == [told]
        (of_bob,) = caller.get(OWN, BOB.token).document
        assert (of_bob["level"], of_bob["holder"], of_bob["source"]) == (
            "project",
            project_key().holder,
            None,
        )
        assert (of_bob["charged"], of_bob["available"]) == (member_key(BOB).holder, 90)
        assert caller.get(OF_SERVICE, COMPUTE_TOKEN).document == [of_bob, told]
        assert caller.get(f"{OF_SERVICE}?user={ALICE.uuid}", COMPUTE_TOKEN).document == [told]
        assert caller.get(f"{OF_SERVICE}?limit=1", COMPUTE_TOKEN).document == [of_bob]
        assert caller.get(OF_SERVICE, STORAGE_TOKEN).document == []
        assert caller.get(OF_SERVICE, ALICE.token).status == 401
        assert caller.get(f"{OWN}?limit=0", ALICE.token).status == 400


def test_the_key_of_a_project_sees_those_in_it_and_its_own(lab: Laboratory) -> None:
    own = member_key(ALICE, ALICE.uuid), project_key(ALICE.uuid)
    with lab.database.transaction() as connection:
        set_limits(connection, [(own[0]._replace(resource=DAILY), 1)])
    with running(lab.database, now=lambda: lab.clock.now) as caller:
        limits = {DAILY: 3}
        bound = made(caller, ALICE.token, limits=limits, project=LAB)
        other = made(caller, ALICE.token, limits=limits)
        assert charge(caller, 101).status == 413
        assert charge(caller, 4, key=bound["prefix"]).status == 413
        assert charge(caller, 5, key=other["prefix"]).status == 413
        assert caller.issue(COMPUTE_TOKEN, *((key, 2) for key in own)).status == 413
        assert len(caller.get(OWN, ALICE.token).document) == len(caller.get(OWN, other["key"]).document) == 4
        found = caller.get(OWN, bound["key"]).document
        assert {(one["level"], one["requested"]) for one in found} == {("key", 4), ("user", 101)}


def test_what_users_do_not_see_is_not_told_to_them(lab: Laboratory) -> None:
    lab.set_up(
        ResourceEntry(
            name=DAILY, service="compute_api", api_visible=False, meter=MeterDefinition(unit=Unit.DAY)
        )
    )
    with running(lab.database, now=lambda: lab.clock.now) as caller:
        assert charge(caller, 101).status == 413
        assert caller.get(OWN, ALICE.token).document == []
        assert len(caller.get(OF_SERVICE, COMPUTE_TOKEN).document) == 1


def test_each_of_a_bulk_is_told(lab: Laboratory) -> None:
    provisions = [{**key._asdict(), "quantity": 101} for key in (member_key(ALICE), project_key())]
    with running(lab.database, now=lambda: lab.clock.now) as caller:
        body = {"commissions": [{"provisions": provisions}] * 3}
        assert caller.post(f"{COMMISSIONS}/bulk", COMPUTE_TOKEN, body).status == 200
        assert len(caller.get(OWN, ALICE.token).document) == 3


def test_the_command_shows_them(lab: Laboratory) -> None:
    with running(lab.database, now=lambda: lab.clock.now) as caller:
        assert charge(caller, 101).status == 413

        def shown(token: str, *options: str) -> list[dict[str, object]]:
            asking = ("quota", "refusals", "--url", caller.base_url, "--token", token)
            done = astakos(lab.database, *asking, *options, "--json")
            assert done.status == 0, done.errors
            found: list[dict[str, object]] = done.document
            return found

        (of_alice,) = shown(ALICE.token)
        assert (of_alice["resource"], of_alice["requested"], of_alice["available"]) == (DAILY, 101, 100)
        assert of_alice["time"] == to_iso(START)
        assert shown(COMPUTE_TOKEN, "--service", "--user", ALICE.uuid) == [of_alice]
        assert shown(COMPUTE_TOKEN, "--service", "--user", BOB.uuid) == shown(BOB.token) == []
        table = astakos(
            lab.database, "quota", "refusals", "--url", caller.base_url, "--token", ALICE.token
        ).output
        assert DAILY in table
        wrong = astakos(
            lab.database, "quota", "refusals", "--url", caller.base_url, "--token", "x", "--user", "y"
        )
        assert wrong.status == 2


def test_a_shadow_is_told_in_the_answer(lab: Laboratory) -> None:
    lab.set_up(
        ResourceEntry(name=DAILY, service="compute_api", shadow=True, meter=MeterDefinition(unit=Unit.DAY))
    )
    with running(lab.database, now=lambda: lab.clock.now) as caller:
        told = {
            "provision": {**member_key(ALICE)._asdict(), "resource": DAILY, "quantity": 101},
            "usage": 0,
            "limit": 100,
            "level": "user",
        }
        question = charge(caller, 101, dry_run=True)
        assert (question.status, question.document) == (200, {"serial": None, "would_refuse": [told]})
        issued = charge(caller, 101)
        assert (issued.status, issued.document["would_refuse"]) == (201, [told])
        assert "would_refuse" not in charge(caller, 0).document
        assert caller.get(OWN, ALICE.token).document == []
        assert caller.get(f"{ACCOUNT}/resources").document[DAILY]["shadow"] is True
        assert "shadow" not in caller.get(f"{ACCOUNT}/resources").document[VM]
