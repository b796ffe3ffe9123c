"""Asynchronous connections over TLS and through proxies."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING

import pytest

from astakosclient import Timeout, errors
from astakosclient.http1.aio.async_transport import AsyncHttpTransport
from client.awaited import PATIENT, reading, send_once, writing
from client.http1.event_loops import Run, every_loop, hold_up
from client.http1.sync.test_tls import server_context
from client.http1.sync.test_transport import BODY, GOOD
from client.http1.test_proxies import CREDENTIALS, tunnel_to
from client.peers import (
    CERTIFICATE,
    answer,
    silence,
    then_close,
)

if TYPE_CHECKING:
    from client.conftest import PeerFactory
    from client.peers import Step

pytestmark = pytest.mark.filterwarnings("ignore::astakosclient.errors.InsecureConnectionWarning")


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATE))


@every_loop
def test_a_certificate_of_nobody_we_know_is_refused(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD, tls=server_context())
    with pytest.raises(errors.ConnectionError, match="verify") as failed:
        send_once(run, peer.url, writing(peer))
    assert not failed.value.sent
    assert isinstance(failed.value.errobject, ssl.SSLCertVerificationError)
    assert peer.requests == []


@every_loop
def test_a_certificate_for_another_host_is_refused(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD, tls=server_context())
    url = peer.url.replace("localhost", "127.0.0.2")
    with pytest.raises(errors.ConnectionError):
        send_once(run, url, reading(url), ssl_context=trusting())
    assert peer.requests == []


@every_loop
def test_calls_go_over_kept_tls_connections(run: Run, peer_of: PeerFactory) -> None:
    body = os.urandom(1_000_000)
    peer = peer_of(answer(body=body), tls=server_context())

    async def main() -> None:
        async with AsyncHttpTransport(peer.url, ssl_context=trusting()) as transport:
            for _ in range(3):
                assert (await transport.send(writing(peer, body), PATIENT)).body == body
            peer.drop_connections()
            hold_up(0.02)
            await transport.send(writing(peer), PATIENT)

    run(main())
    assert (peer.accepted, len(peer.requests)) == (2, 4)


@every_loop
@pytest.mark.parametrize("step", [then_close(b"HTTP/1.1 400 Bad Request\r\n\r\n"), silence])
def test_a_peer_that_does_not_speak_tls_was_not_sent_anything(
    step: Step, run: Run, peer_of: PeerFactory
) -> None:
    peer = peer_of(step)
    url = peer.url.replace("http:", "https:")
    with pytest.raises(errors.ConnectionError) as failed:
        send_once(run, url, writing(url), Timeout(total=0.3))
    assert not failed.value.sent


@every_loop
def test_http_goes_through_the_proxy_with_the_whole_url(
    run: Run, peer_of: PeerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = peer_of(GOOD)
    monkeypatch.setenv("HTTP_PROXY", f"http://us%3Aer:p%C3%A4@localhost:{proxy.port}")
    send_once(run, "http://accounts.test", reading("http://accounts.test"))
    [request] = proxy.requests
    assert request.target == "http://accounts.test/quotas"
    assert request.headers["host"] == "accounts.test"
    assert request.headers["proxy-authorization"] == CREDENTIALS


@every_loop
def test_https_goes_through_a_tunnel(run: Run, peer_of: PeerFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    server = peer_of(GOOD, tls=server_context())
    proxy = peer_of(tunnel_to(server.port))
    monkeypatch.setenv("https_proxy", f"http://us%3Aer:p%C3%A4@localhost:{proxy.port}")

    async def main() -> None:
        async with AsyncHttpTransport(server.url, ssl_context=trusting()) as transport:
            for _ in range(2):
                assert (await transport.send(writing(server), PATIENT)).body == BODY

    run(main())
    [connect] = proxy.requests
    assert (connect.method, connect.target) == ("CONNECT", f"localhost:{server.port}")
    assert connect.headers["proxy-authorization"] == CREDENTIALS
    assert "x-auth-token" not in connect.headers
    assert len(server.requests) == 2
    assert "proxy-authorization" not in server.requests[0].headers


@every_loop
@pytest.mark.parametrize(
    "refusal",
    [
        answer(status="407 Proxy Authentication Required"),
        then_close(b"garbage\r\n\r\n"),
        then_close(b""),
        then_close(b"HTTP/1.1 200 OK\r\n\r\ntoo early"),
        silence,
    ],
)
def test_a_proxy_that_refuses_means_not_sent(
    refusal: Step, run: Run, peer_of: PeerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = peer_of(refusal)
    monkeypatch.setenv("https_proxy", f"http://user:hunter2@localhost:{proxy.port}")
    url = "https://accounts.test"
    with pytest.raises(errors.ConnectionError, match="proxy") as failed:
        send_once(run, url, writing(url), Timeout(total=2, connect=0.5))
    assert not failed.value.sent
    assert "hunter2" not in repr(failed.value)
