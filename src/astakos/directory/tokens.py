"""Tokens: random, shown once, and stored only as hashes (`http-api.md` §5)."""

import base64
import hashlib
from collections.abc import Callable

from astakos.clock import DAY

TOKEN_BYTES = 32
USER_TOKEN_LIFETIME = 30 * DAY
"""How long a new user token is valid, in microseconds. A component's token does not expire."""


def new_token(random_bytes: Callable[[int], bytes]) -> str:
    """Creates a token of 43 URL-safe characters.

    Args:
        random_bytes: a source of secure random bytes, for example `os.urandom`.
    """
    return base64.urlsafe_b64encode(random_bytes(TOKEN_BYTES)).rstrip(b"=").decode("ascii")


def token_hash(token: str) -> bytes:
    """Hashes a token for storage. A fast hash is enough, because tokens cannot be guessed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
