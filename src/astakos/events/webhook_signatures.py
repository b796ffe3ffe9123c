"""Signs webhooks as https://www.standardwebhooks.com says. Pure.

The secret of each endpoint is derived from one key that the operator keeps in a file, so that the database
contains no secret.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping

SHORTEST_KEY = 32
"""The fewest bytes of the operator's key."""
PREFIX = "whsec_"


def refuse_key(key: bytes) -> str | None:
    """Returns why a key cannot be used, or None."""
    if len(key) < SHORTEST_KEY:
        return f"it must contain at least {SHORTEST_KEY} bytes; `openssl rand -hex 32` prints a good one"
    return None


def fingerprint(key: bytes) -> str:
    """Returns what tells a key from others, and does not reveal it."""
    return hmac.digest(key, b"astakos webhook key", "sha256").hex()[:16]


def secret_of(key: bytes, webhook: str, generation: int) -> bytes:
    """Returns the secret of an endpoint; rotation counts its generation up."""
    return hmac.digest(key, f"astakos webhook {webhook} {generation}".encode(), "sha256")


def shown_secret(secret: bytes) -> str:
    """Returns a secret in the form that the receivers' libraries take."""
    return PREFIX + base64.b64encode(secret).decode()


def signed_headers(secrets: Iterable[bytes], message_id: str, seconds: int, body: bytes) -> Mapping[str, str]:
    """Returns the headers of a message. While a secret is being replaced, both sign.

    Args:
        secrets: the secrets, the newest first.
        message_id: identifies the message, the same whenever it is sent again.
        seconds: the time of this attempt, in seconds since 1970.
        body: the body.
    """
    content = f"{message_id}.{seconds}.".encode() + body
    signatures = (hmac.new(secret, content, hashlib.sha256).digest() for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join("v1," + base64.b64encode(one).decode() for one in signatures),
    }
