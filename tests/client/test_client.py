"""Every call: the request it sends, and what it makes of the answer."""

from __future__ import annotations

import copy
import inspect
import pickle
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

import astakosclient
from astakosclient import AstakosClient, AsyncAstakosClient, DocumentedClient, Retry, Timeout, errors
from astakosclient.methods.documented_methods import Calls
from client.peers import answer

if TYPE_CHECKING:
    from client.conftest import PeerFactory

TOKEN = "UQpYas7ElzWGD5yCcEXtjw"
UUID = "b3de8eb0-3958-477e-als9-789af8dd352c"
ACCOUNT = "/x/account/v1.0"

Invoke = Callable[[AstakosClient], Any]

PROVISION = {"holder": UUID, "source": "system", "resource": "cyclades.vm", "quantity": 1}
ONE_COMMISSION = {"force": False, "auto_accept": False, "name": "", "provisions": [PROVISION]}

# call, method, path, JSON body, answer, result
EVERY_CALL: dict[str, tuple[Invoke, str, str, Any, Any, Any]] = {
    "get_user_info": (
        lambda c: c.get_user_info(TOKEN),
        "GET",
        f"{ACCOUNT}/authenticate",
        None,
        {"uuid": UUID},
        {"uuid": UUID},
    ),
    "get_user_info with usage": (
        lambda c: c.get_user_info(TOKEN, usage=True),
        "GET",
        f"{ACCOUNT}/authenticate?usage=1",
        None,
        {"uuid": UUID},
        {"uuid": UUID},
    ),
    "get_usernames": (
        lambda c: c.get_usernames(TOKEN, [UUID, "other"]),
        "POST",
        f"{ACCOUNT}/user_catalogs",
        {"uuids": [UUID, "other"]},
        {"uuid_catalog": {UUID: "ada"}, "displayname_catalog": {}},
        {UUID: "ada"},
    ),
    "get_username": (
        lambda c: c.get_username(TOKEN, UUID),
        "POST",
        f"{ACCOUNT}/user_catalogs",
        {"uuids": [UUID]},
        {"uuid_catalog": {UUID: "ada"}},
        "ada",
    ),
    "service_get_usernames": (
        lambda c: c.service_get_usernames(TOKEN, None),
        "POST",
        f"{ACCOUNT}/service/user_catalogs",
        {"uuids": None},
        {"uuid_catalog": {UUID: "ada"}},
        {UUID: "ada"},
    ),
    "service_get_username": (
        lambda c: c.service_get_username(TOKEN, UUID),
        "POST",
        f"{ACCOUNT}/service/user_catalogs",
        {"uuids": [UUID]},
        {"uuid_catalog": {UUID: "ada"}},
        "ada",
    ),
    "get_uuids": (
        lambda c: c.get_uuids(TOKEN, ("Ada", "bob")),
        "POST",
        f"{ACCOUNT}/user_catalogs",
        {"displaynames": ["Ada", "bob"]},
        {"displayname_catalog": {"Ada": UUID}},
        {"Ada": UUID},
    ),
    "get_uuid": (
        lambda c: c.get_uuid(TOKEN, "ada"),
        "POST",
        f"{ACCOUNT}/user_catalogs",
        {"displaynames": ["ada"]},
        {"displayname_catalog": {"ada": UUID}},
        UUID,
    ),
    "service_get_uuids": (
        lambda c: c.service_get_uuids(TOKEN, ["ada"]),
        "POST",
        f"{ACCOUNT}/service/user_catalogs",
        {"displaynames": ["ada"]},
        {"displayname_catalog": {"ada": UUID}},
        {"ada": UUID},
    ),
    "service_get_uuid": (
        lambda c: c.service_get_uuid(TOKEN, "ada"),
        "POST",
        f"{ACCOUNT}/service/user_catalogs",
        {"displaynames": ["ada"]},
        {"displayname_catalog": {"ada": UUID}},
        UUID,
    ),
    "get_services": (
        lambda c: c.get_services(),
        "GET",
        "/x/ui/get_services",
        None,
        [{"name": "cyclades"}],
        [{"name": "cyclades"}],
    ),
    "get_resources": (
        lambda c: c.get_resources(),
        "GET",
        f"{ACCOUNT}/resources",
        None,
        {"cyclades.vm": {"unit": None}},
        {"cyclades.vm": {"unit": None}},
    ),
    "get_endpoints": (
        lambda c: c.get_endpoints(TOKEN),
        "POST",
        "/x/identity/v2.0/tokens",
        {"auth": {"token": {"id": TOKEN}}},
        {"access": {}},
        {"access": {}},
    ),
    "get_endpoints of a user": (
        lambda c: c.get_endpoints(TOKEN, UUID),
        "POST",
        "/x/identity/v2.0/tokens",
        {"auth": {"token": {"id": TOKEN}, "tenantName": UUID}},
        {"access": {}},
        {"access": {}},
    ),
    "get_user_info for a service": (
        lambda c: c.get_user_info(TOKEN, service="compute"),
        "GET",
        f"{ACCOUNT}/authenticate",
        None,
        {"uuid": UUID},
        {"uuid": UUID},
    ),
    "create_key": (
        lambda c: c.create_key(TOKEN, "ci", services=("compute",), networks=["192.0.2.0/24"], project=UUID),
        "POST",
        f"{ACCOUNT}/keys",
        {
            "name": "ci",
            "expires": None,
            "services": ["compute"],
            "calls": None,
            "networks": ["192.0.2.0/24"],
            "project": UUID,
        },
        {"key": "astk_abcdefgh_x"},
        {"key": "astk_abcdefgh_x"},
    ),
    "get_keys": (lambda c: c.get_keys(TOKEN), "GET", f"{ACCOUNT}/keys", None, [{}], [{}]),
    "get_key": (
        lambda c: c.get_key(TOKEN, "astk_abcdefgh"),
        "GET",
        f"{ACCOUNT}/keys/astk_abcdefgh",
        None,
        {"name": "ci"},
        {"name": "ci"},
    ),
    "change_key": (
        lambda c: c.change_key(
            TOKEN, "astk_abcdefgh", expires=None, calls=("quotas",), limits={"cyclades.vm": None}
        ),
        "PUT",
        f"{ACCOUNT}/keys/astk_abcdefgh",
        {"expires": None, "calls": ["quotas"], "limits": {"cyclades.vm": None}},
        {"name": "ci"},
        {"name": "ci"},
    ),
    "get_key_quotas": (
        lambda c: c.get_key_quotas(TOKEN, "astk_abcdefgh"),
        "GET",
        f"{ACCOUNT}/keys/astk_abcdefgh/quotas",
        None,
        {"cyclades.vm": {"limit": 3, "usage": 0, "pending": 0}},
        {"cyclades.vm": {"limit": 3, "usage": 0, "pending": 0}},
    ),
    "rotate_key": (
        lambda c: c.rotate_key(TOKEN, "astk_abcdefgh", 60),
        "POST",
        f"{ACCOUNT}/keys/astk_abcdefgh/action",
        {"rotate": {"overlap_seconds": 60}},
        {"key": "astk_abcdefgh_y"},
        {"key": "astk_abcdefgh_y"},
    ),
    "revoke_key": (
        lambda c: c.revoke_key(TOKEN, "astk_abcdefgh"),
        "DELETE",
        f"{ACCOUNT}/keys/astk_abcdefgh",
        None,
        None,
        None,
    ),
    "get_quotas": (
        lambda c: c.get_quotas(TOKEN),
        "GET",
        f"{ACCOUNT}/quotas",
        None,
        {"system": {}},
        {"system": {}},
    ),
    "service_get_quotas": (
        lambda c: c.service_get_quotas(TOKEN),
        "GET",
        f"{ACCOUNT}/service_quotas",
        None,
        {UUID: {}},
        {UUID: {}},
    ),
    "service_get_quotas of a user": (
        lambda c: c.service_get_quotas(TOKEN, user="a&b=ü"),
        "GET",
        f"{ACCOUNT}/service_quotas?user=a%26b%3D%C3%BC",
        None,
        {},
        {},
    ),
    "service_get_quotas of users": (
        lambda c: c.service_get_quotas(TOKEN, (name for name in ("a", "b"))),
        "GET",
        f"{ACCOUNT}/service_quotas?user=a%2Cb",
        None,
        {},
        {},
    ),
    "service_get_quotas of nobody": (
        lambda c: c.service_get_quotas(TOKEN, []),
        "GET",
        f"{ACCOUNT}/service_quotas?user=",
        None,
        {},
        {},
    ),
    "service_get_quotas from a project": (
        lambda c: c.service_get_quotas(TOKEN, UUID, project=["p", "q"]),
        "GET",
        f"{ACCOUNT}/service_quotas?user={UUID}&project=p%2Cq",
        None,
        {},
        {},
    ),
    "service_get_project_quotas": (
        lambda c: c.service_get_project_quotas(TOKEN, project={"p": 1}),
        "GET",
        f"{ACCOUNT}/service_project_quotas?project=p",
        None,
        {},
        {},
    ),
    "issue_commission": (
        lambda c: c.issue_commission(TOKEN, {"provisions": [], "anything": "as is"}),
        "POST",
        f"{ACCOUNT}/commissions",
        {"provisions": [], "anything": "as is"},
        {"serial": 57},
        57,
    ),
    "issue_one_commission": (
        lambda c: c.issue_one_commission(TOKEN, UUID, "system", {"cyclades.vm": 1}),
        "POST",
        f"{ACCOUNT}/commissions",
        ONE_COMMISSION,
        {"serial": 58},
        58,
    ),
    "issue_one_commission with everything": (
        lambda c: c.issue_one_commission(
            TOKEN, UUID, "system", {"cyclades.vm": 1, "cyclades.ram": -2}, "größer", True, True
        ),
        "POST",
        f"{ACCOUNT}/commissions",
        {
            "force": True,
            "auto_accept": True,
            "name": "größer",
            "provisions": [PROVISION, PROVISION | {"resource": "cyclades.ram", "quantity": -2}],
        },
        {"serial": 59},
        59,
    ),
    "get_pending_commissions": (
        lambda c: c.get_pending_commissions(TOKEN),
        "GET",
        f"{ACCOUNT}/commissions",
        None,
        [57, 58],
        [57, 58],
    ),
    "get_commission_info": (
        lambda c: c.get_commission_info(TOKEN, 57),
        "GET",
        f"{ACCOUNT}/commissions/57",
        None,
        {"serial": 57},
        {"serial": 57},
    ),
    "commission_action": (
        lambda c: c.commission_action(TOKEN, 57, "accept"),
        "POST",
        f"{ACCOUNT}/commissions/57/action",
        {"accept": ""},
        None,
        None,
    ),
    "accept_commission": (
        lambda c: c.accept_commission(TOKEN, 57),
        "POST",
        f"{ACCOUNT}/commissions/57/action",
        {"accept": ""},
        None,
        None,
    ),
    "reject_commission": (
        lambda c: c.reject_commission(TOKEN, 57),
        "POST",
        f"{ACCOUNT}/commissions/57/action",
        {"reject": ""},
        None,
        None,
    ),
    "issue_commission with ttl": (
        lambda c: c.issue_commission(TOKEN, {"provisions": []}, ttl=60),
        "POST",
        f"{ACCOUNT}/commissions",
        {"provisions": [], "ttl": 60},
        {"serial": 59},
        59,
    ),
    "issue_commissions": (
        lambda c: c.issue_commissions(TOKEN, iter([{"provisions": []}]), all_or_none=True),
        "POST",
        f"{ACCOUNT}/commissions/bulk",
        {"commissions": [{"provisions": []}], "all_or_none": True},
        {"done": True, "results": []},
        {"done": True, "results": []},
    ),
    "accept_commission with quantities": (
        lambda c: c.accept_commission(TOKEN, 57, quantities=(PROVISION,)),
        "POST",
        f"{ACCOUNT}/commissions/57/action",
        {"accept": {"quantities": [PROVISION]}},
        None,
        None,
    ),
    "issue_at_most": (
        lambda c: c.issue_at_most(TOKEN, {"provisions": []}, ttl=5),
        "POST",
        f"{ACCOUNT}/commissions",
        {"provisions": [], "at_most": True, "ttl": 5},
        {"serial": 57, "granted": []},
        {"serial": 57, "granted": []},
    ),
    "check_commission": (
        lambda c: c.check_commission(TOKEN, {"provisions": []}),
        "POST",
        f"{ACCOUNT}/commissions",
        {"provisions": [], "dry_run": True},
        {"serial": None},
        None,
    ),
    "check_commission with at_most": (
        lambda c: c.check_commission(TOKEN, {"provisions": []}, at_most=True),
        "POST",
        f"{ACCOUNT}/commissions",
        {"provisions": [], "dry_run": True, "at_most": True},
        {"serial": None, "granted": [PROVISION]},
        [PROVISION],
    ),
    "get_periods": (
        lambda c: c.get_periods(TOKEN, "llm.tokens/month", key="astk_abcdefgh", limit=5),
        "GET",
        f"{ACCOUNT}/quotas/periods?resource=llm.tokens%2Fmonth&key=astk_abcdefgh&limit=5",
        None,
        [],
        [],
    ),
    "get_refusals": (
        lambda c: c.get_refusals(TOKEN, limit=5),
        "GET",
        f"{ACCOUNT}/quotas/refusals?limit=5",
        None,
        [],
        [],
    ),
    "service_get_refusals": (
        lambda c: c.service_get_refusals(TOKEN, ["u1", "u2"]),
        "GET",
        f"{ACCOUNT}/service_quotas/refusals?user=u1%2Cu2",
        None,
        [],
        [],
    ),
    "get_grants": (
        lambda c: c.get_grants(TOKEN, before=7, limit=5),
        "GET",
        f"{ACCOUNT}/quotas/grants?before=7&limit=5",
        None,
        [],
        [],
    ),
    "accept_commission with overage": (
        lambda c: c.accept_commission(TOKEN, 57, quantities=(PROVISION,), overage="debt"),
        "POST",
        f"{ACCOUNT}/commissions/57/action",
        {"accept": {"quantities": [PROVISION], "overage": "debt"}},
        {"settled": [PROVISION]},
        None,
    ),
    "grow_commission": (
        lambda c: c.grow_commission(TOKEN, 57, (PROVISION,)),
        "POST",
        f"{ACCOUNT}/commissions/57/action",
        {"grow": {"quantities": [PROVISION], "force": False}},
        None,
        None,
    ),
    "extend_commission": (
        lambda c: c.extend_commission(TOKEN, 57, 300),
        "POST",
        f"{ACCOUNT}/commissions/57/action",
        {"extend": {"ttl": 300}},
        {"expires": "2031-01-02T03:04:05+00:00"},
        "2031-01-02T03:04:05+00:00",
    ),
    "report_progress": (
        lambda c: c.report_progress(TOKEN, 57, (PROVISION,)),
        "POST",
        f"{ACCOUNT}/commissions/57/action",
        {"progress": {"quantities": [PROVISION]}},
        None,
        None,
    ),
    "get_commission_history": (
        lambda c: c.get_commission_history(TOKEN),
        "GET",
        f"{ACCOUNT}/commissions/history",
        None,
        {"history": [], "next": None},
        {"history": [], "next": None},
    ),
    "get_commission_history with filters": (
        lambda c: c.get_commission_history(TOKEN, source="", since="2031-01-01T00:00:00+00:00", limit=5),
        "GET",
        f"{ACCOUNT}/commissions/history?source=&since=2031-01-01T00%3A00%3A00%2B00%3A00&limit=5",
        None,
        {"history": [], "next": None},
        {"history": [], "next": None},
    ),
    "reconcile": (
        lambda c: c.reconcile(TOKEN, [{"usage": 1}], mend=True, name="count"),
        "POST",
        "/x/account/v1.0/reconcile",
        {"usage": [{"usage": 1}], "mend": True, "name": "count"},
        {"holdings": []},
        {"holdings": []},
    ),
    "resolve_commissions": (
        lambda c: c.resolve_commissions(TOKEN, [1, 2], (3,)),
        "POST",
        f"{ACCOUNT}/commissions/action",
        {"accept": [1, 2], "reject": [3]},
        {"accepted": [1, 2], "rejected": [3], "failed": []},
        {"accepted": [1, 2], "rejected": [3], "failed": []},
    ),
}


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


