"""Redacts secrets in logs and exception messages."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

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
_API_KEY = re.compile(r"(astk_[a-z2-9]{8})_[0-9A-Za-z]{16,}")
"""A key as a whole, or most of it; its beginning is public."""


def without_secrets(target: str) -> str:
    """Returns a path and query with token IDs, secret query values and API keys redacted."""
    target = without_api_keys(target)
    target = _SECRET_PATH.sub(PLACEHOLDER, target)
    return _SECRET_QUERY.sub(lambda match: f"{match[1]}={PLACEHOLDER}", target)


def without_api_keys(text: str) -> str:
    """Returns a text in which API keys are cut after what they are called by.

    Callers pass a whole key where its prefix, a user or a project is expected.
    """
    return _API_KEY.sub(rf"\1_{PLACEHOLDER}", text) if "astk_" in text else text


def without_token(text: str, token: str | None) -> str:
    """Returns a text from the peer with every occurrence of the token redacted.

    Also redacts the token as URLs and JSON spell it, and the beginning of the token at the end of a quotation
    that was cut.
    """
    if token is None or len(token) < SHORTEST_SECRET:
        return text
    for spelling in {token, quote(token, safe=""), token.replace("/", "\\/")}:
        text = text.replace(spelling, PLACEHOLDER)
    whole = text.rstrip("'\"")
    for length in range(len(token) - 1, SHORTEST_SECRET - 1, -1):
        if whole.endswith(token[:length]):
            return whole[:-length] + PLACEHOLDER + text[len(whole) :]
    return text


def redact(error: BaseException, secrets: Iterable[str | None]) -> None:
    """Redacts secrets in everything that an exception keeps, and in the exceptions that caused it.

    A server may repeat a token anywhere: in a reason phrase, a body, a malformed head.
    """
    known = [secret for secret in secrets if secret]
    waiting: list[object] = [error]
    done: list[BaseException] = []
    while waiting:
        kept = waiting.pop()
        if not isinstance(kept, BaseException) or any(kept is other for other in done):
            continue
        done.append(kept)
        kept.args = tuple(_redacted(value, known) for value in kept.args)
        vars(kept).update({name: _redacted(value, known) for name, value in vars(kept).items()})
        # Not __context__: it may be an exception of the caller's.
        waiting += [kept.__cause__, getattr(kept, "errobject", None)]


def _redacted(value: object, secrets: Iterable[str]) -> object:
    if isinstance(value, str):
        for secret in secrets:
            value = without_token(value, secret)
        return without_api_keys(value)
    return value


def fingerprint(token: str | None) -> str:
    """Returns eight hexadecimal digits that identify a token in log lines, or ``none`` for None.

    Accepts any text. It is a keyed hash and the key never leaves the process, so it reveals nothing.
    """
    if token is None:
        return "none"
    import hashlib  # noqa: PLC0415 - loads OpenSSL, which only debug logging needs

    return hashlib.blake2s(token.encode("utf-8", "surrogatepass"), key=_KEY, digest_size=4).hexdigest()
