"""Whatever comes in, and in whatever packets, an answer or a ConnectionError comes out."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import http.client
import itertools
import socket
import struct
import termios
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from astakosclient import Answer, errors
from astakosclient.http1.heads import LONGEST_HEAD, LONGEST_LINE, MOST_FIELDS
from astakosclient.http1.message import Message
from astakosclient.http1.sync.connection import Connection
from client.peers import answer, chunked

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 1000
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


class Ends(NamedTuple):
    connection: Connection
    ours: socket.socket
    theirs: socket.socket


@contextlib.contextmanager
def connected() -> Iterator[Ends]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = Connection(ours, "the peer")
        yield Ends(connection, ours, theirs)
        connection.close()


def exchanged(connection: Connection, method: str = "GET") -> Answer:
    return connection.exchange(method, Message(b"x"), time.monotonic() + 5, LIMIT)


def outcome_of(data: bytes, method: str = "GET") -> Answer | errors.ConnectionError:
    """What becomes of an answer after which the peer closes its side."""
    with connected() as ends:
        ends.theirs.sendall(data)
        ends.theirs.shutdown(socket.SHUT_WR)
        try:
            return exchanged(ends.connection, method)
        except errors.ConnectionError as error:
            failure = error
        assert not ends.connection.is_reusable()
    assert failure.sent
    assert not isinstance(failure.errobject, TimeoutError)
    return failure


# Garbage


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
        gzip.compress(b"hello", mtime=0),
        chunked(b"hello"),
        answer({"a": 1}),
    ]
)


@given(st.lists(st.one_of(PIECES, st.binary(max_size=20)), max_size=12).map(b"".join))
@example(answer({"a": 1}))
def test_no_bytes_whatsoever_raise_anything_else(data: bytes) -> None:
    outcome = outcome_of(data)
    assert isinstance(outcome, errors.ConnectionError) or outcome.status >= 200


class Good(NamedTuple):
    """A well-formed answer, and what is in it."""

    data: bytes
    body: bytes
    ends_by_itself: bool
    length_of_head: int


NAMES = st.from_regex(r"x-[!#$%&'*+.^_`|~0-9a-zA-Z-]{1,8}", fullmatch=True)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=20).map(
    lambda text: "".join(char for char in text if not 0x7F <= ord(char) < 0xA0).strip(" ")
)
FRAMINGS = st.sampled_from(["length", "chunks", "close"])


@st.composite
def good_answers(draw: st.DrawFn) -> Good:
    fields = draw(st.lists(st.tuples(NAMES, VALUES), max_size=4))
    body = draw(st.binary(max_size=200))
    framing = draw(FRAMINGS)
    status = draw(st.sampled_from(["200 OK", "201 Created", "404 Not Found", "500 ", "503"]))
    lines = [f"{name}:{draw(st.sampled_from(['', ' ', '  ']))}{value}" for name, value in fields]
    if draw(st.booleans()):
        lines.append(draw(st.sampled_from(["Connection: close", "Connection: keep-alive"])))
    content = body
    if framing == "length":
        lines.append(f"Content-Length: {len(body)}")
    elif framing == "chunks":
        lines.append("Transfer-Encoding: chunked")
        content = draw(in_chunks(body))
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n"]))
    head = "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1")
    return Good(interim + head + content, body, framing != "close", len(interim + head))


@st.composite
def in_chunks(draw: st.DrawFn, body: bytes) -> bytes:
    cuts = sorted({0, len(body), *draw(st.lists(st.integers(0, len(body)), max_size=5))})
    pieces = [body[start:end] for start, end in itertools.pairwise(cuts)]
    extension = draw(st.sampled_from([b"", b";a=b", b' ; quoted="x y"']))
    trailer = draw(st.sampled_from([b"", b"X-Sum: 5\r\n"]))
    coded = b"".join(b"%X%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces)
    return coded + b"0\r\n" + trailer + b"\r\n"


# Good answers


def unread(end: socket.socket) -> int:
    count: int = struct.unpack("i", fcntl.ioctl(end, termios.FIONREAD, bytes(4)))[0]
    return count


@given(good_answers(), st.lists(st.integers(0, 500), max_size=12))
def test_packets_make_no_difference(good: Good, cuts: list[int]) -> None:
    edges = sorted({0, len(good.data), *(cut for cut in cuts if cut < len(good.data))})
    pieces = [good.data[start:end] for start, end in itertools.pairwise(edges)]
    done = threading.Event()

    def send(ends: Ends) -> None:
        for piece in pieces:
            ends.theirs.sendall(piece)
            while unread(ends.ours) and not done.is_set():
                time.sleep(0)
        if not good.ends_by_itself:
            ends.theirs.shutdown(socket.SHUT_WR)

    with connected() as ends:
        sender = threading.Thread(target=send, args=(ends,))
        sender.start()
        try:
            got = exchanged(ends.connection)
        finally:
            done.set()
            sender.join()
    assert got == outcome_of(good.data)
    assert got.body == good.body


@given(good_answers())
def test_good_answers_are_read_as_the_standard_library_reads_them(good: Good) -> None:
    theirs, ours = socket.socketpair()
    with theirs, ours:
        theirs.sendall(good.data)
        theirs.shutdown(socket.SHUT_WR)
        with http.client.HTTPResponse(ours) as response:
            response.begin()
            body = response.read()
    headers = {name.lower(): ", ".join(response.headers.get_all(name, [])) for name in response.headers}
    with connected() as ends:
        ends.theirs.sendall(good.data)
        if not good.ends_by_itself:
            ends.theirs.shutdown(socket.SHUT_WR)
        got = exchanged(ends.connection)
        assert ends.connection.is_reusable() is not response.will_close
    assert got == Answer(response.status, response.reason, headers, body)


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "replace", "repeat"]),
        st.integers(0, 400),
        st.integers(1, 10),
        st.one_of(
            st.binary(min_size=1, max_size=4),
            st.sampled_from([b"\r", b"\n", b"\r\n", b"\0", b" ", b":", b"0", b"\r\n\r\n"]),
        ),
    ),
    min_size=1,
    max_size=4,
)


@given(good_answers(), EDITS)
def test_damaged_answers_raise_nothing_else_and_do_not_hang(
    good: Good, edits: list[tuple[str, int, int, bytes]]
) -> None:
    data = good.data
    for edit, at, length, junk in edits:
        before, middle, after = data[:at], data[at : at + length], data[at + length :]
        kept = {"insert": junk + middle, "delete": b"", "replace": junk, "repeat": middle * 2}[edit]
        data = before + kept + after
    outcome = outcome_of(data)
    assert isinstance(outcome, errors.ConnectionError) or outcome.status >= 200


@given(good_answers(), st.data())
def test_an_answer_that_is_cut_short_is_none(good: Good, data: st.DataObject) -> None:
    whole = len(good.data) if good.ends_by_itself else good.length_of_head
    position = data.draw(st.integers(0, whole - 1))
    assert isinstance(outcome_of(good.data[:position]), errors.ConnectionError)


@given(good_answers(), st.binary(min_size=1, max_size=10))
def test_what_comes_beyond_an_answer_spoils_the_connection(good: Good, junk: bytes) -> None:
    with connected() as ends:
        ends.theirs.sendall(good.data + junk)
        if not good.ends_by_itself:
            ends.theirs.shutdown(socket.SHUT_WR)
        got = exchanged(ends.connection)
        assert got.body == (good.body if good.ends_by_itself else good.body + junk)
        assert not (ends.connection.is_reusable() and ends.connection.is_quiet())


@pytest.mark.parametrize(("method", "status"), [("GET", 204), ("GET", 304), ("HEAD", 200)])
def test_an_answer_without_a_body_ends_with_its_head(method: str, status: int) -> None:
    with connected() as ends:
        for _ in range(2):
            ends.theirs.sendall(b"HTTP/1.1 %d Fine\r\nContent-Length: 5\r\n\r\n" % status)
            got = exchanged(ends.connection, method)
            assert (got.status, got.body) == (status, b"")
            assert ends.connection.is_reusable()
            assert ends.connection.is_quiet()


# Refusals


REFUSED = {
    "an older version": b"HTTP/0.9 200 OK\r\n\r\n",
    "a newer version": b"HTTP/2 200\r\n\r\n",
    "an empty line first": b"\r\n" + answer({}),
    "lines that end in LF": answer({}).replace(b"\r\n", b"\n"),
    "one line that ends in LF": b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
    "lines that end in CR": answer({}).replace(b"\r\n", b"\r"),
    "a NUL": HEAD + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
    "a folded header": HEAD + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "a space before a colon": HEAD + b"Content-Length : 0\r\n\r\n",
    "a header without a colon": HEAD + b"Content-Length\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length beside chunks": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "another transfer encoding": HEAD + b"Transfer-Encoding: gzip\r\n\r\n",
    "chunks in HTTP/1.0": CHUNKED.replace(b"1.1", b"1.0") + b"0\r\n\r\n",
    "a long line": HEAD + b"X: " + b"y" * LONGEST_LINE + b"\r\nContent-Length: 0\r\n\r\n",
    "a long head": HEAD + b"X: yyyyyyyyyy\r\n" * (LONGEST_HEAD // 15 + 1) + b"\r\n",
    "many headers": HEAD + b"X: y\r\n" * (MOST_FIELDS + 1) + b"\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "an empty chunk size": CHUNKED + b"\r\n\r\n",
    "a signed chunk size": CHUNKED + b"+5\r\nabcde\r\n0\r\n\r\n",
    "a prefixed chunk size": CHUNKED + b"0x5\r\nabcde\r\n0\r\n\r\n",
    "a spaced chunk size": CHUNKED + b" 5\r\nabcde\r\n0\r\n\r\n",
    "a huge chunk size": CHUNKED + b"f" * 16 + b"\r\n",
    "a chunk size that ends in LF": CHUNKED + b"5\nabcde\r\n0\r\n\r\n",
    "a chunk longer than it says": CHUNKED + b"5\r\nabcdef\r\n0\r\n\r\n",
    "a NUL in a chunk extension": CHUNKED + b"5;\0\r\nabcde\r\n0\r\n\r\n",
    "a long chunk extension": CHUNKED + b"5;" + b"x" * LONGEST_LINE + b"\r\nabcde\r\n0\r\n\r\n",
    "a malformed trailer": CHUNKED + b"0\r\nX : y\r\n\r\n",
    "many trailers": CHUNKED + b"0\r\n" + b"X: y\r\n" * (MOST_FIELDS + 1) + b"\r\n",
    "no end of trailers": CHUNKED + b"0\r\n",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_breaks_the_rules_is_refused(kind: str) -> None:
    assert isinstance(outcome_of(REFUSED[kind]), errors.ConnectionError)


@pytest.mark.parametrize(
    "data",
    [b"220 mail.example.com ESMTP\r\n", b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", b"SSH-2.0-x\r\n"],
)
def test_what_is_no_http_is_refused_at_once_though_the_peer_waits(data: bytes) -> None:
    with connected() as ends:
        ends.theirs.sendall(data)
        with pytest.raises(errors.ConnectionError) as refused:
            exchanged(ends.connection)
    assert not isinstance(refused.value.errobject, TimeoutError)


def test_a_peer_that_closes_without_a_word_is_named_so() -> None:
    outcome = outcome_of(b"")
    assert isinstance(outcome, errors.ConnectionError)
    assert isinstance(outcome.errobject, ConnectionResetError)
    assert "without a response" in str(outcome)


# Requests


def test_nothing_was_sent_if_the_system_took_nothing() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        connection = Connection(ours, "the peer")
        theirs.close()
        outcome = []
        for request in (b"x", b"x" * 10_000_000):
            try:
                connection.exchange("POST", Message(request), time.monotonic() + 1, 1000)
            except errors.ConnectionError as error:
                outcome.append(error.sent)
        connection.close()
    assert outcome == [False, False]


def test_a_part_may_have_been_sent_if_the_system_took_some() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = Connection(ours, "the peer")
        try:
            connection.exchange("POST", Message(b"x" * 10_000_000), time.monotonic() + 0.05, 1000)
        except errors.ConnectionError as error:
            outcome = (error.sent, type(error.errobject))
        connection.close()
    assert outcome == (True, TimeoutError)


REFUSAL = answer({}, "413 Content Too Large")


def answered_early(data: bytes) -> tuple[Answer | errors.ConnectionError, bool]:
    """What becomes of a large request to a server that reads its beginning, answers and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            theirs, _ = listener.accept()
            with theirs:
                theirs.recv(1000)
                theirs.sendall(data)

        server = threading.Thread(target=serve)
        server.start()
        connection = Connection(socket.create_connection(listener.getsockname()), "the peer")
        got: Answer | errors.ConnectionError
        try:
            got = connection.exchange("POST", Message(b"x" * 50_000_000), time.monotonic() + 20, 1000)
        except errors.ConnectionError as error:
            got = error
        is_reusable = connection.is_reusable()
        connection.close()
        server.join()
    return got, is_reusable


def test_an_answer_that_comes_before_the_whole_request_is_sent_is_read() -> None:
    got, is_reusable = answered_early(REFUSAL)
    assert isinstance(got, Answer)
    assert (got.status, is_reusable) == (413, False)


@pytest.mark.parametrize("data", [b"", REFUSAL[:-1], b"nonsense"])
def test_without_a_complete_early_answer_the_connection_broke(data: bytes) -> None:
    got, _ = answered_early(data)
    assert isinstance(got, errors.ConnectionError)
    assert isinstance(got.errobject, (BrokenPipeError, ConnectionResetError))
    assert got.sent