@pytest.mark.parametrize("key", ["", "k" * 256, "a\nb", "\u00e9", 5])
def test_an_idempotency_key_that_no_server_takes_is_refused(key: Any) -> None:
    with (
        AstakosClient("http://localhost:1") as client,
        pytest.raises(errors.BadValue, match="idempotency key"),
    ):
        client.issue_commission(TOKEN, {"provisions": []}, idempotency_key=key)


def test_every_documented_call_is_in_the_table() -> None:
    methods = {name for name in vars(Calls) if not name.startswith("_")} - {"commission", "lookups"}
    assert methods - {name.split()[0] for name in EVERY_CALL} == {
        "send_feedback",
        "introspect_token",
        "revoke_token",
    }


@pytest.mark.parametrize("slash", ["", "/", "///"])
def test_a_trailing_slash_of_the_base_url_does_not_matter(slash: str, peer_of: PeerFactory) -> None:
    peer = peer_of(answer([]))
    with AstakosClient(peer.url + slash) as client:
        client.get_services()
    assert peer.requests[0].target == "/ui/get_services"


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


def test_a_serial_can_also_be_text(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({}))
    with AstakosClient(peer.url) as client:
        client.get_commission_info(TOKEN, "17")  # type: ignore[arg-type]  # what is tested
    assert peer.requests[0].target == "/account/v1.0/commissions/17"


