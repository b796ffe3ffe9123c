"""What a client is made with: its URL, options, timeouts, and a transport of one's own."""

from __future__ import annotations

import copy
import inspect
import logging
import pickle
import ssl
from typing import TYPE_CHECKING, Any

import pytest

import astakosclient
from astakosclient import (
    AstakosClient,
    AsyncAstakosClient,
    DocumentedClient,
    HttpTransport,
    Retry,
    Timeout,
    errors,
)
from client.documented_calls import TOKEN
from client.peers import answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.conftest import PeerFactory


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
        "http://h/\ud800",
        "http://[v1.x]",
        "http://a..b",
        f"http://{'a' * 70}.example.com",
    ],
)
def test_a_base_url_that_cannot_be_right_is_refused(url: Any) -> None:
    with pytest.raises(errors.BadValue, match="astakos_url") as refused:
        AstakosClient(url)
    assert "hunter2" not in repr(refused.value)


@pytest.mark.parametrize("slash", ["", "/", "///"])
def test_a_trailing_slash_of_the_base_url_does_not_matter(slash: str, peer_of: PeerFactory) -> None:
    peer = peer_of(answer([]))
    with AstakosClient(peer.url + slash) as client:
        client.get_services()
    assert peer.requests[0].target == "/ui/get_services"


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


FACES = [
    AstakosClient,
    AsyncAstakosClient,
    lambda url, **options: AstakosClient(TOKEN, url, **options),
]


class _NoTransport:
    send = "me"


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        ("ssl_context", ssl.SSLContext),
        ("logger", "astakosclient"),
        ("transport", HttpTransport),
        ("transport", _NoTransport()),
        ("on_attempt", "print"),
        ("on_answer", 5),
    ],
)
def test_an_option_of_a_wrong_kind_is_refused_before_a_call_needs_it(
    face: Any, option: str, wrong: object
) -> None:
    with pytest.raises(errors.BadValue, match=f"{option} must be "):
        face("https://h/x", **{option: wrong})


def test_a_logger_of_a_wrong_kind_cannot_be_assigned_either() -> None:
    client: Any = AstakosClient(TOKEN, "https://h/x")
    with pytest.raises(errors.BadValue, match="logger must be a logging"):
        client.logger = "astakosclient"
    client.logger = logging.LoggerAdapter(logging.getLogger("own"), {})


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
