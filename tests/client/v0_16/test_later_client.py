"""Calls of the later client, its arguments, and what it never shows."""

from __future__ import annotations

import base64
import inspect
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from astakosclient import Answer, Request, Timeout, errors
from astakosclient.v0_16.later_client import LaterClient
from client.peers import answer, fault, hang_up
from client.v0_16.every_later_call import (
    ACCESS_TOKEN,
    ACCOUNT,
    AUTH,
    CATALOGUE,
    CODE,
    EVERY_CALL,
    EVERY_IDENTITY_CALL,
    LAB,
    NAMES,
    SECRET,
    TOKEN,
    UUID,
    Invoke,
    client_of,
)

if TYPE_CHECKING:
    from client.conftest import PeerFactory
    from client.peers import Step


@pytest.mark.parametrize("name", EVERY_CALL)
def test_a_call_goes_where_the_catalogue_says(name: str, peer_of: PeerFactory) -> None:
    invoke, method, target, document, answered, result = EVERY_CALL[name]
    peer = peer_of(CATALOGUE, answer(answered))
    with client_of(peer) as client:
        assert invoke(client) == result
    discovery, request = peer.requests
    assert (discovery.method, discovery.target, discovery.body) == ("POST", f"{AUTH}/tokens", b"")
    assert discovery.headers["content-length"] == "0"
    assert (request.method, request.target) == (method, target)
    assert (request.json if request.body else None) == document
    for sent in peer.requests:
        assert sent.headers["x-auth-token"] == TOKEN


@pytest.mark.parametrize("name", EVERY_IDENTITY_CALL)
def test_the_identity_service_is_where_it_was_said_to_be(name: str, peer_of: PeerFactory) -> None:
    invoke, method, target, document, answered, result = EVERY_IDENTITY_CALL[name]
    peer = peer_of(answer(answered))
    with client_of(peer) as client:
        assert invoke(client) == result
    [request] = peer.requests
    assert (request.method, request.target) == (method, target)
    assert (request.json if request.body else None) == document
    assert request.headers["x-auth-token"] == TOKEN


def test_feedback_is_sent_as_a_form(peer_of: PeerFactory) -> None:
    peer = peer_of(CATALOGUE, answer())
    with client_of(peer) as client:
        client.send_feedback("It & that", "a=b")
    request = peer.requests[1]
    assert request.target == f"{ACCOUNT}/feedback"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.body.decode()) == {"feedback_msg": ["It & that"], "feedback_data": ["a=b"]}


def test_a_code_is_exchanged_for_an_access_token(peer_of: PeerFactory) -> None:
    granted = {"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 20}
    peer = peer_of(CATALOGUE, answer(granted, headers="Content-Type: text/html\r\n"))
    with client_of(peer) as client:
        found = client.get_token("authorization_code", "viewer", SECRET, code=CODE, redirect_uri=None)
    assert found == granted
    request = peer.requests[1]
    assert (request.method, request.target) == ("POST", "/astakos/oauth2/token")
    assert (
        request.headers["authorization"] == "Basic " + base64.b64encode(f"viewer:{SECRET}".encode()).decode()
    )
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.body.decode()) == {"grant_type": ["authorization_code"], "code": [CODE]}


@pytest.mark.parametrize("key", ["error_description", "exception"])
def test_a_refusal_of_oauth2_says_why_and_repeats_no_secret(key: str, peer_of: PeerFactory) -> None:
    peer = peer_of(
        CATALOGUE, answer({"error": "invalid_grant", key: f"the code {CODE} has expired"}, "400 Bad Request")
    )
    with client_of(peer) as client, pytest.raises(errors.BadRequest) as refused:
        client.get_token("authorization_code", "viewer", SECRET, code=CODE)
    assert refused.value.fault == "invalid_grant"
    assert "400 Bad Request: invalid_grant: the code [secret] has expired (request " in str(refused.value)


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "405 Method Not Allowed"])
def test_a_wrong_auth_url_is_named_where_the_catalog_is_missing(status: str, peer_of: PeerFactory) -> None:
    peer = peer_of(answer(body=b"<html>", status=status))
    with LaterClient(TOKEN, peer.url) as client, pytest.raises(errors.AstakosClientException) as failed:
        client.get_quotas()
    assert f"{status}: no service catalog is there: check auth_url" in str(failed.value)


