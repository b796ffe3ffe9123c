"""What becomes of an answer that is no success."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from astakosclient import AstakosClient, errors
from client.peers import answer, fault
from service.world import ALICE

if TYPE_CHECKING:
    from client.conftest import PeerFactory
    from service.caller import Caller

TOKEN = "UQpYas7ElzWGD5yCcEXtjw"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("301 Moved", errors.AstakosClientException),
        ("304 Not Modified", errors.AstakosClientException),
        ("400 Bad Request", errors.BadRequest),
        ("401 Unauthorized", errors.Unauthorized),
        ("403 Forbidden", errors.Forbidden),
        ("404 Not Found", errors.NotFound),
        ("405 Method Not Allowed", errors.AstakosClientException),
        ("409 Conflict", errors.Conflict),
        ("413 Request Entity Too Large", errors.AstakosClientException),
        ("500 Internal Server Error", errors.AstakosClientException),
        ("503 Service Unavailable", errors.AstakosClientException),
    ],
)
def test_each_status_has_its_exception(
    status: str, kind: type[errors.AstakosClientException], peer_of: PeerFactory
) -> None:
    code, reason = status.split(" ", 1)
    peer = peer_of(answer({"someFault": {"code": 1, "message": "because"}}, status))
    with AstakosClient(f"{peer.url}/x") as client, pytest.raises(errors.AstakosClientException) as failed:
        client.get_quotas(TOKEN)
    error = failed.value
    assert type(error) is kind
    assert (error.status, error.message) == (int(code), reason)
    assert (error.method, error.path) == ("GET", "/x/account/v1.0/quotas")
    if code != "304":
        assert error.details == error.response == '{"someFault": {"code": 1, "message": "because"}}'
        assert error.fault == "someFault"
        assert (
            str(error) == f"GET /x/account/v1.0/quotas: {code} {reason}: because (request {error.request_id})"
        )


NO_FAULT = [b"<html>no JSON</html>", b"[1]", b'{"a": 1}', b'{"a": {"message": 5}}', b"\xff", b"17"]


@pytest.mark.parametrize("body", [b"", *NO_FAULT])
def test_an_unusual_body_of_a_fault_is_kept_but_not_quoted(body: bytes, peer_of: PeerFactory) -> None:
    peer = peer_of(answer(status="409 Conflict", body=body))
    with AstakosClient(peer.url) as client, pytest.raises(errors.AstakosClientException) as failed:
        client.accept_commission(TOKEN, 7)
    assert failed.value.details == failed.value.response == body.decode("utf-8", "replace")
    assert (
        str(failed.value)
        == f"POST /account/v1.0/commissions/7/action: 409 Conflict (request {failed.value.request_id})"
    )


@pytest.mark.parametrize(
    "status", ["301 Moved", "307 Temporary Redirect", "404 Not Found", "405 Not Allowed"]
)
@pytest.mark.parametrize("body", NO_FAULT)
def test_what_another_server_says_at_a_wrong_url_is_told_apart(
    body: bytes, status: str, peer_of: PeerFactory
) -> None:
    peer = peer_of(answer(status=status, body=body))
    with AstakosClient(peer.url) as client, pytest.raises(errors.AstakosClientException) as failed:
        client.accept_commission(TOKEN, 7)
    assert f": {status}: this is not an answer of Astakos: check the scheme," in str(failed.value)
    assert failed.value.details == body.decode("utf-8", "replace")


@pytest.mark.parametrize("path", ["", "/elsewhere"])
def test_a_url_with_a_wrong_path_is_told_apart(path: str, service: Caller) -> None:
    url = service.base_url.removesuffix("/astakos") + path
    with AstakosClient(url) as client, pytest.raises(errors.NotFound) as failed:
        client.get_user_info(ALICE.token)
    assert "404 Not Found: this is not an answer of Astakos: check the scheme," in str(failed.value)


def test_a_fault_without_a_message_is_one_nevertheless(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({"itemNotFound": {"code": 404, "message": None}}, "404 Not Found"))
    with AstakosClient(peer.url) as client, pytest.raises(errors.NotFound) as failed:
        client.issue_commission(TOKEN, {})
    assert failed.value.fault == "itemNotFound"
    assert "404 Not Found (request" in str(failed.value)


def test_a_missing_reason_is_filled_in(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(status="404"))
    with AstakosClient(peer.url) as client, pytest.raises(errors.NotFound) as failed:
        client.get_services()
    assert failed.value.message == "Not Found"


def test_redirects_are_not_followed(peer_of: PeerFactory) -> None:
    other = peer_of(answer({}))
    peer = peer_of(answer(status="302 Found", headers=f"Location: {other.url}/\r\n"))
    with AstakosClient(peer.url) as client, pytest.raises(errors.AstakosClientException) as failed:
        client.get_quotas(TOKEN)
    assert failed.value.status == 302
    assert other.accepted == 0


def test_a_token_that_the_server_repeats_is_not_in_the_text(peer_of: PeerFactory) -> None:
    peer = peer_of(fault("unauthorized", 401, f"bad token {TOKEN}", f"401 No {TOKEN}"))
    with AstakosClient(peer.url) as client, pytest.raises(errors.Unauthorized) as failed:
        client.get_quotas(TOKEN)
    assert TOKEN not in str(failed.value)
    assert TOKEN not in repr(failed.value)
    assert "bad token" in str(failed.value)


def test_the_time_to_wait_is_kept(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(status="503 Busy", headers="Retry-After: 120\r\n"))
    with AstakosClient(peer.url) as client, pytest.raises(errors.AstakosClientException) as failed:
        client.get_quotas(TOKEN)
    assert failed.value.retry_after == 120


def over_limit(resource: str = "cyclades.vm", **changes: Any) -> dict[str, Any]:
    provision = {"holder": "h", "source": "s", "resource": resource, "quantity": 5}
    data = {"name": "NoCapacityError", "provision": provision, "usage": 3, "limit": 4} | changes
    return {"overLimit": {"message": "free text", "code": 413, "data": data}}


def refusal_of(document: Any, peer_of: PeerFactory) -> errors.QuotaLimit:
    peer = peer_of(answer(document, "413 Too Large"))
    with AstakosClient(peer.url, retry=2) as client, pytest.raises(errors.QuotaLimit) as refused:
        client.issue_one_commission(TOKEN, "h", "s", {"cyclades.vm": 5})
    assert len(peer.requests) == 1
    return refused.value


@pytest.mark.parametrize(
    ("resource", "label"),
    [
        ("cyclades.disk", "Disk"),
        ("cyclades.vm", "Virtual Machine"),
        ("cyclades.cpu", "CPU"),
        ("cyclades.ram", "RAM"),
        ("cyclades.floating_ip", "Floating IP address"),
        ("cyclades.network.private", "Private Network"),
        ("pithos.diskspace", "Storage space"),
        ("astakos.pending_app", "Pending Applications"),
        ("gpu.hours", "gpu.hours"),
    ],
)
def test_a_refused_commission_is_told_to_people_and_to_programs(
    resource: str, label: str, peer_of: PeerFactory
) -> None:
    error = refusal_of(over_limit(resource), peer_of)
    assert error.status == 413
    assert error.message == "The account's resource limit is exceeded"
    assert error.details == f"{label}: available 1, requested 5."
    assert json.loads(error.response or "") == over_limit(resource)
    assert (error.resource, error.limit, error.usage) == (resource, 4, 3)
    assert (error.requested, error.available) == (5, 1)
    assert error.fault == "overLimit"
    assert str(error).endswith(f"{error.details} (limit of h) (request {error.request_id})")


def test_a_release_beyond_the_usage_has_negative_figures(peer_of: PeerFactory) -> None:
    provision = {"holder": "h", "source": "s", "resource": "cyclades.vm", "quantity": -5}
    error = refusal_of(over_limit(limit=0, provision=provision), peer_of)
    assert (error.available, error.requested) == (-3, -5)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"overLimit": 5},
        {"overLimit": {"data": None, "message": "why", "code": 413}},
        over_limit(limit="4"),
        over_limit(usage=True),
        over_limit(provision={}),
        over_limit(provision=[]),
        over_limit(provision={"resource": None, "quantity": 5}),
    ],
)
def test_a_refusal_that_cannot_be_read_is_still_a_quota_limit(
    document: Any, peer_of: PeerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    error = refusal_of(document, peer_of)
    assert (error.message, error.details) == ("Too Large", "")
    assert error.response == ("" if document is None else json.dumps(document))
    assert (error.available, error.limit, error.resource) == (None, None, None)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


@pytest.mark.parametrize(
    ("name", "quantity", "story"),
    [
        (
            "NoCapacityError",
            4,
            "limit is exceeded: cyclades.x: available 3, requested 4. (limit of project:lab)",
        ),
        (
            "NoQuantityError",
            -9,
            "released than is in use: cyclades.x: in use 5, requested -9. (usage of project:lab)",
        ),
    ],
)
def test_a_refusal_says_whose_limit_it_is_and_what_is_wrong(
    name: str, quantity: int, story: str, peer_of: PeerFactory
) -> None:
    provision = {"holder": "project:lab", "source": None, "resource": "cyclades.x", "quantity": quantity}
    data = {"name": name, "provision": provision, "limit": 8, "usage": 5}
    peer = peer_of(answer({"overLimit": {"code": 413, "message": "m", "data": data}}, "413 Too Large"))
    with AstakosClient(peer.url) as client, pytest.raises(errors.QuotaLimit) as refused:
        client.issue_commission(TOKEN, {})
    assert story in str(refused.value)
    assert refused.value.holder == "project:lab"
