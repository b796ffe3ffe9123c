"""Bodies are decompressed as they arrive, in steps and up to bounds that the peer cannot choose."""

from __future__ import annotations

import gzip
import os

import pytest

from astakosclient.http1.decoding import (
    LARGEST_INPUT_OF_STEP,
    LARGEST_OUTPUT_OF_STEP,
    MOST_MEMBERS,
    Body,
    UnusableAnswer,
    body_of,
)
from client.compressed import EMPTY_MEMBER, bomb, laborious

LIMIT = 64 * 1024 * 1024
NOISE = os.urandom(100_000)
HELLO = gzip.compress(b"hello", mtime=0)


def steps_of(body: Body, data: bytes) -> int:
    """Adds data and catches up; returns the number of steps."""
    body.add(data)
    steps = 1
    while body.is_behind:
        body.go_on()
        steps += 1
    return steps


def decompressed(data: bytes, size: int, limit: int = LIMIT, encoding: str = "gzip") -> bytes:
    body = body_of(encoding, limit)
    for start in range(0, len(data), size):
        steps_of(body, data[start : start + size])
    return body.complete()


@pytest.mark.parametrize("size", [1, 7, 1000, 50_000, 1_000_000])
def test_pieces_of_any_size_give_the_same(size: int) -> None:
    text = NOISE + bytes(1_000_000) + NOISE
    assert decompressed(gzip.compress(text), size) == text


def test_what_is_not_compressed_is_never_behind() -> None:
    for encoding in ("", "identity", " Identity "):
        body = body_of(encoding, LIMIT)
        assert steps_of(body, NOISE) == 1
        assert steps_of(body, NOISE) == 1
        assert body.complete() == NOISE * 2


def test_another_encoding_is_refused() -> None:
    with pytest.raises(UnusableAnswer, match="unsupported content encoding: 'br'"):
        body_of("br", LIMIT)


def test_an_empty_body_is_empty_in_any_encoding() -> None:
    assert body_of("gzip", LIMIT).complete() == b""
    assert body_of("", LIMIT).complete() == b""


def test_a_step_takes_in_only_so_much() -> None:
    data = laborious(1_000_000)
    assert steps_of(body_of("gzip", LIMIT), data) >= len(data) / LARGEST_INPUT_OF_STEP


def test_a_step_gives_out_only_so_much() -> None:
    assert steps_of(body_of("gzip", LIMIT), bomb(20)) >= 20_000_000 / LARGEST_OUTPUT_OF_STEP


def test_several_members_are_one_body() -> None:
    members = [gzip.compress(bytes([number])) for number in range(MOST_MEMBERS)]
    for size in (1, 30, 1_000_000):
        assert decompressed(b"".join(members), size) == bytes(range(MOST_MEMBERS))


def test_the_number_of_members_is_bounded() -> None:
    for size in (1, 30, 1_000_000):
        with pytest.raises(UnusableAnswer, match=f"more than {MOST_MEMBERS} gzip members"):
            decompressed(EMPTY_MEMBER * (MOST_MEMBERS + 1), size)


def test_many_members_take_no_more_steps_than_are_allowed() -> None:
    """200,000 of them, 4 MB, took 9 s of processor time."""
    body = body_of("gzip", LIMIT)
    body.add(EMPTY_MEMBER * 200_000)
    for _ in range(MOST_MEMBERS - 1):
        body.go_on()
    with pytest.raises(UnusableAnswer, match="gzip members"):
        body.go_on()


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_the_limit_holds_before_decompression(encoding: str) -> None:
    data = laborious(5000)
    with pytest.raises(UnusableAnswer, match=f"larger than {len(data) - 1} bytes"):
        decompressed(data, 1000, len(data) - 1, encoding)


def test_the_limit_holds_after_decompression() -> None:
    assert decompressed(gzip.compress(bytes(1000)), 10, limit=1000) == bytes(1000)
    for size in (1, 1000):
        with pytest.raises(UnusableAnswer, match="larger than 999 bytes"):
            decompressed(gzip.compress(bytes(1000)), size, limit=999)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"no gzip", "not valid gzip"),
        (HELLO[:-9], "truncated"),
        (HELLO[:-1], "truncated"),
        (HELLO[:-8] + bytes(8), "not valid gzip"),
        (HELLO + b"trailing", "not valid gzip"),
        (HELLO + EMPTY_MEMBER[:5], "truncated"),
    ],
    ids=["no gzip", "no checksum", "half a length", "a wrong checksum", "more", "half a second member"],
)
def test_damaged_data_is_refused(data: bytes, complaint: str) -> None:
    for size in (1, 1000):
        with pytest.raises(UnusableAnswer, match=complaint):
            decompressed(data, size)
