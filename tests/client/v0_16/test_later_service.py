"""The later generation against the real service."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from astakosclient import errors, parse_endpoints
from astakosclient.answer_types import Catalog, Endpoints, Validation
from astakosclient.v0_16.later_client import LaterClient
from client.shapes import differences
from service.world import (
    ACCESS_TOKEN,
    ALICE,
    BOB,
    CHLOE,
    COMPUTE_TOKEN,
    EDGAR,
    HALTED,
    LAB,
    UNKNOWN_TOKEN,
    UNKNOWN_UUID,
    VM,
    member_key,
    project_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.caller import Caller


def client_of(service: Caller, token: str, *, use_pool: bool = False) -> LaterClient:
    return LaterClient(token, f"{service.base_url}/identity/v2.0", use_pool=use_pool)


@pytest.fixture
def user(service: Caller) -> Iterator[LaterClient]:
    """Speaks for Alice."""
    with client_of(service, ALICE.token) as client:
        yield client


@pytest.fixture
def compute(service: Caller) -> Iterator[LaterClient]:
    """Speaks for the compute service."""
    with client_of(service, COMPUTE_TOKEN) as client:
        yield client


def test_a_user_is_told_who_they_are(user: LaterClient) -> None:
    access = user.authenticate(ALICE.uuid)["access"]
    assert (access["user"]["id"], access["user"]["name"]) == (ALICE.uuid, "Alice Archer")
    assert LAB in access["user"]["projects"]
    assert differences(user.authenticate(), Endpoints) == []
    assert differences(user.get_endpoints(), Catalog) == []


def test_an_access_token_is_validated(user: LaterClient) -> None:
    validation = user.validate_token(ACCESS_TOKEN)
    assert validation["access"]["user"]["id"] == ALICE.uuid
    assert differences(validation, Validation) == []


@pytest.mark.parametrize("token", [UNKNOWN_TOKEN, EDGAR.token, COMPUTE_TOKEN])
def test_a_token_that_is_not_a_users_is_refused(service: Caller, token: str) -> None:
    with client_of(service, token) as client:
        with pytest.raises(errors.Unauthorized):
            client.authenticate()
        with pytest.raises(errors.Unauthorized):
            client.get_quotas()


def test_the_catalogue_names_all_services(user: LaterClient) -> None:
    [service] = parse_endpoints(user.get_endpoints(), ep_type="compute", ep_version_id="v2.0")
    assert service["endpoints"][0]["publicURL"] == "https://compute.example.org/v2.0"


def test_names_and_uuids_are_found(user: LaterClient, compute: LaterClient) -> None:
    assert user.get_usernames([ALICE.uuid, UNKNOWN_UUID]) == {ALICE.uuid: ALICE.email}
    assert user.get_username(BOB.uuid) == BOB.email.lower()
    assert user.get_uuids([CHLOE.email]) == {CHLOE.email: CHLOE.uuid}
    assert user.get_uuid(ALICE.email.upper()) == ALICE.uuid
    assert compute.service_get_usernames([BOB.uuid]) == {BOB.uuid: BOB.email.lower()}
    assert compute.service_get_username(ALICE.uuid) == ALICE.email
    assert compute.service_get_uuids([ALICE.email]) == {ALICE.email: ALICE.uuid}
    assert compute.service_get_uuid(ALICE.email) == ALICE.uuid
    with pytest.raises(errors.NoUserName):
        user.get_username(UNKNOWN_UUID)
    with pytest.raises(errors.NoUUID):
        compute.service_get_uuid("nobody@example.org")


def test_services_and_resources_are_listed(user: LaterClient) -> None:
    assert {"compute", "storage"} <= {component["name"] for component in user.get_services()}
    assert user.get_resources()[VM]["service"] == "compute_api"


def test_quotas_are_by_user_project_and_resource(user: LaterClient, compute: LaterClient) -> None:
    assert user.get_quotas()[LAB][VM]["limit"] == 10
    several = compute.service_get_quotas([ALICE.uuid, BOB.uuid], (LAB, HALTED))
    assert several.keys() == {ALICE.uuid, BOB.uuid}
    assert several[ALICE.uuid].keys() == {LAB, HALTED}
    assert compute.service_get_quotas(user=BOB.uuid, project=LAB)[BOB.uuid][LAB][VM]["limit"] == 10
    assert compute.service_get_project_quotas(LAB)[LAB][VM]["project_limit"] == 12
    with pytest.raises(errors.NotFound):
        compute.service_get_quotas(UNKNOWN_UUID)


def test_a_charge_is_on_the_user_and_on_the_project(service: Caller, compute: LaterClient) -> None:
    serial = compute.issue_one_commission(ALICE.uuid, {(LAB, VM): 3}, name="three")
    assert compute.get_pending_commissions() == [serial]
    info = compute.get_commission_info(serial)
    assert info["name"] == "three"
    assert info["provisions"] == compute.mk_provisions(ALICE.uuid, LAB, VM, 3)
    compute.accept_commission(serial)
    used = service.holdings(COMPUTE_TOKEN)
    assert used[member_key(ALICE)].usage_max == 3
    assert used[project_key()].usage_max == 3
    with pytest.raises(errors.NotFound):
        compute.accept_commission(serial)


def test_a_refusal_names_what_is_left(compute: LaterClient) -> None:
    with pytest.raises(errors.QuotaLimit) as refused:
        compute.issue_one_commission(ALICE.uuid, {(LAB, VM): 11})
    error = refused.value
    assert (error.resource, error.available, error.requested) == (VM, 10, 11)
    assert error.details == "compute.vm: available 10, requested 11."
    assert compute.get_pending_commissions() == []
    with pytest.raises(errors.NotFound):
        compute.issue_one_commission(UNKNOWN_UUID, {(LAB, VM): 1})


def test_what_a_user_has_is_charged_to_another_project(service: Caller, compute: LaterClient) -> None:
    compute.issue_one_commission(ALICE.uuid, {(LAB, VM): 2}, auto_accept=True)
    compute.issue_resource_reassignment(ALICE.uuid, {(LAB, ALICE.uuid, VM): 2}, auto_accept=True)
    used = service.holdings(COMPUTE_TOKEN)
    assert used[member_key(ALICE)].usage_max == 0
    assert used[project_key()].usage_max == 0
    assert used[member_key(ALICE, ALICE.uuid)].usage_max == 2
    assert used[project_key(ALICE.uuid)].usage_max == 2


def test_users_and_projects_can_be_charged_apart(service: Caller, compute: LaterClient) -> None:
    serial = compute.issue_commission_generic({(ALICE.uuid, LAB, VM): 1}, {(LAB, VM): 2}, force=True)
    compute.accept_commission(serial)
    used = service.holdings(COMPUTE_TOKEN)
    assert used[member_key(ALICE)].usage_max == 1
    assert used[project_key()].usage_max == 2


def test_the_form_of_0_15_charges_the_users_own_project(service: Caller, compute: LaterClient) -> None:
    compute.issue_one_commission(ALICE.uuid, "system", {VM: 2}, auto_accept=True)
    assert service.holdings(COMPUTE_TOKEN)[member_key(ALICE, ALICE.uuid)].usage_max == 2


def test_many_commissions_are_resolved_at_once(compute: LaterClient) -> None:
    first, second, third = (compute.issue_one_commission(ALICE.uuid, {(LAB, VM): 1}) for _ in range(3))
    compute.reject_commission(third)
    resolved = compute.resolve_commissions([first, third], [second])
    assert (resolved["accepted"], resolved["rejected"]) == ([first], [second])
    assert [serial for serial, _ in resolved["failed"]] == [third]


def test_the_same_key_gets_the_same_serial(compute: LaterClient) -> None:
    issued = {
        compute.issue_one_commission(ALICE.uuid, {(LAB, VM): 1}, ttl=60, idempotency_key="boot vm 7")
        for _ in range(2)
    }
    assert compute.get_pending_commissions() == list(issued)


def test_one_new_client_is_shared_by_many_threads(service: Caller) -> None:
    found: list[str] = []
    start = threading.Barrier(32)
    with client_of(service, ALICE.token, use_pool=True) as client:

        def call() -> None:
            start.wait()
            found.extend(client.get_username(uuid) for uuid in (ALICE.uuid, CHLOE.uuid) * 5)

        threads = [threading.Thread(target=call) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == [ALICE.email] * 160 + [CHLOE.email] * 160


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_client_with_a_shared_pool_works_in_parent_and_child_of_a_fork(service: Caller) -> None:
    with client_of(service, ALICE.token, use_pool=True) as client:
        client.get_quotas()
        child = os.fork()
        if child == 0:
            found = client.get_username(ALICE.uuid) == ALICE.email
            os._exit(0 if found else 1)
        assert client.get_username(CHLOE.uuid) == CHLOE.email
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