@pytest.mark.parametrize(
    "url",
    [
        None,
        17,
        "",
        "accounts.example.com",
        "ftp://h",
        "://h",
        "http://",
        "https:///path",
        "http://h:port",
        "http://h:0",
        "http://h:70000",
        "http://[::1",
        "http://h/x?y=1",
        "http://h/#f",
        "http://u:hunter2@h/",
        "http://h /x",
        "http://h\n/x",
        "http://a..b",
        f"http://{'a' * 70}.example.com",
    ],
)
def test_a_base_url_that_cannot_be_right_is_refused(url: Any) -> None:
    with pytest.raises(errors.BadValue, match="astakos_url") as refused:
        AstakosClient(url)
    assert "hunter2" not in repr(refused.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"retry": -1},
        {"retry": 1.5},
        {"retry": "3"},
        {"retry": True},
        {"pool_size": 0},
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": float("inf")},
        {"timeout": "1"},
    ],
)
def test_options_that_cannot_be_right_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(errors.BadValue):
        AstakosClient("http://localhost", **arguments)


def test_the_documented_arguments_of_the_constructor_are_positional() -> None:
    documented = ["astakos_url", "retry", "use_pool", "pool_size", "logger"]
    parameters = inspect.signature(DocumentedClient).parameters
    positional = [name for name, item in parameters.items() if item.kind is item.POSITIONAL_OR_KEYWORD]
    assert positional == documented