def test_a_server_that_speaks_https_is_named_where_the_catalog_is_missing(peer_of: PeerFactory) -> None:
    said = b"<center>The plain HTTP request was sent to HTTPS port</center>"
    peer = peer_of(answer(body=said, status="400 Bad Request"))
    with LaterClient(TOKEN, peer.url) as client, pytest.raises(errors.BadRequest) as failed:
        client.get_quotas()
    assert "the server speaks https there, not http" in str(failed.value)


def test_a_client_or_the_holder_of_a_token_asks_about_another_and_ends_it(peer_of: PeerFactory) -> None:
    document = {"active": False}
    secret = {"client_id": "viewer", "client_secret": SECRET}
    peer = peer_of(CATALOGUE, *[answer(document)] * 2, *[answer(body=b"")] * 3)
    with client_of(peer) as client:
        assert client.introspect_token(ACCESS_TOKEN, address="192.0.2.7") == document
        assert client.introspect_token(ACCESS_TOKEN, **secret) == document
        client.revoke_token(ACCESS_TOKEN)
        client.revoke_token(ACCESS_TOKEN, **secret)
        client.revoke_token(ACCESS_TOKEN, client_id="app")
        with pytest.raises(errors.BadValue, match="client_secret"):
            client.introspect_token(ACCESS_TOKEN, client_id="viewer")
    basic = "Basic " + base64.b64encode(f"viewer:{SECRET}".encode()).decode()
    introspect, revoke = "/astakos/oauth2/introspect", "/astakos/oauth2/revoke"
    asked = [
        (
            request.target,
            request.headers.get("x-auth-token"),
            request.headers.get("authorization"),
            {name: value for name, [value] in parse_qs(request.body.decode()).items()},
        )
        for request in peer.requests[1:]
    ]
    subject = {"token": ACCESS_TOKEN}
    assert asked == [
        (introspect, TOKEN, None, subject | {"address": "192.0.2.7"}),
        (introspect, None, basic, subject),
        (revoke, TOKEN, None, subject),
        (revoke, None, basic, subject),
        (revoke, None, None, subject | {"client_id": "app"}),
    ]


@pytest.mark.parametrize(
    ("method", "signature"),
    [
        ("authenticate", "(tenant_name=None)"),
        ("get_endpoints", "(extra=False)"),
        ("validate_token", "(token_id, belongs_to=None)"),
        ("get_token", "(grant_type, client_id, client_secret, **body_params)"),
        ("introspect_token", "(token_id, *, address=None, client_id=None, client_secret=None)"),
        ("revoke_token", "(token_id, *, client_id=None, client_secret=None)"),
        ("get_usernames", "(uuids)"),
        ("service_get_uuids", "(display_names)"),
        ("service_get_quotas", "(user=None, project_id=None, project=None)"),
        ("service_get_project_quotas", "(project_id=None, project=None)"),
        ("mk_provisions", "(holder, source, resource, quantity)"),
        ("set_default_project", "(project_id)"),
        ("get_projects", "(name=None, state=None, owner=None, mode=None, *, after=None, limit=None)"),
        ("get_project", "(project_id)"),
        ("create_project", "(specs, *, idempotency_key=None)"),
        ("modify_project", "(project_id, specs, *, idempotency_key=None)"),
        ("project_action", "(project_id, action, reason='')"),
        ("application_action", "(project_id, app_id, action, reason='')"),
        ("get_memberships", "(project_id=None, project=None, *, after=None, limit=None)"),
        ("get_membership", "(memb_id)"),
        ("membership_action", "(memb_id, action, reason='')"),
        ("join_project", "(project_id, *, idempotency_key=None)"),
        ("enroll_member", "(project_id, email, *, idempotency_key=None)"),
    ],
)
def test_the_arguments_are_the_documented_ones(method: str, signature: str) -> None:
    found = inspect.signature(getattr(LaterClient, method))
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in found.parameters.values()][
        1:
    ]
    assert str(inspect.Signature(bare)) == signature


def test_all_charges_may_have_a_name_force_and_immediate_acceptance() -> None:
    for method in (LaterClient.issue_commission_generic, LaterClient.issue_resource_reassignment):
        parameters = list(inspect.signature(method).parameters.values())[3:6]
        assert [(parameter.name, parameter.default) for parameter in parameters] == [
            ("name", ""),
            ("force", False),
            ("auto_accept", False),
        ]


