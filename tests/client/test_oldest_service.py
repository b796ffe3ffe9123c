"""The documented client, against the real service where that answers as 0.14 did.

Each call does what the documentation of 0.14 promises of it, and finds its answer in the form of those days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from astakosclient import AstakosClient, errors, parse_endpoints
from service.world import (
    ALICE,
    BOB,
    COMPUTE_TOKEN,
    LAB,
    STORAGE_TOKEN,
    TOTAL_RAM,
    UNKNOWN_TOKEN,
    UNKNOWN_UUID,
    VM,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.caller import Caller

BOBS_NAME = BOB.email.lower()


@pytest.fixture
def client(older_service: Caller) -> Iterator[AstakosClient]:
    with AstakosClient(older_service.base_url) as client:
        yield client


def test_whose_token_it_is(client: AstakosClient) -> None:
    for usage in (False, True):
        info = client.get_user_info(ALICE.token, usage=usage)
        assert (info["uuid"], info["username"], info["email"]) == (ALICE.uuid, ALICE.email, [ALICE.email])
    with pytest.raises(errors.Unauthorized):
        client.get_user_info(UNKNOWN_TOKEN)


def test_names_for_uuids(client: AstakosClient) -> None:
    uuids = [BOB.uuid, UNKNOWN_UUID]
    assert client.get_usernames(ALICE.token, uuids) == {BOB.uuid: BOBS_NAME}
    assert client.service_get_usernames(COMPUTE_TOKEN, uuids) == {BOB.uuid: BOBS_NAME}
    assert client.get_username(ALICE.token, BOB.uuid) == BOBS_NAME
    assert client.service_get_username(COMPUTE_TOKEN, BOB.uuid) == BOBS_NAME
    with pytest.raises(errors.NoUserName):
        client.get_username(ALICE.token, UNKNOWN_UUID)


def test_uuids_for_names(client: AstakosClient) -> None:
    names = [BOB.email, "nobody@example.org"]
    assert client.get_uuids(ALICE.token, names) == {BOB.email: BOB.uuid}
    assert client.service_get_uuids(COMPUTE_TOKEN, names) == {BOB.email: BOB.uuid}
    assert client.get_uuid(ALICE.token, BOBS_NAME) == BOB.uuid
    assert client.service_get_uuid(COMPUTE_TOKEN, BOBS_NAME) == BOB.uuid
    with pytest.raises(errors.NoUUID):
        client.get_uuid(ALICE.token, "nobody@example.org")


def test_services_and_resources(client: AstakosClient) -> None:
    assert {"compute", "storage"} <= {service["name"] for service in client.get_services()}
    resources = client.get_resources()
    assert set(resources[VM]) == {"service", "description", "unit", "allow_in_projects"}
    assert TOTAL_RAM in resources


def test_endpoints_for_a_token_with_and_without_the_uuid(client: AstakosClient) -> None:
    for uuid in (None, ALICE.uuid):
        found = client.get_endpoints(ALICE.token, uuid)
        assert found["access"]["user"]["id"] == ALICE.uuid
        (service,) = parse_endpoints(found, ep_type="compute", ep_version_id="v2.0")
        assert service["endpoints"][0]["publicURL"] == "https://compute.example.org/v2.0/"
    with pytest.raises(errors.BadRequest):
        client.get_endpoints(ALICE.token, BOB.uuid)


def test_quotas_as_a_user_and_as_a_service(client: AstakosClient) -> None:
    expected = {"limit": 14, "usage": 0, "pending": 0}
    assert client.get_quotas(ALICE.token)["system"][VM] == expected
    assert client.service_get_quotas(COMPUTE_TOKEN)[ALICE.uuid]["system"][VM] == expected
    assert client.service_get_quotas(COMPUTE_TOKEN, ALICE.uuid)[ALICE.uuid]["system"][VM] == expected
    with pytest.raises(errors.NotFound):
        client.service_get_quotas(COMPUTE_TOKEN, UNKNOWN_UUID)


def test_a_commission_from_its_issue_to_its_end(client: AstakosClient) -> None:
    provision = {"holder": ALICE.uuid, "source": "system", "resource": VM, "quantity": 6}
    serial = client.issue_commission(COMPUTE_TOKEN, {"name": "six", "provisions": [provision]})
    assert client.get_pending_commissions(COMPUTE_TOKEN) == [serial]
    info = client.get_commission_info(COMPUTE_TOKEN, serial)
    assert (info["serial"], info["name"], info["provisions"]) == (serial, "six", [provision])
    assert client.get_quotas(ALICE.token)["system"][VM] == {"limit": 14, "usage": 6, "pending": 6}
    client.accept_commission(COMPUTE_TOKEN, serial)
    assert client.get_quotas(ALICE.token)["system"][VM] == {"limit": 14, "usage": 6, "pending": 0}
    with pytest.raises(errors.NotFound):
        client.reject_commission(COMPUTE_TOKEN, serial)
    serial = client.issue_one_commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: -6}, auto_accept=True)
    assert client.get_pending_commissions(COMPUTE_TOKEN) == []
    assert client.get_quotas(ALICE.token)["system"][VM]["usage"] == 0


def test_a_charge_beyond_the_quota_is_refused_with_the_figures_of_the_quota(client: AstakosClient) -> None:
    with pytest.raises(errors.QuotaLimit) as caught:
        client.issue_one_commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 15})
    assert (caught.value.usage, caught.value.limit) == (0, 14)
    with pytest.raises(errors.NotFound):
        client.issue_one_commission(COMPUTE_TOKEN, UNKNOWN_UUID, "system", {VM: 1})
    with pytest.raises(errors.Unauthorized):
        client.issue_one_commission(ALICE.token, ALICE.uuid, "system", {VM: 1})


def test_commissions_are_resolved_one_by_one_and_many_at_once(client: AstakosClient) -> None:
    serials = [client.issue_one_commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 1}) for _ in range(4)]
    client.commission_action(COMPUTE_TOKEN, serials[0], "accept")
    client.reject_commission(COMPUTE_TOKEN, serials[1])
    done = client.resolve_commissions(COMPUTE_TOKEN, serials[2:3], [serials[3], serials[0]])
    assert (done["accepted"], done["rejected"]) == (serials[2:3], serials[3:])
    assert [serial for serial, _ in done["failed"]] == [serials[0]]
    assert client.get_quotas(ALICE.token)["system"][VM] == {"limit": 14, "usage": 2, "pending": 0}


def test_a_charge_on_a_project_by_its_id(client: AstakosClient) -> None:
    client.issue_one_commission(COMPUTE_TOKEN, BOB.uuid, LAB, {VM: 10}, auto_accept=True)
    assert client.service_get_quotas(COMPUTE_TOKEN, BOB.uuid)[BOB.uuid]["system"][VM]["usage"] == 10


def test_feedback(client: AstakosClient) -> None:
    # It answers nothing, and fails if it is not taken.
    client.send_feedback(ALICE.token, "well done", "from a test")
    with pytest.raises(errors.Unauthorized):
        client.send_feedback(STORAGE_TOKEN, "well done", "from a test")
