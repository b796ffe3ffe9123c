"""Meters over HTTP: charged, refused, reset and shown."""

import contextlib
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from astakos.administration.load import load
from astakos.administration.state_document import CapacityEntry, ResourceEntry, StateDocument
from astakos.clock import DAY, MICROSECONDS, to_iso
from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.periods import HOUR, Unit
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, COMMISSIONS, Caller, Reply
from service.installation import rows, running
from service.simulated_clock import SimulatedClock
from service.world import ALICE, BOB, COMPUTE_TOKEN, LAB, LOADED, VM, member_key, project_key, projects

pytestmark = pytest.mark.ledger

START = LOADED - LOADED % DAY + HOUR
DAILY, RATE = f"{VM}/day", f"{VM}/per-minute"
U, P = member_key(ALICE), project_key()
MIDNIGHT = to_iso(START - HOUR + DAY)


@pytest.fixture
def clock(database: Database) -> SimulatedClock:
    """The laboratory may have 8 machines a day, each member 5, and 3 a minute."""
    lab = next(project for project in projects() if project.uuid == LAB)
    daily, rate = (
        CapacityEntry(project_capacity=8, member_capacity=5),
        CapacityEntry(project_capacity=8, member_capacity=3),
    )
    document = StateDocument(
        resources=[
            ResourceEntry(name=DAILY, service="compute_api", meter=MeterDefinition(unit=Unit.DAY)),
            ResourceEntry(
                name=RATE, service="compute_api", meter=MeterDefinition(kind=Kind.RATE, unit=Unit.MINUTE)
            ),
        ],
        projects=[msgspec.structs.replace(lab, resources={**lab.resources, DAILY: daily, RATE: rate})],
    )
    load(database, document, LOADED)
    return SimulatedClock(database, START)


def charge(caller: Caller, quantity: int, **more: Any) -> Reply:
    provisions = [{**key._asdict(), "quantity": quantity} for key in (U, P)]
    return caller.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": provisions, "auto_accept": True, **more})


def quota(caller: Caller, resource: str) -> dict[str, Any]:
    found: dict[str, Any] = caller.get(f"{ACCOUNT}/quotas", ALICE.token).document[LAB][resource]
    return found


def test_a_meter_refuses_until_it_resets(database: Database, clock: SimulatedClock) -> None:
    with running(database, now=lambda: clock.now) as caller:
        assert charge(caller, 3).status == 201
        clock.set(clock.now + HOUR)
        refused = charge(caller, 3)
        assert refused.status == 413
        data = refused.document["overLimit"]["data"]
        assert data["provision"] == {**U._asdict(), "resource": DAILY, "quantity": 3}
        assert (data["level"], data["usage"], data["limit"], data["resets"]) == ("user", 3, 5, MIDNIGHT)
        assert refused.headers["ratelimit-policy"] == f'"{DAILY}";q=5;w=86400'
        assert refused.headers["ratelimit"] == f'"{DAILY}";r=2;t={22 * 3600}'
        assert "retry-after" not in refused.headers
        clock.set(clock.now + DAY)
        assert charge(caller, 3).status == 201


def test_one_may_try_again_when_a_rate_has_drained(database: Database, clock: SimulatedClock) -> None:
    with running(database, now=lambda: clock.now) as caller:
        assert charge(caller, 3).status == 201
        refused = charge(caller, 1)
        assert refused.status == 413
        assert refused.document["overLimit"]["data"]["provision"]["resource"] == RATE
        assert refused.headers["retry-after"] == "20"
        clock.set(clock.now + 20 * MICROSECONDS)
        assert charge(caller, 1).status == 201


def test_quotas_are_shown_as_they_are_at_present(database: Database, clock: SimulatedClock) -> None:
    with running(database, now=lambda: clock.now) as caller:
        assert charge(caller, 3).status == 201
        assert "resets" not in quota(caller, VM)
        shown = quota(caller, DAILY)
        assert (shown["usage"], shown["limit"], shown["project_usage"]) == (3, 5, 3)
        assert (shown["period"], shown["resets"]) == ("each day", MIDNIGHT)
        assert quota(caller, RATE)["period"] == "per minute"
        clock.set(clock.now + 20 * MICROSECONDS)
        assert quota(caller, RATE)["usage"] == 2
        clock.set(clock.now + DAY)
        assert [quota(caller, name)["usage"] for name in (DAILY, RATE)] == [0, 0]
        for path, document in (
            (f"{ACCOUNT}/service_quotas?user={ALICE.uuid}", [ALICE.uuid, LAB]),
            (f"{ACCOUNT}/service_project_quotas?project={LAB}", [LAB]),
        ):
            found = caller.get(path, COMPUTE_TOKEN).document
            for name in document:
                found = found[name]
            assert found[DAILY]["project_usage"] == 0
            assert found[DAILY]["resets"] == to_iso(START - HOUR + 2 * DAY)


def test_a_meter_is_hidden_in_commissions_and_cannot_be_charged(
    database: Database, clock: SimulatedClock
) -> None:
    with running(database, now=lambda: clock.now) as caller:
        serial = charge(caller, 2, auto_accept=False).document["serial"]
        (told, _) = caller.get(f"{COMMISSIONS}/{serial}", COMPUTE_TOKEN).document["provisions"]
        assert told["resource"] == VM
        provisions = [{**U._asdict(), "resource": DAILY, "quantity": 1}]
        refused = caller.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": provisions})
        assert refused.status == 400
        assert f"{DAILY} is a meter of {VM}" in refused.message
        named = {"accept": {"quantities": provisions}}
        assert caller.post(f"{COMMISSIONS}/{serial}/action", COMPUTE_TOKEN, named).status == 400
        settled = [{**key._asdict(), "quantity": 1} for key in (U, P)]
        accepted = {"accept": {"quantities": settled}}
        assert caller.post(f"{COMMISSIONS}/{serial}/action", COMPUTE_TOKEN, accepted).status == 200
        assert (quota(caller, DAILY)["usage"], quota(caller, DAILY)["pending"]) == (1, 0)


