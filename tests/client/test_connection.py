"""Whatever comes in, an answer or a ConnectionError comes out."""

from __future__ import annotations

import gzip
import socket
import time

from hypothesis import example, given
from hypothesis import strategies as st

from astakosclient import Answer, errors
from astakosclient.connection import Connection
from client.peers import answer, chunked

PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 204 \r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.0 200\r\n",
        b"HTTP/9.9 999 X\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: -3\r\n",
        b"Content-Length: \xff\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Connection: close\r\n",
        b": \r\n folded\r\n",
        b"\r\n",
        b"\n",
        b"\0",
        b"5\r\nabcde\r\n",
        b"-7\r\n",
        b"ffffffffffffffff\r\n",
        b"0\r\n\r\n",
        b"hello",
        gzip.compress(b"hello"),
        chunked(b"hello"),
        answer({"a": 1}),
    ]
)


@given(st.lists(st.one_of(PIECES, st.binary(max_size=20)), max_size=12).map(b"".join))
@example(answer({"a": 1}))
def test_no_bytes_whatsoever_raise_anything_else(data: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        connection = Connection(ours, "the peer")
        try:
            got = connection.exchange("GET", b"GET / HTTP/1.1\r\n\r\n", time.monotonic() + 5, 1000)
        except errors.ConnectionError as error:
            outcome: object = error.sent
        else:
            outcome = isinstance(got, Answer) and got.status >= 200
        connection.close()
    assert outcome is True


def test_nothing_was_sent_if_the_system_took_nothing() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        connection = Connection(ours, "the peer")
        theirs.close()
        outcome = []
        for request in (b"x", b"x" * 10_000_000):
            try:
                connection.exchange("POST", request, time.monotonic() + 1, 1000)
            except errors.ConnectionError as error:
                outcome.append(error.sent)
        connection.close()
    assert outcome == [False, False]


def test_a_part_may_have_been_sent_if_the_system_took_some() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = Connection(ours, "the peer")
        try:
            connection.exchange("POST", b"x" * 10_000_000, time.monotonic() + 0.05, 1000)
        except errors.ConnectionError as error:
            outcome = (error.sent, type(error.errobject))
        connection.close()
    assert outcome == (True, TimeoutError)
