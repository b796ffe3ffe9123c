"""What follows from the one secret that a browser holds for a login; nothing of it can be turned around.

The service stores hashes alone, and yet must hand out a token again whenever a page of another component asks
for one. So the token of a session is derived from the secret in the session's cookie: who reads the database
learns neither, and who is given the token does not learn the secret, with which he could ask for more.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import NamedTuple

from astakos.directory.tokens import new_token

TOKEN = b"astakos token of a session"
FORMS = b"astakos forms"


class Session(NamedTuple):
    """A login that counts.

    Attributes:
        secret: what the browser holds.
        user_uuid: who has logged in.
        expires: the instant after which the session and its token are over.
    """

    secret: str
    user_uuid: str
    expires: int

    @property
    def token(self) -> str:
        """The token of the session."""
        return session_token(self.secret)


def new_secret(random_bytes: Callable[[int], bytes]) -> str:
    """A new secret for a browser to hold, of 256 random bits."""
    return new_token(random_bytes)


def session_token(secret: str) -> str:
    """The token that belongs to a session's secret, in the form of any other token."""
    return _derived(secret, TOKEN)


def form_proof(secret: str) -> str:
    """What a form must carry to show that it comes from a page made for the browser that holds a secret."""
    return _derived(secret, FORMS)


def is_form_proof(secret: str, proof: str) -> bool:
    """Whether it does."""
    return hmac.compare_digest(form_proof(secret).encode(), proof.encode("utf-8", "surrogatepass"))


def _derived(secret: str, purpose: bytes) -> str:
    digest = hmac.digest(secret.encode("utf-8", "surrogatepass"), purpose, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
