"""Every call of the documented client, awaited: the same requests and results."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from astakosclient import AsyncAstakosClient
from client.documented_calls import EVERY_CALL, TOKEN
from client.peers import answer

if TYPE_CHECKING:
    from astakosclient import AstakosClient
    from client.conftest import PeerFactory


@pytest.mark.parametrize("name", EVERY_CALL)
def test_each_call_sends_its_request_and_returns_its_answer(name: str, peer_of: PeerFactory) -> None:
    invoke, method, target, body, document, result = EVERY_CALL[name]
    peer = peer_of(answer(document))

    async def call() -> Any:
        async with AsyncAstakosClient(f"{peer.url}/x") as client:
            return await invoke(cast("AstakosClient", client))

    assert asyncio.run(call()) == result
    [request] = peer.requests
    assert (request.method, request.target) == (method, target)
    assert (json.loads(request.body) if request.body else None) == body
    if name not in {"get_services", "get_resources"}:
        assert request.headers["x-auth-token"] == TOKEN