def test_the_constructor_takes_the_documented_arguments_in_their_order() -> None:
    parameters = list(inspect.signature(LaterClient).parameters.values())[:7]
    assert {parameter.name: parameter.default for parameter in parameters} == {
        "token": inspect.Parameter.empty,
        "auth_url": inspect.Parameter.empty,
        "retry": 0,
        "use_pool": False,
        "pool_size": 8,
        "logger": None,
        "headers": None,
    }


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((None, "http://h"), "token must not be None"),
        (("t", None), "auth_url must not be None"),
        (("t", "ftp://h"), "auth_url must begin with http:// or https://"),
        (("t", "http://h", -1), "retry must be a number of retries"),
        (("t", "http://h", 0, False, 0), "pool_size must be 1 or more"),
        (("t", "http://h", 0, False, 8, None, {"Host": "g"}), "headers: Host is set by the transport"),
    ],
)
def test_arguments_that_cannot_be_right_are_refused(arguments: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(errors.BadValue) as refused:
        LaterClient(*arguments)
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    "invoke",
    [
        lambda c: c.get_username(None),
        lambda c: c.service_get_uuid(None),
        lambda c: c.send_feedback(None, ""),
        lambda c: c.get_commission_info(None),
        lambda c: c.commission_action(7, None),
        lambda c: c.resolve_commissions([], None),
        lambda c: c.issue_one_commission(None, {}),
        lambda c: c.issue_one_commission(UUID, None),
        lambda c: c.issue_one_commission(UUID, "system", None),
        lambda c: c.validate_token(None),
        lambda c: c.validate_token(".."),
        lambda c: c.set_default_project(None),
        lambda c: c.get_project(None),
        lambda c: c.create_project(None),
        lambda c: c.application_action(LAB, None, "approve"),
        lambda c: c.enroll_member(LAB, None),
    ],
)
def test_missing_arguments_are_refused_before_anything_is_sent(invoke: Invoke, peer_of: PeerFactory) -> None:
    peer = peer_of(CATALOGUE)
    with client_of(peer) as client, pytest.raises(errors.BadValue):
        invoke(client)
    assert peer.requests == []


def test_an_argument_too_many_is_told_by_the_name_of_the_call(peer_of: PeerFactory) -> None:
    with client_of(peer_of(CATALOGUE)) as client, pytest.raises(TypeError, match="issue_one_commission"):
        client.issue_one_commission(UUID, {(LAB, "vm"): 1}, "", False, True, "more")  # type: ignore[call-overload]


def test_another_token_holds_from_the_next_call_on(peer_of: PeerFactory) -> None:
    peer = peer_of(CATALOGUE, answer({}))
    with client_of(peer) as client:
        client.get_quotas()
        client.token = "another"
        client.get_quotas()
    assert [request.headers["x-auth-token"] for request in peer.requests] == [TOKEN, TOKEN, "another"]


def test_retry_and_logger_can_be_changed(peer_of: PeerFactory, caplog: pytest.LogCaptureFixture) -> None:
    peer = peer_of(CATALOGUE, fault("serviceUnavailable", 503, "", "503 No"), answer({}))
    with client_of(peer) as client:
        assert (client.retry, client.logger.name) == (0, "astakosclient")
        client.account_prefix  # noqa: B018 - a look at the catalogue
        client.retry = 1
        client.logger = logging.getLogger("another")
        assert client.get_quotas() == {}
        assert client.retry == 1
        with pytest.raises(errors.BadValue):
            client.retry = -1
    assert {record.name for record in caplog.records if "retrying" in record.getMessage()} == {"another"}


def test_headers_of_the_callers_own_go_with_every_request(peer_of: PeerFactory) -> None:
    peer = peer_of(CATALOGUE, answer(NAMES))
    own = {"X-Tenant": "7", "User-Agent": "mine", "x-auth-token": "forged", "Content-Type": "text/plain"}
    with client_of(peer, headers=own) as client:
        own["X-Tenant"] = "8"
        client.get_uuid("Ada")
    for request in peer.requests:
        assert request.headers["x-tenant"] == "7"
        assert request.headers["user-agent"] == "mine"
        assert request.headers["x-auth-token"] == TOKEN
        assert request.headers["content-type"] == "application/json"


