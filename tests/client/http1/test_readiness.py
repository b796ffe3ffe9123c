"""Calls work without `select.poll`, too: `eventlet.monkey_patch()` removes it, and Windows never had it."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
from typing import TYPE_CHECKING

import pytest

from astakosclient import AstakosClient, errors
from astakosclient.http1.readiness import readiness_of
from client.awaited import PATIENT, TOKEN, reading, send_once
from client.peers import answer, silence

if TYPE_CHECKING:
    from client.conftest import PeerFactory

GOOD = answer({"a": 1})


@pytest.fixture(params=["poll", "select"], autouse=True)
def _platform(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "select":
        monkeypatch.delattr(select, "poll")


def test_readiness_is_that_of_the_socket() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        readiness = readiness_of(ours)
        assert not readiness.readable_within(0)
        assert readiness.writable_within(0)
        assert not readiness.readable_within(0.01)
        with contextlib.suppress(BlockingIOError):
            while True:
                ours.send(bytes(100_000))
        assert not readiness.writable_within(0.01)
        theirs.send(b"x")
        assert readiness.readable_within(0)
        assert readiness.readable_within(5)


def test_calls_keep_connections_and_end_with_their_time(peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD, GOOD, silence)
    with AstakosClient(peer.url) as client:
        assert client.get_user_info(TOKEN)
        client.send_feedback(TOKEN, "large " * 500_000, "")
        with pytest.raises(errors.ConnectionError, match="timed out"):
            client.with_options(timeout=0.2).get_quotas(TOKEN)
    assert peer.accepted == 1


def test_a_connection_that_the_server_closed_is_noticed_before_use(peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD)
    with AstakosClient(peer.url) as client:
        client.get_quotas(TOKEN)
        peer.drop_connections()
        assert client.get_user_info(TOKEN)
    assert peer.accepted == 2


def test_awaited_calls_work(peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD)
    assert send_once(asyncio.run, peer.url, reading(peer), PATIENT).status == 200
