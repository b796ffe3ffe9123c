"""Arguments that cannot be right are refused before anything is sent; what can be read is taken."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from astakosclient import AstakosClient, errors
from client.documented_calls import TOKEN, UUID, Invoke
from client.peers import answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.conftest import PeerFactory


NULL_ARGUMENTS: list[Invoke] = [
    lambda c: c.get_username(TOKEN, None),  # type: ignore[arg-type]  # what is tested
    lambda c: c.service_get_username(TOKEN, None),  # type: ignore[arg-type]  # what is tested
    lambda c: c.get_uuid(TOKEN, None),  # type: ignore[arg-type]  # what is tested
    lambda c: c.service_get_uuid(TOKEN, None),  # type: ignore[arg-type]  # what is tested
    lambda c: c.send_feedback(TOKEN, None, "data"),  # type: ignore[arg-type]  # what is tested
    lambda c: c.send_feedback(TOKEN, "message", None),  # type: ignore[arg-type]  # what is tested
    lambda c: c.issue_one_commission(TOKEN, None, "s", {}),  # type: ignore[arg-type]  # what is tested
    lambda c: c.issue_one_commission(TOKEN, "h", None, {}),  # type: ignore[arg-type]  # what is tested
    lambda c: c.issue_one_commission(TOKEN, "h", "s", None),  # type: ignore[arg-type]  # what is tested
    lambda c: c.get_commission_info(TOKEN, None),  # type: ignore[arg-type]  # what is tested
    lambda c: c.commission_action(TOKEN, None, "accept"),  # type: ignore[arg-type]  # what is tested
    lambda c: c.commission_action(TOKEN, 1, None),  # type: ignore[arg-type]  # what is tested
    lambda c: c.accept_commission(TOKEN, None),  # type: ignore[arg-type]  # what is tested
    lambda c: c.reject_commission(TOKEN, None),  # type: ignore[arg-type]  # what is tested
    lambda c: c.resolve_commissions(TOKEN, None, []),  # type: ignore[arg-type]  # what is tested
    lambda c: c.resolve_commissions(TOKEN, [], None),  # type: ignore[arg-type]  # what is tested
]


IMPOSSIBLE_ARGUMENTS: list[Invoke] = [
    lambda c: c.issue_one_commission(TOKEN, "h", "s", [("vm", 1)]),  # type: ignore[arg-type]  # what is tested
    lambda c: c.issue_commission(TOKEN, {"provisions": {1, 2}}),
    lambda c: c.issue_commission(TOKEN, {"provisions": float("nan")}),
    lambda c: c.get_usernames(TOKEN, "a user"),
    lambda c: c.get_usernames(TOKEN, 7),  # type: ignore[arg-type]  # what is tested
    lambda c: c.get_usernames(TOKEN, [uuid.uuid4()]),  # type: ignore[list-item]  # what is tested
    lambda c: c.service_get_usernames(TOKEN, b"ab"),  # type: ignore[arg-type]  # what is tested
    lambda c: c.get_uuids(TOKEN, "ada@example.org"),
    lambda c: c.get_uuids(TOKEN, ["ada", None]),  # type: ignore[list-item]  # what is tested
    lambda c: c.service_get_uuids(TOKEN, uuids="ada@example.org"),
    lambda c: c.lookups(TOKEN).get_usernames("a user"),
    lambda c: c.lookups(TOKEN).get_uuids("ada@example.org"),
    lambda c: c.lookups(TOKEN).get_uuids(None),  # type: ignore[arg-type]  # what is tested
    lambda c: c.resolve_commissions(TOKEN, "17", []),  # type: ignore[arg-type]  # what is tested
    lambda c: c.resolve_commissions(TOKEN, [], 17),  # type: ignore[arg-type]  # what is tested
    lambda c: c.issue_commission(TOKEN, {"provisions": [], "dry_run": True}),
    lambda c: c.issue_at_most(TOKEN, {"provisions": [], "dry_run": True}),
    lambda c: c.issue_commissions(TOKEN, "no commissions"),  # type: ignore[arg-type]  # what is tested
    lambda c: c.issue_commissions(TOKEN, {"provisions": []}),  # type: ignore[dict-item]  # what is tested
    lambda c: c.issue_commissions(TOKEN, 7),  # type: ignore[arg-type]  # what is tested
    lambda c: c.accept_commission(TOKEN, 7, quantities=7),  # type: ignore[arg-type]  # what is tested
    lambda c: c.accept_commission(TOKEN, 7, quantities={"a": 1}),  # type: ignore[dict-item]  # what is tested
    lambda c: c.reconcile(TOKEN, {"a": 1}),  # type: ignore[dict-item]  # what is tested
    lambda c: c.get_username(TOKEN, uuid.uuid4()),  # type: ignore[arg-type]  # what is tested
    lambda c: c.get_commission_info(TOKEN, ""),  # type: ignore[arg-type]  # what is tested
    lambda c: c.accept_commission(TOKEN, ".."),  # type: ignore[arg-type]  # what is tested
    lambda c: c.get_commission_info(TOKEN, "1/../2?x#y"),  # type: ignore[arg-type]  # what is tested
    lambda c: c.accept_commission(TOKEN, [1, 2]),  # type: ignore[arg-type]  # what is tested
    lambda c: c.reject_commission(TOKEN, True),
    lambda c: c.reject_commission(TOKEN, 1.0),  # type: ignore[arg-type]  # what is tested
    lambda c: c.commission_action(TOKEN, 1, ["accept"]),  # type: ignore[arg-type]  # what is tested
    lambda c: c.issue_one_commission(TOKEN, uuid.uuid4(), "s", {}),  # type: ignore[arg-type]  # what is tested
    lambda c: c.issue_one_commission(TOKEN, "h", uuid.uuid4(), {}),  # type: ignore[arg-type]  # what is tested
    lambda c: c.get_endpoints(TOKEN, uuid.uuid4()),  # type: ignore[arg-type]  # what is tested
    lambda c: c.service_get_quotas(TOKEN, 7),  # type: ignore[arg-type]  # what is tested
    lambda c: c.service_get_quotas(TOKEN, b"ab"),  # type: ignore[arg-type]  # what is tested
    lambda c: c.service_get_quotas(TOKEN, "\ud800"),
    lambda c: c.send_feedback(TOKEN, "\ud800", ""),
    lambda c: c.get_quotas(b"token"),  # type: ignore[arg-type]  # what is tested
]


@pytest.mark.parametrize("invoke", NULL_ARGUMENTS + IMPOSSIBLE_ARGUMENTS)
def test_arguments_that_cannot_be_right_are_refused_before_sending(
    invoke: Invoke, peer_of: PeerFactory
) -> None:
    peer = peer_of(answer({}))
    with AstakosClient(peer.url, retry=3) as client, pytest.raises(errors.BadValue) as refused:
        invoke(client)
    assert refused.value.message == "ValueError"
    assert refused.value.details
    assert str(refused.value) == refused.value.details
    assert peer.accepted == 0


ITERABLES: list[Callable[[list[Any]], Any]] = [
    list,
    tuple,
    iter,
    dict.fromkeys,
    lambda items: dict.fromkeys(items).keys(),
    lambda items: (item for item in items),
]


@pytest.mark.parametrize("iterable", ITERABLES)
def test_where_several_are_wanted_any_iterable_will_do(
    iterable: Callable[[list[Any]], Any], peer_of: PeerFactory
) -> None:
    peer = peer_of(answer({"uuid_catalog": {}, "displayname_catalog": {}}))
    with AstakosClient(peer.url) as client:
        client.get_usernames(TOKEN, iterable([UUID, "other"]))
        client.get_uuids(TOKEN, iterable(["ada", "bob"]))
        client.lookups(TOKEN).get_usernames(iterable([UUID, "other"]))
        client.lookups(TOKEN).get_uuids(iterable(["ada", "bob"]))
        client.resolve_commissions(TOKEN, iterable([1, 2]), iterable([3]))
    assert [request.json for request in peer.requests] == [
        {"uuids": [UUID, "other"]},
        {"displaynames": ["ada", "bob"]},
        {"uuids": [UUID, "other"]},
        {"displaynames": ["ada", "bob"]},
        {"accept": [1, 2], "reject": [3]},
    ]


def test_a_set_of_users_is_looked_up(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({"uuid_catalog": {UUID: "ada"}}))
    with AstakosClient(peer.url) as client:
        assert client.get_usernames(TOKEN, {UUID}) == {UUID: "ada"}
    assert peer.requests[0].json == {"uuids": [UUID]}


@pytest.mark.parametrize("token", ["se\ncret", "se\rcret", "se\0cret", "secret\u20ac", "sec\ud800ret"])
def test_a_token_that_no_header_can_carry_is_refused_without_showing_it(token: str) -> None:
    with AstakosClient("http://localhost:1") as client, pytest.raises(errors.BadValue) as refused:
        client.get_quotas(token)
    assert "token" in str(refused.value)
    assert "se" + "cret" not in repr(refused.value).replace("\n", "").replace("\0", "")


def test_a_latin_1_token_is_carried(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({}))
    with AstakosClient(peer.url) as client:
        client.get_quotas("tökén")
    assert peer.requests[0].headers["x-auth-token"] == "tökén"


@pytest.mark.parametrize(
    "serial", [10**5000, "7" * 5000, -(10**5000), 2**64], ids=["digits", "text", "negative", "65 bits"]
)
def test_a_serial_beyond_all_serials_is_refused(serial: Any, peer_of: PeerFactory) -> None:
    peer = peer_of(answer({}))
    with AstakosClient(peer.url) as client, pytest.raises(errors.BadValue, match="serial must be an integer"):
        client.get_commission_info(TOKEN, serial)
    assert peer.requests == []


def test_a_serial_can_also_be_text(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({}))
    with AstakosClient(peer.url) as client:
        client.get_commission_info(TOKEN, "17")  # type: ignore[arg-type]  # what is tested
    assert peer.requests[0].target == "/account/v1.0/commissions/17"


@pytest.mark.parametrize("key", ["", "k" * 256, "a\nb", "\u00e9", 5])
def test_an_idempotency_key_that_no_server_takes_is_refused(key: Any) -> None:
    with (
        AstakosClient("http://localhost:1") as client,
        pytest.raises(errors.BadValue, match="idempotency key"),
    ):
        client.issue_commission(TOKEN, {"provisions": []}, idempotency_key=key)