def test_a_refusal_says_what_was_available(peer_of: PeerFactory) -> None:
    provision = {"holder": "h", "source": "s", "resource": "cyclades.vm", "quantity": 4}
    refused = {"code": 413, "message": "no", "data": {"provision": provision, "limit": 4, "usage": 1}}
    peer = peer_of(CATALOGUE, answer({"overLimit": refused}, "413 Request Entity Too Large"))
    with client_of(peer) as client, pytest.raises(errors.QuotaLimit) as failed:
        client.issue_one_commission(UUID, {(LAB, "cyclades.vm"): 4})
    error = failed.value
    assert error.message == "The account's resource limit is exceeded"
    assert error.details == "Virtual Machine: available 3, requested 4."
    assert (error.available, error.requested, error.status) == (3, 4, 413)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400 Bad", errors.BadRequest),
        ("401 No", errors.Unauthorized),
        ("403 Never", errors.Forbidden),
        ("404 Gone", errors.NotFound),
        ("409 Conflict", errors.AstakosClientException),
    ],
)
def test_refusals_are_those_of_the_documented_client(
    status: str, kind: type[errors.AstakosClientException], peer_of: PeerFactory
) -> None:
    peer = peer_of(CATALOGUE, answer(body=b"because", status=status))
    with client_of(peer, retry=2) as client, pytest.raises(kind) as failed:
        client.get_project(LAB)
    assert (failed.value.status, failed.value.details) == (int(status[:3]), "because")
    assert len(peer.requests) == 2


def test_a_commission_that_may_have_arrived_is_not_sent_again(peer_of: PeerFactory) -> None:
    peer = peer_of(CATALOGUE, hang_up)
    with client_of(peer, retry=5) as client, pytest.raises(errors.ConnectionError) as failed:
        client.issue_one_commission(UUID, {(LAB, "vm"): 1})
    assert failed.value.sent
    sent = [request.target for request in peer.requests if request.method == "POST"]
    assert sent == [f"{AUTH}/tokens", f"{ACCOUNT}/commissions"]


SECRET_CALLS: dict[str, Invoke] = {
    "authenticate": lambda c: c.authenticate(),
    "validate_token": lambda c: c.validate_token(ACCESS_TOKEN, "https://viewer"),
    "get_token": lambda c: c.get_token("authorization_code", "viewer", SECRET, code=CODE),
    "get_quotas": lambda c: c.get_quotas(),
    "introspect_token": lambda c: c.introspect_token(ACCESS_TOKEN),
    "revoke_token": lambda c: c.revoke_token(ACCESS_TOKEN, client_id="viewer", client_secret=SECRET),
}


SECRETS = (
    TOKEN,
    ACCESS_TOKEN,
    SECRET,
    CODE,
    base64.b64encode(f"viewer:{SECRET}".encode()).decode(),
    "credential",
)


@pytest.mark.parametrize("name", SECRET_CALLS)
@pytest.mark.parametrize(
    "step",
    [
        answer({"echo": SECRETS}),
        fault("badRequest", 400, " ".join(SECRETS), f"400 {' '.join(SECRETS)}"),
        answer(body=" ".join(SECRETS).encode()),
        hang_up,
    ],
)
def test_nothing_secret_is_in_logs_exceptions_or_the_last_traffic(
    name: str, step: Step, peer_of: PeerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    peer = peer_of(CATALOGUE, step)
    texts = []
    with client_of(peer, headers={"X-Own": "credential"}) as client:
        client.account_prefix  # noqa: B018 - a look at the catalogue
        try:
            SECRET_CALLS[name](client)
        except errors.AstakosClientException as error:
            texts += [str(error), repr(error)]
        texts += [repr(client), str(client.log_request), str(client.log_response), caplog.text]
    # What was sent in this call is its secret; of what the others send it knows nothing.
    sent = str(peer.requests[-1])
    assert sent.count("credential") == 1
    for secret in SECRETS:
        if secret in sent:
            assert not [text for text in texts if secret in text]


def test_a_transport_of_ones_own_carries_the_requests() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.urls: list[str] = []

        def send(self, request: Request, timeout: Timeout) -> Answer:
            self.urls.append(request.url)
            body = CATALOGUE.partition(b"\r\n\r\n")[2] if request.url.endswith("/tokens") else b"{}"
            return Answer(200, "OK", {}, body)

    recorder = Recorder()
    client = LaterClient(TOKEN, "https://h/x/identity/v2.0/", transport=recorder, timeout=5)
    assert client.get_quotas() == {}
    assert recorder.urls == [
        "https://h/x/identity/v2.0/tokens",
        "https://h/astakos/account/v1.0/quotas",
    ]
    client.close()


def test_nothing_secret_is_in_the_representation_of_a_client() -> None:
    assert repr(LaterClient(TOKEN, "https://h/x")) == "<LaterClient of https://h/x>"
