"""No secret leaves by a log line or a text."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import pickle
import traceback
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

import astakosclient
from astakosclient import AstakosClient, AsyncAstakosClient, Retry, errors
from astakosclient.calls.standard_tokens import ClientCredentials
from astakosclient.core.redaction import fingerprint, without_secrets
from astakosclient.middleware.admission import Credential
from client.documented_calls import EVERY_CALL
from client.peers import answer, closed_port, fault, gzipped, hang_up

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "UQpYas7ElzWGD5yCcEXtjw"
API_KEY = f"astk_k3j9x2mq_{'4jYfZ0w' * 7}"
PROXY_PASSWORD = "hunter2"


def everything_said(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join([*(record.getMessage() for record in caplog.records), caplog.text])


FAILURES = {
    "a token in the answer": answer({"access": {"token": {"id": TOKEN}}, "serial": TOKEN}),
    "a list": answer([TOKEN]),
    "no JSON": answer(body=f"not JSON {TOKEN}".encode()),
    "no JSON, packed": gzipped(f"not JSON {TOKEN}".encode()),
    "401": fault("unauthorized", 401, f"unknown token {TOKEN}", f"401 Who is {TOKEN}"),
    "413": fault("overLimit", 413, f"unknown token {TOKEN}", "413 Too Large"),
    "503": answer({"f": {"message": TOKEN}}, "503 Busy"),
    "302": answer(status="302 Found", headers=f"Location: /?X-Auth-Token={TOKEN}\r\n"),
    "garbage": f"garbage {TOKEN}\r\n\r\n".encode(),
    "garbage that is cut in the token": f"{'x' * 20}{TOKEN}\r\n\r\n".encode(),
    "a chunk size": f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{TOKEN}\r\n".encode(),
    "a malformed header": f"HTTP/1.1 200 OK\r\n{TOKEN} x: y\r\n\r\n".encode(),
    "no answer": hang_up,
}


def by_hand(url: str, name: str) -> None:
    with AstakosClient(url, Retry(1, base=0), timeout=5) as client:
        EVERY_CALL[name][0](client)


def awaited(url: str, name: str) -> None:
    async def call() -> None:
        async with AsyncAstakosClient(url, Retry(1, base=0), timeout=5) as client:
            await EVERY_CALL[name][0](cast("AstakosClient", client))

    asyncio.run(call())


def objects_of_ours(error: BaseException) -> list[object]:
    """What a debugger or an error reporter would show of the frames that the error went through."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    values = [value for frame in frames for value in frame.f_locals.values()]
    return [value for value in values if type(value).__module__.startswith("astakosclient")]


