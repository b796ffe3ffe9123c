"""The rules of OAuth2 as pure functions: redirect URIs, scopes, and PKCE (RFC 7636)."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from astakos.clock import MICROSECONDS
from astakos.directory.redirects import is_plain_uri

CODE_BYTES = 45
CODE_LIFETIME = 10 * 60 * MICROSECONDS
ACCESS_TOKEN_BYTES = 22
ACCESS_TOKEN_CHARACTERS = 30
PUBLIC = "public"
LONGEST_REDIRECT_URI = 5000

CHALLENGE_METHOD = "S256"
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
ANY_PATH = "/*"
PLAIN_PATH = re.compile(r"(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*/)*(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*)?")
"""Segments without escapes, parameters or dots at their beginning, and no query."""
DEFAULT_PORTS = {"http": 80, "https": 443}


def new_code(random_bytes: Callable[[int], bytes]) -> str:
    """Creates a code of 60 characters."""
    return base64.urlsafe_b64encode(random_bytes(CODE_BYTES)).decode("ascii")


def new_access_token(random_bytes: Callable[[int], bytes]) -> str:
    """Creates an access token of 30 characters."""
    text = base64.urlsafe_b64encode(random_bytes(ACCESS_TOKEN_BYTES)).decode("ascii")
    return text[:ACCESS_TOKEN_CHARACTERS]


def refuse_redirect_uri(uri: str, registered: Sequence[str]) -> str | None:
    """Returns why a browser may not be redirected to a URI; None if it may.

    The URI must be registered, byte for byte (RFC 9700). Only if a registered one ends in `/*` may it be
    followed by a path, of plain segments that every program understands alike.
    """
    if len(uri) > LONGEST_REDIRECT_URI:
        return f"redirect_uri must not be longer than {LONGEST_REDIRECT_URI} characters."
    if not _is_redirect_uri(uri):
        return "redirect_uri must be an absolute URL of ASCII characters without a fragment."
    if any(_is_below(uri, known) if is_prefix(known) else uri == known for known in registered):
        return None
    return "redirect_uri must be exactly one that is registered for the client."


def is_prefix(registered: str) -> bool:
    """Whether a registered redirect URI stands for all paths below it."""
    return registered.endswith(ANY_PATH) and bool(urlsplit(registered.removesuffix("*")).netloc)


def _is_below(uri: str, prefix: str) -> bool:
    start = prefix.removesuffix("*")
    return uri.startswith(start) and PLAIN_PATH.fullmatch(uri[len(start) :]) is not None


def refuse_registered_uri(uri: str) -> str | None:
    """Returns why a redirect URI cannot be registered: no authorization would accept it; None if it can."""
    if uri.endswith(ANY_PATH) and ("?" in uri or not is_prefix(uri)):
        return f"before {ANY_PATH} it must name a host, and no query"
    if len(uri) <= LONGEST_REDIRECT_URI and _is_redirect_uri(uri):
        return None
    return (
        f"it must be an absolute URL of at most {LONGEST_REDIRECT_URI} ASCII characters, without a fragment "
        "(write other characters as %XX, and international hosts as xn--…)"
    )


def _is_redirect_uri(uri: str) -> bool:
    return is_plain_uri(uri) and bool(urlsplit(uri).scheme) and not urlsplit(uri).fragment


def normalized(uri: str) -> str:
    """Returns a URI in normal form: scheme and host in lowercase, no default port."""
    parts = urlsplit(uri)
    host = (parts.hostname or "").lower()
    if ":" in host:
        host = f"[{host}]"
    port = parts.port
    place = host if port in (None, DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{port}"
    return urlunsplit((parts.scheme.lower(), place, parts.path or "/", parts.query, parts.fragment))


def with_parameters(uri: str, parameters: Sequence[tuple[str, str]]) -> str:
    """Returns a URI with parameters added to its query."""
    parts = urlsplit(uri)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *parameters])
    return urlunsplit(parts._replace(query=query))


def scope_of(wanted: str, redirect_uri: str) -> str:
    """Returns the scope to grant: the first one requested, or the redirect URI if none is."""
    words = wanted.split()
    return words[0] if words else redirect_uri


def refuse_challenge(challenge: str, method: str, *, required: bool) -> str | None:
    """Returns why a code challenge is refused; None if it is valid, or missing and not required."""
    if not challenge and not method:
        return "A public client must send code_challenge (RFC 7636)." if required else None
    if method != CHALLENGE_METHOD:
        return f"code_challenge_method must be {CHALLENGE_METHOD}."
    if not CHALLENGE.fullmatch(challenge):
        return "code_challenge must be the SHA-256 of the code_verifier as base64url, 43 characters."
    return None


def refuse_verifier(verifier: str, challenge: str | None) -> str | None:
    """Returns why a code verifier does not match the challenge; None if it does."""
    if challenge is None:
        return (
            "code_verifier must not be sent, because the code was requested without code_challenge."
            if verifier
            else None
        )
    if not VERIFIER.fullmatch(verifier):
        return "code_verifier must consist of 43 to 128 letters, digits, or characters of -._~"
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=")
    if not hmac.compare_digest(digest, challenge.encode("ascii")):
        return "code_verifier does not match the code_challenge."
    return None