@pytest.mark.parametrize(
    "invoke",
    [
        lambda c: c.get_usernames(TOKEN, []),
        lambda c: c.get_uuid(TOKEN, "ada"),
        lambda c: c.issue_commission(TOKEN, {}),
        lambda c: c.get_pending_commissions(TOKEN),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe\xff",
        b"17",
        b'{"serial": "7"}',
        b'{"uuid_catalog": []}',
        b"[" * 100_000,
        b"{}",
    ],
)
def test_a_success_that_is_not_what_the_call_needs_is_an_invalid_response(
    invoke: Invoke, body: bytes, peer_of: PeerFactory
) -> None:
    peer = peer_of(answer(body=body))
    with AstakosClient(peer.url, retry=2) as client, pytest.raises(errors.InvalidResponse) as failed:
        invoke(client)
    error = failed.value
    assert error.status == 500
    assert error.response == error.details == body.decode("utf-8", "replace")
    assert str(error).startswith(f"{error.method} /account/v1.0/")
    assert len(peer.requests) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"17"])
def test_an_object_is_needed_where_one_is_promised(body: bytes, peer_of: PeerFactory) -> None:
    peer = peer_of(answer(body=body))
    with AstakosClient(peer.url) as client:
        for invoke in (client.get_quotas, client.get_user_info, client.get_endpoints):
            with pytest.raises(errors.InvalidResponse):
                invoke(TOKEN)


