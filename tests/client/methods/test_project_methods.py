"""Every call about projects, made by the documented client and awaited: the same as in the client of 0.16."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from astakosclient import AstakosClient, AsyncAstakosClient
from client.peers import answer
from client.v0_16.test_project_client import EVERY_CALL, path_of

if TYPE_CHECKING:
    from astakosclient.v0_16.later_client import LaterClient
    from client.conftest import PeerFactory

TOKEN = "the-token-of-a-user"


@pytest.mark.parametrize("name", EVERY_CALL)
def test_each_call_sends_its_request_and_returns_its_answer(name: str, peer_of: PeerFactory) -> None:
    invoke, method, target, body, status, document = EVERY_CALL[name]
    peer = peer_of(answer(document, status))

    async def call() -> Any:
        async with AsyncAstakosClient(f"{peer.url}/astakos") as client:
            # Awaited, it has the methods of the other.
            return await invoke(cast("LaterClient", client.bind(TOKEN)))

    with AstakosClient(f"{peer.url}/astakos") as client:
        assert invoke(cast("LaterClient", client.bind(TOKEN))) == document
    assert asyncio.run(call()) == document
    for request in peer.requests:
        assert (request.method, request.target) == (method, path_of(target))
        assert request.headers["x-auth-token"] == TOKEN
        assert (request.json if request.body else None) == body
    assert len(peer.requests) == 2
