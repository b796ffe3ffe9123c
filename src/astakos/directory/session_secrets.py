"""The values that are derived, one-way, from the secret in a session's cookie.

The service stores only hashes, but must return a session's token whenever another component's page requests
it. So the token is derived from the secret in the session's cookie. Reading the database reveals neither the
token nor the secret, and the token does not reveal the secret, which would give access to more.
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
    """A valid login.

    Attributes:
        secret: the secret in the browser's cookie.
        user_uuid: the uuid of the user.
        expires: the instant when the session and its token expire.
    """

    secret: str
    user_uuid: str
    expires: int

    @property
    def token(self) -> str:
        """The session's token."""
        return session_token(self.secret)


def new_secret(random_bytes: Callable[[int], bytes]) -> str:
    """Creates a secret for a browser, with 256 random bits."""
    return new_token(random_bytes)


def session_token(secret: str) -> str:
    """Derives the token of a session; it has the form of any other token."""
    return _derived(secret, TOKEN)


def form_proof(browser: str, session: str = "") -> str:
    """Derives the proof that a form was served to a browser (CSRF protection).

    Args:
        browser: the secret of the browser.
        session: the secret of its session; "" for forms that need no login.
    """
    return _derived(browser, FORMS + session.encode("utf-8", "surrogatepass"))


def is_form_proof(proof: str, browser: str, session: str = "") -> bool:
    """Whether a form's proof belongs to a browser and its session; compares in constant time."""
    expected = form_proof(browser, session).encode()
    return hmac.compare_digest(expected, proof.encode("utf-8", "surrogatepass"))


def _derived(secret: str, purpose: bytes) -> str:
    digest = hmac.digest(secret.encode("utf-8", "surrogatepass"), purpose, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