def test_answers_are_read_as_utf_8(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(body='{"uuid_catalog": {"u": "Ωραία"}}'.encode()))
    with AstakosClient(peer.url) as client:
        assert client.get_username(TOKEN, "u") == "Ωραία"


def test_a_transport_of_ones_own_carries_the_requests() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.requests: list[astakosclient.Request] = []

        def send(self, request: astakosclient.Request, timeout: Timeout) -> astakosclient.Answer:
            self.requests.append(request)
            if len(self.requests) == 1:
                raise TimeoutError("no luck")
            return astakosclient.Answer(200, "OK", {}, b"{}")

    recorder = Recorder()
    client = AstakosClient("https://h/x", Retry(1, base=0), transport=recorder)
    assert client.get_quotas(TOKEN) == {}
    assert [request.url for request in recorder.requests] == ["https://h/x/account/v1.0/quotas"] * 2
    assert ("X-Auth-Token", TOKEN) in recorder.requests[0].headers
    assert TOKEN not in repr(recorder.requests[0])


def test_nothing_secret_is_in_the_representation_of_a_client() -> None:
    assert repr(AstakosClient("https://h/x")) == "<DocumentedClient of https://h/x>"


@pytest.mark.parametrize("face", [AstakosClient, AsyncAstakosClient])
def test_the_url_of_the_identity_service_is_not_taken_for_the_base_url(face: Callable[[str], Any]) -> None:
    with pytest.raises(errors.BadValue, match="must be the base URL, https://h/astakos, without /identity/"):
        face("https://h/astakos/identity/v2.0/")
    assert repr(face("https://h/identity")).endswith("of https://h/identity>")


