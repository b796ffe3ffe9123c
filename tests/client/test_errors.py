"""The exception tree: what each one keeps, and what its text says."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import weakref
from http.client import IncompleteRead
from typing import TYPE_CHECKING

import pytest

from astakosclient import AstakosClient, AsyncAstakosClient, Retry, errors
from astakosclient.errors import AstakosClientException
from client.peers import answer, fault, hang_up, then_close

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from client.conftest import PeerFactory
    from client.peers import Step

SAMPLES: list[AstakosClientException] = [
    AstakosClientException("Teapot", "short and stout", 418, "body", OSError(5, "inner")),
    errors.BadValue("holder must not be None"),
    errors.ConnectionError(ConnectionRefusedError(111, "Connection refused"), sent=False, peer="h:80"),
    errors.ConnectionError(IncompleteRead(b"partial", 10)),
    errors.InvalidResponse("The response is not JSON", "<html>", response="<html>"),
    errors.SecretLost({"prefix": "astk_k2m4p6q8", "key": None, "message": "Rotate the key."}),
    errors.BadRequest("Bad Request", "details"),
    errors.Unauthorized("Unauthorized", "details"),
    errors.Forbidden("Forbidden", "details"),
    errors.NotFound("Not Found", "details", response="details"),
    errors.QuotaLimit("headline", "sentence", response="{}"),
    errors.NoUserName("some-uuid"),
    errors.NoUUID("ada"),
    errors.NoEndpoints("astakos_account", None, "default", "v1.0"),
]


def name_of(error: AstakosClientException) -> str:
    return type(error).__name__


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))],
    ids=["copy", "deepcopy", "pickle"],
)
@pytest.mark.parametrize("error", SAMPLES, ids=name_of)
def test_every_exception_survives_copying_and_pickling(
    error: AstakosClientException, duplicate: Callable[[AstakosClientException], AstakosClientException]
) -> None:
    error.during("GET", "/account/v1.0/quotas")
    twin = duplicate(error)
    assert type(twin) is type(error)
    assert twin.args == error.args == (error.message, error.details, error.status)
    assert str(twin) == str(error)
    theirs, ours = dict(vars(twin)), dict(vars(error))
    assert repr(theirs.pop("errobject")) == repr(ours.pop("errobject"))
    assert theirs == ours


@pytest.mark.parametrize("error", SAMPLES, ids=name_of)
def test_every_exception_has_the_documented_attributes(error: AstakosClientException) -> None:
    assert isinstance(error, AstakosClientException)
    for attribute in ("message", "details", "status", "response", "errobject"):
        assert hasattr(error, attribute)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.BadRequest, 400),
        (errors.Unauthorized, 401),
        (errors.Forbidden, 403),
        (errors.NotFound, 404),
        (errors.QuotaLimit, 413),
        (errors.InvalidResponse, 500),
    ],
)
def test_the_status_of_a_class_wins(kind: type[AstakosClientException], status: int) -> None:
    assert kind.status == status
    assert kind("message", "details", 299).status == status


def test_defaults_are_those_of_the_documented_constructor() -> None:
    error = AstakosClientException()
    assert error.args == ("", "", 500)
    assert (error.response, error.errobject) == (None, None)
    assert AstakosClientException("m", "d", 409).status == 409


def test_a_quota_limit_has_no_figures_unless_told() -> None:
    error = errors.QuotaLimit()
    figures = (error.resource, error.limit, error.usage, error.requested, error.available)
    assert figures == (None,) * 5


def test_no_endpoints_names_all_criteria() -> None:
    text = str(errors.NoEndpoints("astakos_account", "account", None, "v1.0"))
    assert text == "No endpoints with name 'astakos_account', type 'account', versionId 'v1.0'"
    assert str(errors.NoEndpoints()) == "No endpoints in the service catalog"


def test_a_connection_error_says_whether_the_server_was_reached() -> None:
    refused = errors.ConnectionError(OSError("refused"), sent=False, peer="h:80")
    lost = errors.ConnectionError(TimeoutError())
    assert str(refused) == "cannot reach h:80: refused"
    assert str(lost.during("GET", "/x")) == "GET /x: no usable response from the server: TimeoutError"
    assert refused.message == "refused"
    assert isinstance(refused.errobject, OSError)


def test_the_text_quotes_the_server_briefly() -> None:
    assert len(str(AstakosClientException("Oops", "x" * 10_000, 500))) < 300
    garbled = errors.ConnectionError(OSError("y" * 10_000 + "\n"))
    assert len(str(garbled)) < 300


@pytest.mark.parametrize(
    "error",
    [errors.NoUserName("u" * 100_000), errors.NoUUID("n" * 100_000), errors.BadValue("d" * 100_000)],
)
def test_the_text_is_short_however_long_the_arguments_were(error: AstakosClientException) -> None:
    error.during("GET", "/service_quotas?user=" + "u" * 100_000)
    assert len(str(error)) < 1300
    assert len(error.path) > 100_000


def test_the_text_is_one_line_that_cannot_control_a_terminal() -> None:
    error = AstakosClientException("Oops", "two\r\nlines\x1b[2J\x00", 500)
    assert str(error) == "500 Oops: two lines?[2J?"


@pytest.mark.parametrize(
    ("headers", "is_foreign"),
    [
        ("Content-Type: text/html; charset=utf-8\r\n", True),
        ("Content-Type: application/json\r\n", False),
        ("", False),
    ],
)
def test_a_page_in_place_of_an_answer_hints_at_the_url(
    headers: str, is_foreign: bool, peer_of: PeerFactory
) -> None:
    peer = peer_of(answer(body=b"<html>", headers=headers))
    with AstakosClient(peer.url) as client, pytest.raises(errors.InvalidResponse) as failed:
        client.get_quotas("token")
    assert failed.value.message == "The response is not JSON"
    assert ("check the scheme, host and path of the URL" in str(failed.value)) is is_foreign


ENDS: dict[str, Step] = {
    "a refusal": fault("unauthorized", 401, "no", "401 Unauthorized"),
    "no answer": hang_up,
    "half an answer": then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"),
    "what is not JSON": answer(body=b"<html>"),
}


def failed_call(url: str) -> weakref.ref[AstakosClientException]:
    with AstakosClient(url, Retry(1, base=0)) as client:
        try:
            client.get_quotas("token-token")
        except AstakosClientException as error:
            return weakref.ref(error)
    pytest.fail("did not fail")


def failed_awaited_call(url: str) -> weakref.ref[AstakosClientException]:
    async def main() -> weakref.ref[AstakosClientException]:
        async with AsyncAstakosClient(url, Retry(1, base=0)) as client:
            try:
                await client.get_quotas("token-token")
            except AstakosClientException as error:
                return weakref.ref(error)
        pytest.fail("did not fail")

    return asyncio.run(main())


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize("call", [failed_call, failed_awaited_call])
@pytest.mark.parametrize("end", [*ENDS, "no connection"])
def test_an_exception_is_gone_as_soon_as_nobody_has_it(
    end: str, call: Callable[[str], weakref.ref[AstakosClientException]], peer_of: PeerFactory
) -> None:
    """With its traceback, in whose frames the request is, token and all."""
    url = "http://localhost:1" if end == "no connection" else peer_of(ENDS[end]).url
    assert call(url)() is None
