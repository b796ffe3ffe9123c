"""What is charged while a request is handled is charged to the key with which it was made."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults

import pytest

from astakosclient import AstakosClient, AsyncAstakosClient
from astakosclient.core.request_key import HANDLED, RequestKey, key_of_request
from astakosclient.middleware.asgi import ASGIAuthentication
from astakosclient.middleware.wsgi import WSGIAuthentication
from service.http.keyed import made
from service.world import ALICE, BOB, COMPUTE_TOKEN, LAB, VM

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from astakosclient.middleware import AuthenticatedUser
    from service.caller import Caller

NOT_A_KEY = object()


def usage(service: Caller, key: dict[str, Any]) -> int:
    with AstakosClient(service.base_url) as client:
        return client.get_key_quotas(ALICE.token, key["prefix"])[VM]["usage"]


@pytest.mark.parametrize("is_made_while_sent", [False, True])
def test_wsgi(service: Caller, is_made_while_sent: bool) -> None:
    key = made(service, ALICE.token, limits={VM: 5})
    with AstakosClient(service.base_url) as client:
        compute = client.bind(COMPUTE_TOKEN)

        def charge(user: AuthenticatedUser) -> Iterable[bytes]:
            with compute.commission(user.uuid, LAB, {VM: 1}):
                yield b"done"

        def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            start_response("200 OK", [])
            body = charge(environ["astakos.user"])
            return body if is_made_while_sent else list(body)

        guarded = WSGIAuthentication(app, client=client)

        def call(token: str) -> bytes:
            environ: dict[str, Any] = {"HTTP_X_AUTH_TOKEN": token}
            setup_testing_defaults(environ)
            return b"".join(guarded(environ, lambda *_: lambda _: None))

        assert call(key["key"]) == b"done"
        assert usage(service, key) == 1
        assert call(ALICE.token) == b"done"
        assert usage(service, key) == 1
        assert key_of_request(ALICE.uuid) is None


def test_asgi(service: Caller) -> None:
    key = made(service, ALICE.token, limits={VM: 5})

    async def story() -> None:
        async with AsyncAstakosClient(service.base_url) as client:
            compute = client.bind(COMPUTE_TOKEN)

            async def app(scope: Any, _receive: Any, _send: Any) -> None:
                user = scope["astakos.user"]
                async with compute.commission(f"user:{user.uuid}", f"project:{LAB}", {VM: 1}):
                    pass
                async with compute.commission(BOB.uuid, LAB, {VM: 1}):
                    pass
                async with compute.commission(user.uuid, LAB, {VM: 1}, key=None):
                    pass

            guarded = ASGIAuthentication(app, client=client)

            async def call(token: str) -> None:
                headers = [(b"x-auth-token", token.encode())]
                await guarded({"type": "http", "path": "/", "headers": headers}, nothing, nothing)

            await asyncio.gather(call(key["key"]), call(ALICE.token), call(key["key"]))
            assert key_of_request(ALICE.uuid) is None

    asyncio.run(story())
    assert usage(service, key) == 2


async def nothing(*_: Any) -> Any:
    """Receives or sends nothing."""


def test_a_key_counts_for_its_user_alone() -> None:
    before = HANDLED.set(RequestKey(ALICE.uuid, "astk_abcdefgh"))
    try:
        assert key_of_request(ALICE.uuid) == key_of_request(f"user:{ALICE.uuid}") == "astk_abcdefgh"
        assert key_of_request(BOB.uuid) is key_of_request(NOT_A_KEY) is None
    finally:
        HANDLED.reset(before)