def everything_kept(error: BaseException | None) -> list[str]:
    """What an exception holds, alone and pickled, and so do those behind it."""
    texts = []
    while error is not None:
        texts += [str(error), repr(error.args), repr(vars(error)), repr(pickle.dumps(error))]
        texts += traceback.format_exception_only(error)
        error = error.__cause__ or error.__context__
    return texts


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("face", [by_hand, awaited])
def test_no_record_text_or_object_of_any_call_shows_a_token(
    face: Callable[[str, str], None], failure: str, peer_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    peer = peer_of(FAILURES[failure])
    texts = []
    # These have no token: this peer can only repeat one because the test told it.
    names = EVERY_CALL.keys() - {"get_services", "get_resources"}
    for name in names:
        try:
            face(peer.url, name)
        except errors.AstakosClientException as error:
            shown = [error, *objects_of_ours(error)]
            texts += [str(error), *map(repr, shown), *everything_kept(error)]
    said = "\n".join([*texts, everything_said(caplog)])
    assert TOKEN[:12] not in said
    assert fingerprint(TOKEN) in said
    assert len(caplog.records) >= len(names)


def variables_within(error: BaseException) -> list[str]:
    """The variables of all frames of the client, but for those that have the arguments of the caller."""
    found = []
    for frame, _ in traceback.walk_tb(error.__traceback__):
        module = frame.f_globals["__name__"]
        if module.startswith("astakosclient.") and not module.startswith("astakosclient.methods."):
            found += [f"{module}: {name} = {value!r}" for name, value in frame.f_locals.items()]
    return found


@pytest.mark.parametrize("failure", ["refused", "no answer", "no HTTP"])
@pytest.mark.parametrize("face", [by_hand, awaited])
def test_the_variables_of_the_frames_of_a_failed_call_show_no_token(
    face: Callable[[str, str], None], failure: str, peer_of: Any
) -> None:
    steps = {"no answer": hang_up, "no HTTP": b"SSH-2.0-OpenSSH\r\n"}
    url = f"http://127.0.0.1:{closed_port()}" if failure == "refused" else peer_of(steps[failure]).url
    shown = []
    for name in EVERY_CALL:
        with pytest.raises(errors.ConnectionError) as failed:
            face(url, name)
        error: BaseException | None = failed.value
        while error is not None:
            shown += variables_within(error)
            error = error.__cause__ or error.__context__
    assert "<Message of " in "".join(shown)
    assert [variable for variable in shown if TOKEN[:12] in variable] == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_variables_of_a_failed_tunnel_show_no_password_of_the_proxy(
    scheme: str, peer_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = peer_of(hang_up).url.replace("://", f"://user:{PROXY_PASSWORD}@")
    monkeypatch.setenv("ALL_PROXY", proxy)
    with (
        AstakosClient(f"{scheme}://accounts.localhost") as client,
        pytest.raises(errors.ConnectionError) as failed,
    ):
        client.get_quotas(TOKEN)
    encoded = base64.b64encode(f"user:{PROXY_PASSWORD}".encode()).decode()
    error: BaseException | None = failed.value
    shown = []
    while error is not None:
        shown += variables_within(error)
        error = error.__cause__ or error.__context__
    assert "<Message of " in "".join(shown)
    for secret in (TOKEN, PROXY_PASSWORD, encoded):
        assert secret not in "".join(shown)


@pytest.mark.parametrize(
    "credentials", [ClientCredentials("notebook", TOKEN), Credential(TOKEN, from_cookie=True)], ids=type
)
def test_the_values_that_carry_a_secret_do_not_show_it(credentials: object) -> None:
    assert TOKEN not in repr(credentials)
    assert type(credentials).__name__ in repr(credentials)


def test_failures_to_connect_are_told_without_secrets(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("ALL_PROXY", f"http://user:{PROXY_PASSWORD}@127.0.0.1:{closed_port()}")
    client = AstakosClient("https://accounts.test", Retry(1, base=0))
    with pytest.raises(errors.ConnectionError) as failed:
        client.get_quotas(TOKEN)
    said = "\n".join([str(failed.value), repr(failed.value), repr(client), everything_said(caplog)])
    assert "accounts.test" in said
    assert TOKEN not in said
    assert PROXY_PASSWORD not in said


def test_one_debug_line_for_each_attempt(peer_of: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    peer = peer_of(answer(status="503 Busy"), answer({}))
    with AstakosClient(peer.url, Retry(1, base=0)) as client:
        client.service_get_quotas("ключ".encode().decode("latin-1"), user="u")
    lines = [record.getMessage() for record in caplog.records if record.levelname == "DEBUG"]
    assert len(lines) == 2
    assert lines[0].startswith("GET /account/v1.0/service_quotas?user=u -> 503 in ")
    assert " ms (request " in lines[1]
    assert ", token " in lines[1]


def test_nothing_is_said_or_configured_unasked(peer_of: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    peer = peer_of(answer({}))
    root_before = list(logging.getLogger().handlers)
    with AstakosClient(peer.url) as client:
        client.get_quotas(TOKEN)
    logger = logging.getLogger("astakosclient")
    assert caplog.records == []
    assert (logger.handlers, logger.level, logger.propagate) == ([], logging.NOTSET, True)
    assert logging.getLogger().handlers == root_before
    assert astakosclient.__name__ == logger.name


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_has_a_fingerprint_that_does_not_show_it(token: str) -> None:
    assert len(fingerprint(token)) == 8
    assert fingerprint(token) == fingerprint(token)


def test_no_token_has_no_fingerprint() -> None:
    assert fingerprint(None) == "none"


@pytest.mark.parametrize(
    "spelling", ["a/token+of/base64==", "a%2Ftoken%2Bof%2Fbase64%3D%3D", r"a\/token+of\/base64=="]
)
def test_a_repeated_token_is_redacted_as_urls_and_json_spell_it(spelling: str, peer_of: Any) -> None:
    peer = peer_of(answer(status="400 Bad Request", body=f"no such token: {spelling}!".encode()))
    with AstakosClient(peer.url) as client, pytest.raises(errors.BadRequest) as refused:
        client.get_quotas("a/token+of/base64==")
    error = refused.value
    assert error.details == error.response == error.args[1] == "no such token: [secret]!"


def test_what_a_server_says_otherwise_is_kept_as_it_is(peer_of: Any) -> None:
    peer = peer_of(fault("badRequest", 400, "no quantity", "400 Bad Request"))
    with AstakosClient(peer.url) as client, pytest.raises(errors.BadRequest) as refused:
        client.get_quotas(TOKEN)
    assert json.loads(refused.value.details)["badRequest"]["message"] == "no quantity"


def test_exceptions_of_the_callers_own_are_left_alone(peer_of: Any) -> None:
    peer = peer_of(hang_up)

    caught: list[ValueError] = []

    def call_in_a_handler() -> None:
        try:
            int(TOKEN)
        except ValueError as own:
            caught.append(own)
            client.get_quotas(TOKEN)

    with AstakosClient(peer.url) as client, pytest.raises(errors.ConnectionError):
        call_in_a_handler()
    assert TOKEN in str(caught[0])


def test_an_api_key_in_the_wrong_place_is_in_no_exception(peer_of: Any) -> None:
    peer = peer_of(fault("badRequest", 400, f"there is no project {API_KEY}", "400 Bad Request"))
    with AstakosClient(peer.url) as client, pytest.raises(errors.BadRequest) as refused:
        client.get_project(TOKEN, API_KEY)
    kept = [str(refused.value), repr(refused.value), repr(refused.value.args), repr(vars(refused.value))]
    assert not [text for text in kept if API_KEY in text]
    assert "there is no project astk_k3j9x2mq_[secret]" in str(refused.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.get_key(TOKEN, API_KEY),
        lambda client: client.change_key(TOKEN, API_KEY, name="x"),
        lambda client: client.rotate_key(TOKEN, API_KEY),
        lambda client: client.revoke_key(TOKEN, API_KEY),
        lambda client: client.get_key_quotas(TOKEN, API_KEY),
        lambda client: client.get_periods(TOKEN, "llm.tokens/month", key=API_KEY),
        lambda client: client.get_commission_history(TOKEN, key=API_KEY),
        lambda client: client.issue_one_commission(TOKEN, "u", "system", {}, key=API_KEY),
    ],
)
def test_a_whole_key_in_place_of_its_prefix_is_not_sent(call: Any, peer_of: Any) -> None:
    peer = peer_of(hang_up)
    with AstakosClient(peer.url) as client, pytest.raises(errors.BadValue) as refused:
        call(client)
    assert "must be the prefix of the key, astk_k3j9x2mq, not the key itself" in str(refused.value)
    assert API_KEY not in repr(refused.value)
    assert peer.requests == []


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/account/v1.0/quotas", "/account/v1.0/quotas"),
        ("/q?user=a&x-auth-token=s3cret&b=c", "/q?user=a&x-auth-token=[secret]&b=c"),
        ("/q?X-Auth-Token=s3cret", "/q?X-Auth-Token=[secret]"),
        (
            "/x/identity/v2.0/tokens/s3cret/more?belongsTo=s3cret",
            "/x/identity/v2.0/tokens/[secret]?belongsTo=[secret]",
        ),
        ("/identity/v2.0/tokens", "/identity/v2.0/tokens"),
        (f"/q?user={API_KEY}&b=c", "/q?user=astk_k3j9x2mq_[secret]&b=c"),
        (f"/projects/{API_KEY}", "/projects/astk_k3j9x2mq_[secret]"),
        ("/keys/astk_k3j9x2mq", "/keys/astk_k3j9x2mq"),
    ],
)
def test_secrets_in_a_path_or_query_are_blanked(target: str, shown: str) -> None:
    assert without_secrets(target) == shown
    request = astakosclient.Request("GET", "https://h", target)
    assert "s3cret" not in repr(request)


def test_a_token_too_short_to_be_a_secret_does_not_garble_texts(peer_of: Any) -> None:
    peer = peer_of(fault("unauthorized", 401, "try another token", "401 Unauthorized"))
    with AstakosClient(peer.url) as client, pytest.raises(errors.Unauthorized, match="try another token"):
        client.get_quotas("t")
