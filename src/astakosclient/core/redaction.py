"""Redacts secrets in logs and exception messages."""

from __future__ import annotations

import os
import re

PLACEHOLDER = "[secret]"

SHORTEST_SECRET = 8
"""Shorter strings are not redacted: they are too weak to be secrets, and redaction would garble the text."""

# One key per process: fingerprints are comparable within a process and meaningless outside it.
_KEY = os.urandom(16)

_SECRET_QUERY = re.compile(
    r"(?<=[?&])(x-auth-token|token|token_id|access_token|belongsto|code|client_secret|password)=[^&]*",
    re.IGNORECASE,
)
_SECRET_PATH = re.compile(r"(?<=/tokens/)[^?]+")


def without_secrets(target: str) -> str:
    """Returns a path and query with token IDs and secret query values redacted."""
    target = _SECRET_PATH.sub(PLACEHOLDER, target)
    return _SECRET_QUERY.sub(lambda match: f"{match[1]}={PLACEHOLDER}", target)


def without_token(text: str, token: str | None) -> str:
    """Returns a text from the peer with every occurrence of the token redacted."""
    if token is None or len(token) < SHORTEST_SECRET:
        return text
    return text.replace(token, PLACEHOLDER)


def fingerprint(token: str | None) -> str:
    """Returns eight hexadecimal digits that identify a token in log lines, or ``none`` for None.

    Accepts any text. It is a keyed hash and the key never leaves the process, so it reveals nothing.
    """
    if token is None:
        return "none"
    import hashlib  # noqa: PLC0415 - loads OpenSSL, which only debug logging needs

    return hashlib.blake2s(token.encode("utf-8", "surrogatepass"), key=_KEY, digest_size=4).hexdigest()
