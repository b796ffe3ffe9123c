import threading
from collections.abc import Iterable
from typing import Any

import pytest

from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import memberships
from astakos.storage.tables import quotas as stored
from astakos.storage.tables.quotas import UserQuota
from service.caller import ACCOUNT, Caller
from service.installation import rows
from service.world import (
    ALICE,
    BOB,
    CHLOE,
    CLOSED,
    COMPUTE_TOKEN,
    DORA,
    EDGAR,
    FAY,
    GREG,
    HALTED,
    HUGO,
    IVAN,
    LAB,
    RAM,
    SPACE,
    STORAGE_TOKEN,
    TOTAL_RAM,
    UNKNOWN_UUID,
    VM,
    member_key,
    project_key,
)

pytestmark = pytest.mark.every_engine

QUOTAS = f"{ACCOUNT}/quotas"
SERVICE_QUOTAS = f"{ACCOUNT}/service_quotas"
PROJECT_QUOTAS = f"{ACCOUNT}/service_project_quotas"
GIB = 2**30
UNLIMITED = 2**63 - 1


def unused(limit: int, project_limit: int) -> dict[str, int]:
    return {
        "limit": limit,
        "usage": 0,
        "pending": 0,
        "project_limit": project_limit,
        "project_usage": 0,
        "project_pending": 0,
    }


def unused_project(limit: int) -> dict[str, int]:
    return {"project_limit": limit, "project_usage": 0, "project_pending": 0}


def test_users_see_visible_resources_of_the_projects_that_they_draw_from(standing_service: Caller) -> None:
    assert standing_service.get(QUOTAS, ALICE.token).document == {
        ALICE.uuid: {
            VM: unused(4, 4),
            RAM: unused(8 * GIB, 8 * GIB),
            SPACE: unused(10 * GIB, 10 * GIB),
        },
        LAB: {VM: unused(10, 12), RAM: unused(GIB, GIB), SPACE: unused(400, 1000)},
        HALTED: {VM: unused(0, 0), RAM: unused(0, 0), SPACE: unused(0, 0)},
        CLOSED: {VM: unused(0, 0), RAM: unused(0, 0), SPACE: unused(0, 0)},
    }


def test_a_leave_that_is_requested_is_no_leave_and_a_removal_is(standing_service: Caller) -> None:
    assert set(standing_service.get(QUOTAS, BOB.token).document) == {BOB.uuid, LAB, HALTED}
    assert set(standing_service.get(QUOTAS, CHLOE.token).document) == {CHLOE.uuid}


def test_quotas_that_were_declared_replace_the_default(standing_service: Caller) -> None:
    assert standing_service.get(QUOTAS, BOB.token).document[BOB.uuid][VM] == unused(7, 7)


def test_a_suspended_member_does_not_see_the_project(database: Database, service: Caller) -> None:
    rows(
        database,
        "UPDATE memberships SET state = 'suspended' WHERE user_id = 1 AND project_id = "
        "(SELECT id FROM projects WHERE uuid = ?)",
        LAB,
    )
    assert LAB not in service.get(QUOTAS, ALICE.token).document


def test_a_user_who_draws_from_nothing_sees_nothing(database: Database, service: Caller) -> None:
    rows(database, "UPDATE memberships SET state = 'removed' WHERE user_id = 3")
    assert service.get(QUOTAS, CHLOE.token).document == {}


def test_a_deleted_project_is_no_source(database: Database, service: Caller) -> None:
    rows(database, "UPDATE projects SET state = 'deleted' WHERE uuid = ?", LAB)
    assert LAB not in service.get(QUOTAS, ALICE.token).document
    assert LAB not in service.get(PROJECT_QUOTAS, COMPUTE_TOKEN).document


def test_services_see_their_own_resources_visible_or_not(standing_service: Caller) -> None:
    compute = standing_service.get(SERVICE_QUOTAS, COMPUTE_TOKEN).document
    storage = standing_service.get(SERVICE_QUOTAS, STORAGE_TOKEN).document
    assert {name for user in compute.values() for of in user.values() for name in of} == {VM, RAM, TOTAL_RAM}
    assert {name for user in storage.values() for of in user.values() for name in of} == {SPACE}
    assert compute[ALICE.uuid][LAB] == {
        VM: unused(10, 12),
        RAM: unused(GIB, GIB),
        TOTAL_RAM: unused(UNLIMITED, UNLIMITED),
    }
    assert storage[ALICE.uuid][LAB] == {SPACE: unused(400, 1000)}


