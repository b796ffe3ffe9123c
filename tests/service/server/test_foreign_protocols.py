"""Who speaks another protocol to the port is told at once, before a whole head has come."""

import logging
import socket
import ssl
from urllib.parse import urlsplit

import pytest

from astakos.server.foreign_protocols import QUIET_SECONDS, ForeignPeers
from service.caller import Caller
from service.server.doubles import Wire
from service.server.test_server import connected, read_all

PROXY_2 = b"\r\n\r\n\0\r\nQUIT\n"
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


@pytest.mark.parametrize(
    ("sent", "status", "told"),
    [
        (HELLO, 400, b"This is TLS; this port speaks HTTP"),
        (b"PRI * HTTP/2.0\r\n", 505, b"not HTTP/2"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", 505, b"not HTTP/2"),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 8000\r\n", 400, b"X-Forwarded-For"),
        (b"PROXY UNKNOWN\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400, b"X-Forwarded-For"),
        (PROXY_2 + b"\x20\0\0\0", 400, b"X-Forwarded-For"),
        (PROXY_2 + b"\x21\x11\0\x0c" + bytes(12) + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400, b"PROXY"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", 400, b"METHOD target HTTP/1.1"),
        (b"EHLO mail.example.org\r\n", 400, b"METHOD target HTTP/1.1"),
        (b"PING\n", 400, b"METHOD target HTTP/1.1"),
        (b"\x05\x01\x00", 400, b"METHOD target HTTP/1.1"),
        (b"\x80\x2e\x01\x03\x00", 400, b"METHOD target HTTP/1.1"),
        (b"GET /\r\n", 400, b"METHOD target HTTP/1.1"),
        (b"GET / HTTP/3\r\n", 505, b"HTTP/1.1 and HTTP/1.0"),
    ],
)
def test_the_answer_comes_without_a_whole_head(
    standing_service: Caller, sent: bytes, status: int, told: bytes
) -> None:
    with connected(standing_service) as connection:
        connection.sendall(sent)
        # The peer keeps its side open, and waits.
        answered = read_all(connection)
    assert answered.startswith(b"HTTP/1.1 %d " % status)
    assert b"connection: close" in answered
    assert told in answered


@pytest.mark.parametrize("sent", [b"G", b"GET / HTTP/1.1", b"\r", b"\r\n\r", b"GET / HTTP/1.1\r\nHost:"])
def test_what_can_become_a_request_is_waited_for(sent: bytes) -> None:
    wire = Wire()
    for at in range(len(sent)):
        wire.send(sent[at : at + 1])
    assert wire.statuses == []
    assert not wire.is_over


def test_a_client_with_https_learns_that_there_is_no_tls(standing_service: Caller) -> None:
    parts = urlsplit(standing_service.base_url)
    context = ssl.create_default_context()
    with (
        socket.create_connection((parts.hostname, parts.port), timeout=20) as opened,
        pytest.raises(ssl.SSLError) as failed,
    ):
        context.wrap_socket(opened, server_hostname="localhost")
    assert not isinstance(failed.value, TimeoutError)
    assert failed.value.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}


def test_an_offer_of_a_websocket_is_answered_as_any_request(standing_service: Caller) -> None:
    answered = standing_service.raw(
        b"GET /astakos/healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert answered.startswith(b"HTTP/1.1 200 ")


def test_operators_are_told_how_many_and_from_where(caplog: pytest.LogCaptureFixture) -> None:
    wire = Wire()
    wire.send(HELLO)
    assert wire.statuses == [400]
    with caplog.at_level(logging.WARNING):
        wire.server.foreign_peers.tell(1.0)
    assert [record.getMessage() for record in caplog.records] == [
        "1 connections began with TLS, the last one from 192.0.2.7; this port speaks HTTP/1.1"
    ]


def test_they_are_told_no_more_often_than_every_ten_minutes(caplog: pytest.LogCaptureFixture) -> None:
    peers = ForeignPeers()
    with caplog.at_level(logging.WARNING):
        for second in range(2 * int(QUIET_SECONDS)):
            for _ in range(3):
                peers.note("TLS", ("192.0.2.1", second + 1))
            peers.tell(1000.0 + second)
    counts = [record.getMessage().split()[0] for record in caplog.records]
    assert counts == ["3", str(3 * int(QUIET_SECONDS))]
