"""Each call sends its request, and reads its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from astakosclient import AstakosClient, errors
from astakosclient.methods.documented_methods import Calls
from client.documented_calls import EVERY_CALL, TOKEN, UUID
from client.peers import answer

if TYPE_CHECKING:
    from client.conftest import PeerFactory


@pytest.mark.parametrize("name", EVERY_CALL)
def test_each_call_sends_its_request_and_reads_its_answer(name: str, peer_of: PeerFactory) -> None:
    invoke, method, target, body, document, result = EVERY_CALL[name]
    peer = peer_of(answer(document))
    with AstakosClient(f"{peer.url}/x") as client:
        assert invoke(client) == result
    [request] = peer.requests
    assert (request.method, request.target) == (method, target)
    assert request.headers["host"] == f"localhost:{peer.port}"
    assert request.headers["accept"] == "application/json"
    if body is None:
        assert request.body == b""
    else:
        assert request.json == body
        assert request.headers["content-type"] == "application/json"
        assert request.headers["content-length"] == str(len(request.body))
    needs_token = name not in {"get_services", "get_resources"}
    assert request.headers.get("x-auth-token") == (TOKEN if needs_token else None)


@pytest.mark.parametrize("many", [False, True])
def test_an_idempotency_key_goes_with_an_issue(peer_of: PeerFactory, many: bool) -> None:
    peer = peer_of(answer({"serial": 1}))
    with AstakosClient(peer.url) as client:
        if many:
            client.issue_commissions(TOKEN, [], idempotency_key="start vm 7")
        else:
            client.issue_one_commission(TOKEN, "h", "s", {}, idempotency_key="start vm 7")
    assert peer.requests[0].headers["idempotency-key"] == "start vm 7"


def test_every_documented_call_is_in_the_table() -> None:
    methods = {name for name in vars(Calls) if not name.startswith("_")} - {"commission", "lookups"}
    assert methods - {name.split()[0] for name in EVERY_CALL} == {
        "send_feedback",
        "introspect_token",
        "revoke_token",
    }


def test_feedback_is_sent_as_a_form(peer_of: PeerFactory) -> None:
    peer = peer_of(answer())
    with AstakosClient(peer.url) as client:
        client.send_feedback(TOKEN, "Ωραία & more", data='{"a": 1}')
    [request] = peer.requests
    assert (request.method, request.target) == ("POST", "/account/v1.0/feedback")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    fields = parse_qs(request.body.decode("ascii"))
    assert fields == {"feedback_msg": ["Ωραία & more"], "feedback_data": ['{"a": 1}']}


def test_a_service_says_who_it_is(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({}), answer({}))
    with AstakosClient(peer.url) as client:
        client.get_user_info(TOKEN, service="compute")
        client.get_endpoints(TOKEN, service="compute")
        with pytest.raises(errors.BadValue, match="service must be"):
            client.get_user_info(TOKEN, service="a\nb")
    assert [request.headers["astakos-service"] for request in peer.requests] == ["compute"] * 2


def test_a_token_is_introspected_in_a_form(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({"active": False}))
    with AstakosClient(peer.url) as client:
        assert client.introspect_token(TOKEN, "a token", address="192.0.2.7") == {"active": False}
    [request] = peer.requests
    assert (request.method, request.target) == ("POST", "/oauth2/introspect")
    assert request.headers["x-auth-token"] == TOKEN
    assert parse_qs(request.body.decode("ascii")) == {"token": ["a token"], "address": ["192.0.2.7"]}


def test_a_token_is_revoked_in_a_form(peer_of: PeerFactory) -> None:
    refusal = b'{"error": "unauthorized_client", "error_description": "It is the key k3y-of-ada\'s."}'
    peer = peer_of(answer(body=b""), answer(None, "400 Bad Request", body=refusal))
    with AstakosClient(peer.url) as client:
        client.revoke_token(TOKEN, "k3y-of-ada")
        with pytest.raises(errors.BadRequest) as refused:
            client.revoke_token(TOKEN, "k3y-of-ada")
    assert "k3y-of-ada" not in str(refused.value)
    for request in peer.requests:
        assert (request.method, request.target) == ("POST", "/oauth2/revoke")
        assert request.headers["x-auth-token"] == TOKEN
        assert parse_qs(request.body.decode("ascii")) == {"token": ["k3y-of-ada"]}


def test_service_lookups_take_both_names_of_their_argument(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({"displayname_catalog": {"ada": UUID}}))
    with AstakosClient(peer.url) as client:
        assert client.service_get_uuids(TOKEN, uuids=["ada"]) == {"ada": UUID}
        assert client.service_get_uuids(TOKEN, display_names=["ada"]) == {"ada": UUID}
        assert client.service_get_uuid(TOKEN, uuid="ada") == UUID
        assert client.service_get_uuid(TOKEN, display_name="ada") == UUID
        client.service_get_uuids(TOKEN, None)
        with pytest.raises(TypeError, match="exactly one"):
            client.service_get_uuids(TOKEN)
        with pytest.raises(TypeError, match="exactly one"):
            client.service_get_uuid(TOKEN, "ada", display_name="ada")
    assert [request.json["displaynames"] for request in peer.requests] == [["ada"]] * 4 + [None]


def test_a_null_token_is_left_out(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({}))
    with AstakosClient(peer.url) as client:
        client.get_quotas(None)
    assert "x-auth-token" not in peer.requests[0].headers


def test_unknown_users_have_exceptions_of_their_own(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({"uuid_catalog": {}, "displayname_catalog": {}}))
    with AstakosClient(peer.url) as client:
        for lookup in (client.get_username, client.service_get_username):
            with pytest.raises(errors.NoUserName, match="nobody") as no_name:
                lookup(TOKEN, "nobody")
            assert "nobody" in no_name.value.message
        with pytest.raises(errors.NoUUID, match="nobody"):
            client.get_uuid(TOKEN, "nobody")
        with pytest.raises(errors.NoUUID, match="nobody"):
            client.service_get_uuid(TOKEN, "nobody")
    assert len(peer.requests) == 4
