"""Tokens: made of random bytes, shown once, known afterwards only by their hash (`http-api.md` §5)."""

import base64
import hashlib
from collections.abc import Callable

from astakos.clock import DAY

TOKEN_BYTES = 32
USER_TOKEN_LIFETIME = 30 * DAY
"""How long a user's token works after it was made, in microseconds. A component's token does not expire."""


def new_token(random_bytes: Callable[[int], bytes]) -> str:
    """A new token of 43 URL-safe characters.

    Args:
        random_bytes: a source of secure random bytes, such as `os.urandom`.
    """
    return base64.urlsafe_b64encode(random_bytes(TOKEN_BYTES)).rstrip(b"=").decode("ascii")


def token_hash(token: str) -> bytes:
    """What is stored of a token. A fast hash is enough: what is hashed can not be guessed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
