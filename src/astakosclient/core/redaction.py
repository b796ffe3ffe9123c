"""Keeping secrets out of logs and texts."""

from __future__ import annotations

import os
import re

PLACEHOLDER = "[secret]"

SHORTEST_SECRET = 8
"""What is shorter is no secret that could be kept, and blanking it would make texts unreadable."""

# A token's fingerprint is comparable within one process's log, and worthless outside of it.
_KEY = os.urandom(16)

_SECRET_QUERY = re.compile(
    r"(?<=[?&])(x-auth-token|token|token_id|access_token|belongsto|code|client_secret|password)=[^&]*",
    re.IGNORECASE,
)
_SECRET_PATH = re.compile(r"(?<=/tokens/)[^?]+")


def without_secrets(target: str) -> str:
    """The path and query of a request with token ids and secret query values blanked."""
    target = _SECRET_PATH.sub(PLACEHOLDER, target)
    return _SECRET_QUERY.sub(lambda match: f"{match[1]}={PLACEHOLDER}", target)


def without_token(text: str, token: str | None) -> str:
    """A text that came from elsewhere, with the token blanked should it be repeated there."""
    if token is None or len(token) < SHORTEST_SECRET:
        return text
    return text.replace(token, PLACEHOLDER)


def fingerprint(token: str | None) -> str:
    """A few digits by which log lines of one token can be told from those of another.

    Any text has one; without the key, which never leaves the process, nothing can be learned from it.
    """
    if token is None:
        return "none"
    # Only who logs at debug level pays for loading OpenSSL.
    import hashlib  # noqa: PLC0415

    return hashlib.blake2s(token.encode("utf-8", "surrogatepass"), key=_KEY, digest_size=4).hexdigest()
