"""What is particular to event loops and websockets."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from astakosclient import AstakosClient
from astakosclient.middleware.asgi import ASGIAuthentication
from client.middleware.serving import PATIENCE_SECONDS, AwaitedClient, asgi_served, asking, await_that
from client.middleware.starlette_site import site as starlette_site
from client.middleware.stories import COOKIE, cookie_of
from client.peers import closed_port
from service.world import ALICE, UNKNOWN_TOKEN

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from service.caller import Caller


async def _unreachable(scope: Any, receive: Any, send: Any) -> None:
    pytest.fail("the application was reached")


async def _content(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _answers(application: Any, scope: dict[str, Any]) -> list[MutableMapping[str, Any]]:
    """What an application sends when it is called as a server calls it."""
    sent: list[MutableMapping[str, Any]] = []
    received = []

    async def receive() -> dict[str, Any]:
        received.append(scope["type"])
        return {"type": "websocket.connect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await application(scope, receive, send)
    assert received == ["websocket"] * (scope["type"] == "websocket")
    return sent


def _scope(token: str, kind: str = "http", **more: Any) -> dict[str, Any]:
    return {"type": kind, "path": "/", "headers": [(b"x-auth-token", token.encode())], **more}


def _talk(site: Caller, **headers: str) -> str:
    url = f"ws{site.base_url.removeprefix('http')}/talk"
    with connect(url, additional_headers=headers, proxy=None) as connection:
        return str(connection.recv(PATIENCE_SECONDS))


def test_websockets_are_let_through_or_refused_before_they_open(standing_service: Caller) -> None:
    with (
        asking(standing_service.base_url) as asked,
        asgi_served(ASGIAuthentication(starlette_site(), client=asked.client, cookie_name=COOKIE)) as site,
    ):
        assert ALICE.uuid in _talk(site, **{"X-Auth-Token": ALICE.token})
        assert ALICE.uuid in _talk(site, Cookie=cookie_of(ALICE))
        for headers in ({}, {"X-Auth-Token": UNKNOWN_TOKEN}):
            with pytest.raises(InvalidStatus) as refused:
                _talk(site, **headers)
            assert refused.value.response.status_code == 401
            assert "astakos" in refused.value.response.headers["WWW-Authenticate"]
    with AstakosClient(f"http://127.0.0.1:{closed_port()}") as client:
        guarded = ASGIAuthentication(starlette_site(), client=client)
        with asgi_served(guarded) as site, pytest.raises(InvalidStatus) as refused:
            _talk(site, **{"X-Auth-Token": ALICE.token})
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["Retry-After"] == "5"


@pytest.mark.parametrize(("token", "code"), [("", 1008), (ALICE.token, 1013)])
def test_a_server_that_cannot_answer_websockets_closes_them(token: str, code: int) -> None:
    with AstakosClient(f"http://127.0.0.1:{closed_port()}") as client:
        guarded = ASGIAuthentication(_unreachable, client=client)
        (message,) = asyncio.run(_answers(guarded, _scope(token, "websocket")))
    assert (message["type"], message["code"]) == ("websocket.close", code)


def test_the_lifespan_is_the_applications_own(standing_service: Caller) -> None:
    reached = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope)

    with asking(standing_service.base_url) as asked:
        scope = {"type": "lifespan"}
        asyncio.run(_answers(ASGIAuthentication(application, client=asked.client), scope))
        assert reached == [{"type": "lifespan"}]
        assert asked.times == 0


def test_what_was_in_the_scope_before_is_no_user(standing_service: Caller) -> None:
    scope = _scope("") | {
        "path": "/open",
        "astakos.user": "forged",
        "state": {"astakos_user": "forged", "x": 1},
    }
    with asking(standing_service.base_url) as asked:
        asyncio.run(_answers(ASGIAuthentication(_content, client=asked.client, exempt=["/open"]), scope))
    assert scope["astakos.user"] is None
    assert scope["state"] == {"astakos_user": None, "x": 1}


def test_one_who_leaves_does_not_take_the_answer_along(standing_service: Caller) -> None:
    async def story(guarded: ASGIAuthentication, gate: threading.Event, times: Any) -> None:
        first, second = (asyncio.create_task(_answers(guarded, _scope(ALICE.token))) for _ in range(2))
        await asyncio.to_thread(await_that, times)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        gate.set()
        assert (await second)[0]["status"] == 204
        # And if all leave, what they wanted to know is kept all the same.
        assert (await _answers(guarded, _scope(ALICE.token)))[0]["status"] == 204

    with asking(standing_service.base_url) as asked:
        asked.transport.open.clear()
        guarded = ASGIAuthentication(_content, client=AwaitedClient(asked.client))
        asyncio.run(story(guarded, asked.transport.open, lambda: asked.times))
        assert asked.times == 1


def test_the_loop_goes_on_while_a_synchronous_client_waits(standing_service: Caller) -> None:
    async def story(guarded: ASGIAuthentication, gate: threading.Event, times: Any) -> None:
        waiting = asyncio.create_task(_answers(guarded, _scope(ALICE.token)))
        await asyncio.to_thread(await_that, times)
        assert (await _answers(guarded, _scope("")))[0]["status"] == 401
        gate.set()
        assert (await waiting)[0]["status"] == 204

    with asking(standing_service.base_url) as asked:
        asked.transport.open.clear()
        guarded = ASGIAuthentication(_content, client=asked.client)
        asyncio.run(story(guarded, asked.transport.open, lambda: asked.times))


def test_several_event_loops_share_what_is_known(standing_service: Caller) -> None:
    with asking(standing_service.base_url) as asked:
        client = AwaitedClient(asked.client)
        guarded = ASGIAuthentication(_content, client=client)
        for _ in range(2):
            assert asyncio.run(_answers(guarded, _scope(ALICE.token)))[0]["status"] == 204
        assert asked.times == 1
        asked.transport.open.clear()
        threads = [
            threading.Thread(target=lambda: asyncio.run(_answers(guarded, _scope(UNKNOWN_TOKEN))))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        # Neither waits for what belongs to the other's loop.
        await_that(lambda: asked.times == 3)
        asked.transport.open.set()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()
        assert len(client.loops) == 3


def test_what_is_no_trouble_of_astakos_is_not_hidden() -> None:
    class Unsuitable:
        def get_user_info(self, token: str) -> None:
            raise TypeError(token)

        get_endpoints = get_user_info

    guarded = ASGIAuthentication(_unreachable, client=Unsuitable())
    with pytest.raises(TypeError):
        asyncio.run(_answers(guarded, _scope(ALICE.token)))
