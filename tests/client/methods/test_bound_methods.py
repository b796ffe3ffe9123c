"""The documented client with a bound token, against the real service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from astakosclient import AstakosClient
from astakosclient.errors import BadRequest
from service.world import ALICE, COMPUTE_TOKEN, VM

if TYPE_CHECKING:
    from service.caller import Caller


def test_a_bound_client_is_the_same_client_without_the_first_argument(service: Caller) -> None:
    with AstakosClient(service.base_url) as client:
        alice, compute = client.bind(ALICE.token), client.bind(COMPUTE_TOKEN)
        assert alice.get_user_info() == client.get_user_info(ALICE.token)
        assert alice.get_usernames([ALICE.uuid]) == {ALICE.uuid: ALICE.email}
        assert compute.service_get_uuid(ALICE.email) == ALICE.uuid
        serial = compute.issue_one_commission(ALICE.uuid, "system", {VM: 1})
        assert compute.get_pending_commissions() == client.get_pending_commissions(COMPUTE_TOKEN) == [serial]
        compute.accept_commission(serial)
        with compute.commission(ALICE.uuid, "system", {VM: -1}):
            pass
        assert compute.with_options(timeout=3).get_pending_commissions() == []


def test_pending_commissions_are_listed_page_by_page(service: Caller) -> None:
    with AstakosClient(service.base_url) as client:
        compute = client.bind(COMPUTE_TOKEN)
        serials = [compute.issue_one_commission(ALICE.uuid, "system", {VM: 1}) for _ in range(3)]
        page = compute.get_pending_commissions(limit=2)
        assert page == serials[:2]
        assert compute.get_pending_commissions(after=page[-1], limit=2) == serials[2:]
        with pytest.raises(BadRequest, match="limit must be a number from 1 to 1000"):
            compute.get_pending_commissions(limit=0)


def test_its_representation_has_no_token() -> None:
    client = AstakosClient("https://h/x").bind("UQpYas7ElzWGD5yCcEXtjw")
    assert repr(client) == "<BoundClient of https://h/x>"
