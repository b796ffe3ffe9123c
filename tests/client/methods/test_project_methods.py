"""Every call about projects, made by the documented client and awaited: the same as in the client of 0.16."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from astakosclient import AstakosClient, AsyncAstakosClient
from client.peers import answer
from client.v0_16.test_project_client import EVERY_CALL, path_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from astakosclient.client import BoundClient
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


@pytest.mark.parametrize(
    ("call", "target"),
    [
        (lambda c: c.get_projects(), "/projects"),
        (lambda c: c.get_projects(after="a-uuid", limit=10), "/projects?after=a-uuid&limit=10"),
        (lambda c: c.get_projects(mode="active", limit=0), "/projects?mode=active&limit=0"),
        (
            lambda c: c.get_memberships("a-uuid", after=0, limit=5),
            "/projects/memberships?project=a-uuid&after=0&limit=5",
        ),
    ],
)
def test_lists_can_be_asked_for_in_pages(
    call: Callable[[BoundClient], Any], target: str, peer_of: PeerFactory
) -> None:
    peer = peer_of(answer([]))
    with AstakosClient(f"{peer.url}/astakos") as client:
        assert call(client.bind(TOKEN)) == []
    assert peer.requests[0].target == f"/astakos/account/v1.0{target}"
