"""The header `Idempotency-Key`, which makes a call safe to retry, and what answers say about it."""

from typing import Final

from astakos.http.openapi.description import Parameter

LONGEST_KEY: Final = 255
KEY_HEADER: Final = "Idempotency-Key"
KEY_REPLAYED_HEADER: Final = "Idempotency-Replayed"
ABOUT_KEYS: Final = (KEY_HEADER, KEY_REPLAYED_HEADER)
"""The headers that an answer has if its request has a key."""


def _idempotency_key(text: str) -> str:
    if not 1 <= len(text) <= LONGEST_KEY or not text.isprintable():
        raise ValueError(text)
    return text


def key_parameter(sameness: str) -> Parameter[str]:
    """Returns the header as a parameter.

    Args:
        sameness: What happens when the key comes again, as the end of a sentence.
    """
    return Parameter(
        KEY_HEADER,
        f"Makes the call safe to retry: the same key and body {sameness}.",
        _idempotency_key,
        f"1 to {LONGEST_KEY} printable characters",
        {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
        "header",
    )


def honored(key: str | None, *, is_repeated: bool) -> dict[str, str]:
    """Returns the headers that say that a key was honored; none without a key."""
    return {} if key is None else {KEY_HEADER: key, KEY_REPLAYED_HEADER: "true" if is_repeated else "false"}
