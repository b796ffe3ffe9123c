"""However an answer comes in, it reads the same; and whatever comes in, nothing else comes out."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from astakosclient import Answer
from astakosclient.http1.answer_parser import CHUNKS_OF_STEP, AnswerReader
from astakosclient.http1.decoding import UnusableAnswer
from client.http1.sync.test_connection import PIECES
from client.peers import answer, chunked, gzipped

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT = 1000
BODY = b'{"system": {"cyclades.vm": {"limit": 4}}}'

HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"

GOOD = {
    "of a given length": answer(body=BODY),
    "without a body": answer(status="204 No Content"),
    "in chunks": chunked(BODY),
    "in chunks, with a trailer": chunked(BODY)[:-2] + b"X-Sum: 5\r\n\r\n",
    "in chunks, with an extension": chunked(BODY).replace(b"7\r\n", b"7;a=b\r\n"),
    "gzipped": gzipped(BODY),
    "gzipped in chunks": chunked(gzip.compress(BODY, mtime=0), headers="Content-Encoding: gzip\r\n"),
    "after an interim answer": b"HTTP/1.1 100 Continue\r\n\r\n" + answer(body=BODY),
    "after several of several kinds": (HINTS + b"HTTP/1.1 102 Processing\r\n\r\n") * 10 + answer(body=BODY),
    "after one of an unknown kind": b"HTTP/1.1 199 Soon\r\n\r\n" + chunked(BODY),
    "after one with a length, which means nothing": HINTS[:-2]
    + b"Content-Length: 5\r\n\r\n"
    + answer(body=BODY),
    "not for the next request": answer(body=BODY, headers="Connection: close\r\n"),
    "of HTTP/1.0": answer(body=BODY).replace(b"1.1", b"1.0"),
    "of the greatest length": answer(body=b"x" * LIMIT),
}


def read(pieces: Sequence[bytes], method: str = "GET", *, close: bool = False) -> tuple[Answer | None, bool]:
    """What a new reader makes of pieces, and whether the connection could be used again."""
    reader = AnswerReader()
    reader.begin(method, LIMIT)
    got = None
    for piece in pieces:
        assert got is None, "more is fed after the answer was complete"
        got = fed(reader, piece)
    if got is None and close:
        got = fed(reader, b"")
    return got, reader.reusable


def fed(reader: AnswerReader, piece: bytes) -> Answer | None:
    """What a piece completes, after whatever steps its decompression takes."""
    got = reader.feed(piece)
    while reader.is_behind:
        assert got is None
        got = reader.go_on()
    return got


@pytest.mark.parametrize("kind", GOOD)
def test_any_split_of_an_answer_reads_the_same(kind: str) -> None:
    data = GOOD[kind]
    whole = read([data])
    assert whole[0] is not None
    assert whole[1] is not (kind in {"not for the next request", "of HTTP/1.0"})
    assert read([data[at : at + 1] for at in range(len(data))]) == whole
    for at in range(1, len(data)):
        assert read([data[:at], data[at:]]) == whole


def test_an_answer_without_a_length_ends_with_the_stream() -> None:
    data = b"HTTP/1.1 200 OK\r\n\r\n" + BODY
    for at in range(1, len(data)):
        got, reusable = read([data[:at], data[at:]], close=True)
        assert got is not None
        assert (got.body, reusable) == (BODY, False)


def test_the_length_of_an_answer_to_head_is_not_that_of_a_body() -> None:
    head = answer(body=BODY)[: -len(BODY)]
    got, reusable = read([head], "HEAD")
    assert got is not None
    assert (got.body, reusable) == (b"", True)


def test_of_an_answer_to_connect_only_the_head_is_read() -> None:
    reader = AnswerReader()
    reader.begin("CONNECT", 0)
    got = reader.feed(b"HTTP/1.1 200 Connection established\r\n\r\n\x16\x03")
    assert got == Answer(200, "Connection established", {}, b"")
    assert reader.holds_more


def test_interim_answers_to_connect_are_skipped() -> None:
    for data in (
        HINTS * 3 + b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ):
        for size in (1, 1000):
            reader = AnswerReader()
            reader.begin("CONNECT", 0)
            got = [reader.feed(data[at : at + size]) for at in range(0, len(data), size)]
            assert got[-1] == Answer(200, "OK", {}, b"")
            assert not reader.holds_more


def test_what_comes_after_an_answer_forbids_to_use_the_connection_again() -> None:
    for leftover in (b"x", answer(body=BODY)):
        for data in (answer(body=BODY), chunked(BODY), answer(status="204 No Content")):
            got, reusable = read([data + leftover])
            assert got is not None
            assert not reusable


def test_the_reader_decompresses_in_steps_and_keeps_its_place() -> None:
    zeros = bytes(1_000_000)
    for data in (gzipped(zeros), chunked(gzip.compress(zeros), 300, "Content-Encoding: gzip\r\n")):
        reader = AnswerReader()
        reader.begin("GET", len(zeros))
        got = reader.feed(data)
        steps = 0
        while reader.is_behind:
            assert got is None
            got = reader.go_on()
            steps += 1
        assert steps
        assert got is not None
        assert got.body == zeros
        assert reader.reusable


def test_the_reader_takes_small_chunks_in_steps_and_keeps_its_place() -> None:
    body = b"0123456789" * 1000
    reader = AnswerReader()
    for _ in range(2):
        reader.begin("GET", len(body))
        got = reader.feed(chunked(body, 1))
        steps = 0
        while reader.is_behind:
            assert got is None
            got = reader.go_on()
            steps += 1
        assert steps == len(body) // CHUNKS_OF_STEP
        assert got is not None
        assert got.body == body
        assert reader.reusable


def test_one_reader_reads_answer_after_answer() -> None:
    reader = AnswerReader()
    for kind in ("in chunks", "of a given length", "gzipped in chunks", "without a body"):
        reader.begin("GET", LIMIT)
        data = GOOD[kind]
        assert reader.feed(data[:25]) is None
        assert reader.feed(data[25:]) is not None
        assert reader.received == len(data)
        assert reader.reusable


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "closed the connection without a response"),
        (b"HTTP/1.1 200 O", "truncated in its head"),
        (answer(body=BODY)[:-3], "3 bytes are missing"),
        (chunked(BODY)[:-20], "truncated"),
        (b"SSH-2.0-OpenSSH", "not HTTP"),
        (b"HTTP/1.1 200 OK\nX: y\n", "bare LF"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n", "closed the connection|truncated in its head"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", "switched to another protocol"),
        (HINTS * 21 + answer(body=BODY), "more than 20 interim responses"),
        (
            b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
            "the response head is longer|larger than 1000 bytes",
        ),
        (answer(body=b"x" * (LIMIT + 1)), "larger than 1000 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "larger than 1000 bytes"),
        (chunked(b"x" * (LIMIT + 1)), "larger than 1000 bytes"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (LIMIT + 1), "larger than 1000 bytes"),
        (gzipped(b"x" * (LIMIT + 1)), "larger than 1000 bytes"),
        (chunked(BODY).replace(b"\r\n7\r\n", b"\r\n7\r\nx", 1), "longer than its size|invalid chunk size"),
        (chunked(BODY)[:-2] + b"X-Sum 5\r\n\r\n", "without a colon"),
        (chunked(BODY)[:-2] + b"X: 5\r\n" * 101 + b"\r\n", "more than 100 trailers"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 20_000, "line of more than"),
    ],
)
def test_a_broken_answer_is_refused_and_its_connection_too(data: bytes, complaint: str) -> None:
    for pieces in ([data] if data else [], [data[at : at + 1000] for at in range(0, len(data), 1000)]):
        with pytest.raises((UnusableAnswer, ConnectionResetError), match=complaint):
            read(pieces, close=True)


ANYTHING = st.lists(st.one_of(PIECES, st.binary(max_size=20)), max_size=12).map(b"".join)


@given(ANYTHING, st.integers(1, 50))
@example(answer({"a": 1}), 7)
@example(chunked(BODY) + b"HTTP", 200)
def test_pieces_make_no_difference_to_anything_that_comes(data: bytes, size: int) -> None:
    assert outcome([data]) == outcome([data[at : at + size] for at in range(0, len(data), size)])


def outcome(pieces: Sequence[bytes]) -> Answer | None:
    """The answer, or None if it is refused; any other exception is the test's."""
    reader = AnswerReader()
    reader.begin("GET", LIMIT)
    try:
        for piece in [*pieces, b""]:
            got = fed(reader, piece)
            if got is not None:
                return got
    except (UnusableAnswer, ConnectionResetError):
        assert not reader.reusable
        return None
    raise AssertionError("neither an answer nor a refusal by the end of the stream")
