"""Why a body is not JSON, said for those who wrote it."""

import json

import msgspec
import pytest

from astakos.malformed_json import why_malformed


def reason(content: bytes) -> str:
    with pytest.raises((msgspec.DecodeError, RecursionError)) as caught:
        msgspec.json.decode(content)
    return why_malformed(content, caught.value)


@pytest.mark.parametrize(
    ("content", "half", "byte"),
    [
        (rb'{"x": "\ud800"}', r"\ud800", 7),
        (rb'{"x": "\uDBFF and more text"}', r"\uDBFF", 7),
        (rb'["\ud83d\ude00", "\\\ud83d\u0041"]', r"\ud83d", 20),
        (rb'["\ud800\ud800\udc00"]', r"\ud800", 2),
        (rb'{"\ud800": 1}', r"\ud800", 2),
    ],
)
def test_half_of_a_surrogate_pair_is_named(content: bytes, half: str, byte: int) -> None:
    assert reason(content) == f"{half} is half of a surrogate pair (byte {byte})"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"x": ', "truncated"),
        (rb'["\\ud800", ', "truncated"),
        (rb'["\ud83d\ude00", ', "truncated"),
        (rb'["\udc00"]', "invalid utf-16 surrogate pair"),
        (b"[" * 100_000, "it nests too deeply"),
        (b"[NaN]", "invalid character"),
    ],
)
def test_other_reasons_are_those_of_the_decoder(content: bytes, words: str) -> None:
    assert words in reason(content)


def test_looking_for_it_takes_one_pass() -> None:
    content = json.dumps("\\" * 300_000).encode()[:-1] + b"\\"
    assert "surrogate" not in reason(content)