def test_services_see_users_of_all_states_with_a_verified_address(standing_service: Caller) -> None:
    document = standing_service.get(SERVICE_QUOTAS, COMPUTE_TOKEN).document
    with_projects = (ALICE, BOB, CHLOE, EDGAR, FAY, HUGO)
    assert set(document) == {person.uuid for person in with_projects}
    assert document[HUGO.uuid] == {HUGO.uuid: {VM: unused(0, 0), RAM: unused(0, 0), TOTAL_RAM: unused(0, 0)}}


def test_services_see_what_is_left_in_projects_that_users_have_left(standing_service: Caller) -> None:
    document = standing_service.get(SERVICE_QUOTAS, COMPUTE_TOKEN).document
    assert document[CHLOE.uuid][CLOSED][VM] == unused(0, 0)
    assert set(document[BOB.uuid]) == {BOB.uuid, LAB, HALTED}


def test_services_do_not_see_users_without_a_verified_address(database: Database, service: Caller) -> None:
    rows(database, "UPDATE users SET email_verified = FALSE WHERE uuid = ?", BOB.uuid)
    assert BOB.uuid not in service.get(SERVICE_QUOTAS, COMPUTE_TOKEN).document


def test_services_see_what_projects_use(standing_service: Caller) -> None:
    document = standing_service.get(PROJECT_QUOTAS, COMPUTE_TOKEN).document
    assert set(document) == {LAB, HALTED, CLOSED} | {
        person.uuid for person in (ALICE, BOB, CHLOE, EDGAR, FAY, HUGO)
    }
    assert document[LAB] == {
        VM: unused_project(12),
        RAM: unused_project(GIB),
        TOTAL_RAM: unused_project(UNLIMITED),
    }
    assert document[HALTED][VM] == document[CLOSED][VM] == unused_project(0)
    assert document[BOB.uuid][VM] == unused_project(7)
    assert standing_service.get(PROJECT_QUOTAS, STORAGE_TOKEN).document[LAB] == {SPACE: unused_project(1000)}


def sizes(document: dict[str, Any]) -> dict[str, set[str]]:
    return {name: set(inner) for name, inner in document.items()}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"?user={ALICE.uuid}", {ALICE.uuid: {ALICE.uuid, LAB, HALTED, CLOSED}}),
        (
            f"?user={ALICE.uuid},{BOB.uuid}&project={LAB}",
            {ALICE.uuid: {LAB}, BOB.uuid: {LAB}},
        ),
        (
            f"?project={LAB},{CHLOE.uuid}",
            {ALICE.uuid: {LAB}, BOB.uuid: {LAB}, CHLOE.uuid: {CHLOE.uuid}},
        ),
        (f"?user={ALICE.uuid},{ALICE.uuid},{UNKNOWN_UUID}&project={LAB}", {ALICE.uuid: {LAB}}),
        (f"?user=,{ALICE.uuid}&project={LAB}", {ALICE.uuid: {LAB}}),
        (f"?project={UNKNOWN_UUID}", {}),
        ("?project=", {}),
        (f"?user={UNKNOWN_UUID}", None),
        ("?user=", None),
        ("?user=,", None),
        (f"?user={ALICE.uuid}&project={UNKNOWN_UUID}", None),
        (f"?user={ALICE.uuid}&project=", None),
        (f"?user={DORA.uuid}", None),
        (f"?user={GREG.uuid}", None),
        (f"?user={IVAN.uuid}", None),
        (f"?user={ALICE.email}", None),
        (f"?user=user:{ALICE.uuid}", None),
        ("?user=%00", None),
        ("?user=%ff%ed%a0%80", None),
    ],
)
def test_service_quotas_of_some_users_and_projects(
    standing_service: Caller, query: str, expected: dict[str, set[str]] | None
) -> None:
    reply = standing_service.get(SERVICE_QUOTAS + query, COMPUTE_TOKEN)
    if expected is None:
        assert (reply.status, reply.fault) == (404, "itemNotFound")
    else:
        assert (reply.status, sizes(reply.document)) == (200, expected)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"?project={LAB}", {LAB}),
        (f"?project={LAB},{HALTED},{UNKNOWN_UUID}", {LAB, HALTED}),
        (f"?project={ALICE.uuid}", {ALICE.uuid}),
        (f"?user={UNKNOWN_UUID}&project={LAB}", {LAB}),
        (f"?project={UNKNOWN_UUID}", None),
        (f"?project={DORA.uuid}", None),
        ("?project=", None),
    ],
)
def test_service_project_quotas_of_some_projects(
    standing_service: Caller, query: str, expected: set[str] | None
) -> None:
    reply = standing_service.get(PROJECT_QUOTAS + query, COMPUTE_TOKEN)
    if expected is None:
        assert (reply.status, reply.fault) == (404, "itemNotFound")
    else:
        assert (reply.status, set(reply.document)) == (200, expected)


