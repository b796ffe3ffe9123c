"""Connections that are encrypted, and whom they are to."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from typing import TYPE_CHECKING

import pytest

from astakosclient import AstakosClient, Timeout, errors
from client.awaited import reading, send_once
from client.peers import CERTIFICATE, KEY, answer, resolve_all_to, then_close

if TYPE_CHECKING:
    from client.conftest import PeerFactory

TOKEN = "UQpYas7ElzWGD5yCcEXtjw"
DOCUMENT = {"system": {"cyclades.vm": {"limit": 4, "usage": 1, "pending": 0}}}
GOOD = answer(DOCUMENT)


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    return context


def test_a_server_that_cannot_be_verified_is_refused(peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD, tls=server_context())
    with AstakosClient(peer.url) as client, pytest.raises(errors.ConnectionError, match="verify") as failed:
        client.issue_commission(TOKEN, {})
    assert not failed.value.sent
    assert isinstance(failed.value.errobject, ssl.SSLCertVerificationError)
    assert peer.requests == []


def test_a_certificate_for_another_host_is_refused(peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD, tls=server_context())
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    url = peer.url.replace("localhost", "127.0.0.2")
    with AstakosClient(url, ssl_context=context) as client, pytest.raises(errors.ConnectionError):
        client.get_quotas(TOKEN)
    assert peer.requests == []


def test_a_context_of_ones_own_decides_whom_to_trust(peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD, tls=server_context())
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    with AstakosClient(peer.url, ssl_context=context) as client:
        for _ in range(3):
            assert client.get_quotas(TOKEN) == DOCUMENT
    assert (peer.accepted, len(peer.requests)) == (1, 3)


def test_a_server_that_does_not_answer_the_handshake_is_named_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with (
            AstakosClient(url, timeout=Timeout(total=5, connect=0.05)) as client,
            pytest.raises(errors.ConnectionError, match=r": the TLS handshake timed out \(") as failed,
        ):
            client.issue_commission(TOKEN, {})
    assert not failed.value.sent


def test_a_trailing_dot_is_for_the_resolver_and_not_for_tls(
    peer_of: PeerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = peer_of(GOOD, tls=server_context())
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    asked = resolve_all_to(peer.port, monkeypatch)
    url = peer.url.replace("localhost", "localhost.")
    with AstakosClient(url, ssl_context=context) as client:
        assert client.get_quotas(TOKEN) == DOCUMENT
    assert send_once(asyncio.run, url, reading(url), ssl_context=context).status == 200
    assert asked == ["localhost."] * 2


def test_a_tls_server_that_closed_is_noticed(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({"serial": 7}), tls=server_context())
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    with AstakosClient(peer.url, ssl_context=context) as client:
        client.issue_commission(TOKEN, {})
        peer.drop_connections()
        time.sleep(0.02)
        client.issue_commission(TOKEN, {})
    assert peer.accepted == 2


def test_a_peer_that_does_not_speak_tls_was_not_sent_anything(peer_of: PeerFactory) -> None:
    peer = peer_of(then_close(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    url = peer.url.replace("http:", "https:")
    with AstakosClient(url, timeout=0.3) as client, pytest.raises(errors.ConnectionError) as failed:
        client.issue_commission(TOKEN, {})
    assert not failed.value.sent


def test_the_authorities_of_the_system_are_trusted_by_default(
    peer_of: PeerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = peer_of(GOOD, tls=server_context())
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with AstakosClient(peer.url) as client:
        assert client.get_quotas(TOKEN) == DOCUMENT


def demanding_context() -> ssl.SSLContext:
    context = server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(CERTIFICATE)
    return context


def test_a_server_that_wants_a_certificate_gets_that_of_the_context(peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD, tls=demanding_context())
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    context.load_cert_chain(CERTIFICATE, KEY)
    with AstakosClient(peer.url, ssl_context=context) as client:
        assert client.get_quotas(TOKEN) == DOCUMENT


def test_a_server_that_wants_a_certificate_and_gets_none_answers_nothing(peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD, tls=demanding_context())
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    with AstakosClient(peer.url, ssl_context=context) as client, pytest.raises(errors.ConnectionError):
        client.get_quotas(TOKEN)
    assert peer.requests == []


def test_a_large_answer_is_read_whole(peer_of: PeerFactory) -> None:
    document = {str(number): "x" * 100 for number in range(20_000)}
    peer = peer_of(answer(document), tls=server_context())
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    with AstakosClient(peer.url, ssl_context=context) as client:
        for _ in range(2):
            answered: object = client.get_quotas(TOKEN)
            assert answered == document
    assert peer.accepted == 1
