import hashlib
import os
import re

import pytest

from astakos.directory.tokens import new_token, token_hash


def test_a_token_is_of_43_characters_that_fit_into_urls() -> None:
    tokens = {new_token(os.urandom) for _ in range(200)}
    assert len(tokens) == 200
    for token in tokens:
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)


def test_a_token_is_made_of_the_random_bytes_alone() -> None:
    asked: list[int] = []

    def random_bytes(count: int) -> bytes:
        asked.append(count)
        return b"\xff" * count

    assert new_token(random_bytes) == "_" * 42 + "8"
    assert asked == [32]


@pytest.mark.parametrize("token", ["", "abc", "tökén", "\ud800", "\0"])
def test_any_text_has_a_hash(token: str) -> None:
    assert token_hash(token) == hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