def test_a_meter_cannot_be_reconciled(database: Database, clock: SimulatedClock) -> None:
    with running(database, now=lambda: clock.now) as caller:
        usage = [{**U._asdict(), "resource": DAILY, "usage": 1}]
        refused = caller.post(f"{ACCOUNT}/reconcile", COMPUTE_TOKEN, {"usage": usage})
        assert refused.status == 400
        assert f"{DAILY} is a meter of {VM}" in refused.message


def test_one_can_ask_without_taking(database: Database, clock: SimulatedClock) -> None:
    with running(database, now=lambda: clock.now) as caller:
        asked = charge(caller, 3, dry_run=True)
        assert (asked.status, asked.document) == (200, {"serial": None})
        assert charge(caller, 4, dry_run=True).status == 413
        assert quota(caller, VM)["usage"] == 0


def test_one_can_have_what_there_is(database: Database, clock: SimulatedClock) -> None:
    with running(database, now=lambda: clock.now) as caller:
        granted = charge(caller, 9, at_most=True)
        assert granted.status == 201
        assert granted.document["granted"] == [{**key._asdict(), "quantity": 3} for key in (U, P)]
        assert quota(caller, VM)["usage"] == 3
        assert charge(caller, 9, at_most=True).status == 413
        clock.set(clock.now + HOUR)
        asked = charge(caller, 9, at_most=True, dry_run=True)
        assert asked.document["granted"][0]["quantity"] == 2
        old = [{"holder": ALICE.uuid, "source": LAB, "resource": VM, "quantity": 9}]
        told = caller.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": old, "at_most": True})
        assert told.document["granted"] == [{**old[0], "quantity": 2}]


def test_what_was_used_is_told_period_by_period(database: Database, clock: SimulatedClock) -> None:
    with running(database, now=lambda: clock.now) as caller:
        for quantity in (2, 3, 1):
            assert charge(caller, quantity).status == 201
            clock.set(clock.now + DAY)
        path = f"{ACCOUNT}/quotas/periods?resource={DAILY}"
        found = caller.get(path, ALICE.token).document
        assert [(one["used"], one["is_over"]) for one in found] == [
            (0, False),
            (1, True),
            (3, True),
            (2, True),
        ]
        assert {one["project"] for one in found} == {LAB}
        assert found[-1] == {
            "project": LAB,
            "start": to_iso(START - HOUR),
            "end": MIDNIGHT,
            "used": 2,
            "is_over": True,
        }
        page = caller.get(f"{path}&limit=2&before={quote(found[1]['start'])}", ALICE.token).document
        assert page == found[2:]
        of_rate = caller.get(f"{ACCOUNT}/quotas/periods?resource={RATE}", ALICE.token)
        assert (of_rate.status, of_rate.document) == (200, [])
        for resource in (VM, "none"):
            other = caller.get(f"{ACCOUNT}/quotas/periods?resource={resource}", ALICE.token)
            assert (other.status, f"'{resource}' is not a meter" in other.message) == (400, True)
        assert caller.get(f"{ACCOUNT}/quotas/periods", ALICE.token).status == 400
        assert caller.get(f"{path}&before=yesterday", ALICE.token).status == 400


def test_what_a_key_has_used_is_told_period_by_period(database: Database, clock: SimulatedClock) -> None:
    with running(database, now=lambda: clock.now) as caller:
        wanted = ({"limits": {DAILY: 5}}, {"project": LAB}, {"project": LAB, "limits": {DAILY: 5}})
        key, bound, limited = (
            caller.post(f"{ACCOUNT}/keys", ALICE.token, {"name": "n", **one}).document for one in wanted
        )
        for quantity in (2, 1):
            assert charge(caller, quantity, key=key["prefix"]).status == 201
            assert charge(caller, 1, key=limited["prefix"]).status == 201
            clock.set(clock.now + DAY)
        path = f"{ACCOUNT}/quotas/periods?resource={DAILY}&key="
        found = caller.get(path + key["prefix"], key["key"]).document
        assert [(one["used"], one["is_over"], one["project"]) for one in found] == [
            (0, False, None),
            (1, True, None),
            (2, True, None),
        ]
        page = f"{path}{key['prefix']}&limit=1&before={quote(found[1]['start'])}"
        assert caller.get(page, ALICE.token).document == found[2:]
        assert caller.get(path + bound["prefix"], ALICE.token).document == []
        (_, _, first) = caller.get(path + limited["prefix"], limited["key"]).document
        assert first["used"] == 1
        for prefix, token in (
            (key["prefix"], limited["key"]),
            (key["prefix"], BOB.token),
            ("astk_aaaaaaaa", ALICE.token),
        ):
            assert caller.get(path + prefix, token).status == 404
        assert caller.get(f"{path}key", ALICE.token).status == 400


def test_periods_are_kept_for_a_thousand_of_their_lengths(database: Database, clock: SimulatedClock) -> None:
    with running(database, now=lambda: clock.now) as caller:
        charge(caller, 2)
        clock.set(clock.now + DAY)
        charge(caller, 2)
    counting = "SELECT count(*) FROM closed_periods"
    with contextlib.closing(ledger_storage(database)) as store:
        store.tidy(START - HOUR + 1001 * DAY)
        assert rows(database, counting) == [(2,)]
        store.tidy(START - HOUR + 1001 * DAY + 1)
        assert rows(database, counting) == [(0,)]