@pytest.mark.ledger
def test_all_calls_report_the_same_figures(service: Caller) -> None:
    member, project = member_key(ALICE), project_key()
    service.issued(COMPUTE_TOKEN, (member, 6), (project, 6), auto_accept=True)
    service.issued(COMPUTE_TOKEN, (member, -2), (project, -2))
    service.issued(COMPUTE_TOKEN, (member_key(BOB), 3), (project, 3))
    figures = {
        "limit": 10,
        "usage": 6,
        "pending": 2,
        "project_limit": 12,
        "project_usage": 9,
        "project_pending": 5,
    }
    assert service.get(QUOTAS, ALICE.token).document[LAB][VM] == figures
    assert service.get(SERVICE_QUOTAS, COMPUTE_TOKEN).document[ALICE.uuid][LAB][VM] == figures
    assert service.get(PROJECT_QUOTAS, COMPUTE_TOKEN).document[LAB][VM] == {
        name: number for name, number in figures.items() if name.startswith("project_")
    }
    bob = service.get(QUOTAS, BOB.token).document[LAB][VM]
    assert (bob["usage"], bob["pending"], bob["project_usage"]) == (3, 3, 9)


def test_a_missing_holding_of_the_project_is_none_at_all(database: Database, service: Caller) -> None:
    rows(database, "DELETE FROM holdings WHERE holder = ? AND source = ''", f"project:{LAB}")
    assert service.get(QUOTAS, ALICE.token).document[LAB][VM] == unused(UNLIMITED, 0)
    assert service.get(SERVICE_QUOTAS, COMPUTE_TOKEN).document[ALICE.uuid][LAB][VM] == unused(UNLIMITED, 0)


def test_the_quotas_of_a_member_of_many_projects_do_not_stop_the_event_loop(
    service: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = service.get(QUOTAS, ALICE.token).document
    threads: list[threading.Thread] = []
    read = stored.quotas_of_user

    def noting(connection: Connection, user: int, now: int) -> Iterable[UserQuota]:
        threads.append(threading.current_thread())
        return read(connection, user, now)

    monkeypatch.setattr(stored, "quotas_of_user", noting)
    monkeypatch.setattr(memberships, "MANY", 0)
    assert service.get(QUOTAS, ALICE.token).document == few, "they are whole all the same"
    (thread,) = threads
    assert thread.name.startswith("astakos-long reads")


def test_nor_does_a_component_that_asks_for_them(service: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = f"{SERVICE_QUOTAS}?user={ALICE.uuid},{BOB.uuid},{UNKNOWN_UUID}"
    few = service.get(asked, COMPUTE_TOKEN).document
    threads: list[str] = []
    read = stored.service_quotas

    def noting(*arguments: Any) -> Iterable[UserQuota]:
        threads.append(threading.current_thread().name)
        return read(*arguments)

    monkeypatch.setattr(stored, "service_quotas", noting)
    service.get(asked, COMPUTE_TOKEN)
    memberships_of_both = 7
    monkeypatch.setattr(memberships, "MANY", memberships_of_both)
    service.get(asked, COMPUTE_TOKEN)
    monkeypatch.setattr(memberships, "MANY", memberships_of_both - 1)
    assert service.get(asked, COMPUTE_TOKEN).document == few
    assert [name.startswith("astakos-long reads") for name in threads] == [False, False, True]
