"""Connections that clients of one process share."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING

from astakosclient.v0_16.later_client import LaterClient
from client.peers import answer
from client.v0_16.catalogues import catalogue

if TYPE_CHECKING:
    from client.conftest import PeerFactory


def test_clients_with_a_pool_use_one_connection_after_the_other(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(catalogue()))
    for number in range(5):
        with LaterClient(f"token-of-user-{number}", f"{peer.url}/identity/v2.0", use_pool=True) as client:
            client.get_endpoints()
    assert peer.accepted == 1
    assert [request.headers["x-auth-token"] for request in peer.requests] == [
        f"token-of-user-{number}" for number in range(5)
    ]


def test_the_first_of_them_says_how_many_may_be_open(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(catalogue()))
    clients = [LaterClient("t", peer.url, use_pool=True, pool_size=size) for size in (1, 8)]
    start = threading.Barrier(16)

    def call() -> None:
        start.wait()
        for client in clients:
            client.get_endpoints()

    threads = [threading.Thread(target=call) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(peer.requests) == 32
    assert peer.accepted == 1


def test_clients_without_a_pool_have_connections_of_their_own(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(catalogue()))
    for _ in range(3):
        with LaterClient("t", peer.url) as client:
            client.get_endpoints()
            client.get_endpoints()
    assert peer.accepted == 3


def test_other_servers_have_other_connections(peer_of: PeerFactory) -> None:
    peers = [peer_of(answer(catalogue())) for _ in range(2)]
    for peer in peers:
        LaterClient("t", peer.url, use_pool=True).get_endpoints()
    assert [peer.accepted for peer in peers] == [1, 1]


def test_who_verifies_servers_in_another_way_does_not_share(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(catalogue()))
    LaterClient("t", peer.url, use_pool=True).get_endpoints()
    context = ssl.create_default_context()
    with LaterClient("t", peer.url, use_pool=True, ssl_context=context) as client:
        client.get_endpoints()
    assert peer.accepted == 2