@pytest.mark.parametrize("face", [AstakosClient, AsyncAstakosClient])
def test_what_is_no_tls_context_is_refused_before_a_call_needs_it(face: Any) -> None:
    with pytest.raises(errors.BadValue, match="ssl_context must be an ssl"):
        face("https://h", ssl_context=False)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 1_000_001, 10**400, "5", (1, 2)])
@pytest.mark.parametrize("limit", ["total", "connect"])
def test_a_timeout_that_the_system_cannot_wait_for_is_refused(limit: str, seconds: Any) -> None:
    with pytest.raises(errors.BadValue, match=f"Timeout: {limit} must be a positive number of seconds"):
        Timeout(**{limit: seconds})


@pytest.mark.parametrize("is_pooled", [True, False])
def test_a_call_can_have_the_longest_timeout(is_pooled: bool, peer_of: PeerFactory) -> None:
    longest = Timeout(1_000_000, 1_000_000)
    with AstakosClient(peer_of(answer({})).url, use_pool=is_pooled, timeout=longest) as client:
        assert client.get_quotas(TOKEN) == {}


@pytest.mark.parametrize(
    "client",
    [
        AstakosClient("http://localhost"),
        AstakosClient("http://localhost").bind(TOKEN),
        AstakosClient(TOKEN, "http://localhost/identity/v2.0"),
        AsyncAstakosClient("http://localhost"),
        AsyncAstakosClient("http://localhost").bind(TOKEN),
    ],
    ids=lambda client: type(client).__name__,
)
def test_a_client_is_not_pickled_with_its_token_but_can_be_copied(client: Any) -> None:
    for duplicate in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match=f"{type(client).__name__} cannot be pickled or deep-copied"):
            duplicate(client)
    copied = copy.copy(client)
    assert type(copied) is type(client)
    assert vars(copied) == vars(client)
    assert repr(client.with_options(timeout=1)) == repr(client)
