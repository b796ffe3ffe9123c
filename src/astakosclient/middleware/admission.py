"""The access rules that both kinds of middleware share: who is admitted, and how others are refused."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from astakosclient.cookies import token_of_cookie
from astakosclient.errors import BadValue
from astakosclient.middleware.user import AuthenticatedUser
from astakosclient.middleware.verdicts import Identity, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from astakosclient.middleware.verdicts import Verdict

LONGEST_TOKEN = 1024
"""Longer tokens are refused without asking Astakos."""

MISSING = "A token is needed; send it in the header X-Auth-Token, or as Authorization: Bearer."
TWO_TOKENS = "X-Auth-Token and Authorization carry different tokens; send one of them."
REFUSED = "The token is unknown or has expired."
UNAVAILABLE = "The token cannot be verified at the moment; try again later."

_NOT_CANONICAL: Final = re.compile(r"//|/\.\.?(/|$)|\\")
_NOT_IN_A_REALM: Final = re.compile(r'[^\x20-\x7e]|["\\]')


class Credential(NamedTuple):
    """The token of a request, and whether it came from a cookie."""

    token: str
    from_cookie: bool = False

    def __repr__(self) -> str:
        """Returns the class alone, because the token is secret."""
        return "<Credential>"


class Refusal(NamedTuple):
    """The HTTP response to a request that is not admitted."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True)
class Admission:
    """The access rules of a middleware.

    Attributes:
        required: whether to refuse requests without a token.
        bearer: whether ``Authorization: Bearer`` may contain the token.
        cookie_name: the cookie that may contain the token; None to read only the header.
        exempt_paths: paths that need no token.
        exempt_folders: path prefixes, each ending in ``/``, that need no token.
        realm: the realm in the ``WWW-Authenticate`` challenge.
        refusal_body: the JSON document of a refusal, by status and message; None for that of Astakos.
    """

    required: bool
    bearer: bool
    cookie_name: str | None
    exempt_paths: frozenset[str]
    exempt_folders: tuple[str, ...]
    realm: str
    refusal_body: Callable[[int, str], object] | None

    @classmethod
    def of(
        cls,
        *,
        required: bool,
        bearer: bool,
        cookie_name: str | None,
        exempt: Iterable[str],
        realm: str,
        refusal_body: Callable[[int, str], object] | None,
    ) -> Admission:
        """Creates the rules from the arguments of a middleware.

        Raises:
            BadValue: ``exempt`` or ``realm`` is invalid.
        """
        if isinstance(exempt, str):
            raise BadValue(f"exempt must be a list of paths, not the string {exempt!r}")
        exempt = tuple(exempt)
        for path in exempt:
            if not isinstance(path, str) or not path.startswith("/") or _NOT_CANONICAL.search(path):
                raise BadValue(
                    f"exempt: {path!r} is not a path like /health or /static/: it must begin with /, without "
                    "empty segments, dot segments and backslashes"
                )
        if _NOT_IN_A_REALM.search(realm):
            raise BadValue("realm must be printable ASCII without double quotes and backslashes")
        return cls(
            required=required,
            bearer=bearer,
            cookie_name=cookie_name,
            exempt_paths=frozenset(exempt),
            exempt_folders=tuple(path for path in exempt if path.endswith("/")),
            realm=realm,
            refusal_body=refusal_body,
        )

    def is_exempt(self, path: str) -> bool:
        """Returns whether a percent-decoded path needs no token."""
        if path in self.exempt_paths:
            return True
        # A router or file server may normalize such a path to one outside the folder.
        return path.startswith(self.exempt_folders) and not _NOT_CANONICAL.search(path)

    def credential(
        self, header: str | None, authorization: str | None, cookies: str | None
    ) -> Credential | Refusal | None:
        """Returns the token of a request, None if it has none, or the refusal if it has two that differ.

        Args:
            header: the value of ``X-Auth-Token``.
            authorization: the value of ``Authorization``.
            cookies: the value of ``Cookie``, which counts only without the other two.
        """
        token = _bearer_token(authorization) if authorization and self.bearer else None
        if header and token and header.strip() != token:
            return self._refused(400, "Bad Request", "badRequest", TWO_TOKENS, "invalid_request")
        if header or token:
            return Credential(header or token or "")
        if cookies and self.cookie_name is not None:
            token = _token_among(cookies, self.cookie_name)
            if token:
                return Credential(token, from_cookie=True)
        return None

    def is_worth_asking(self, credential: Credential) -> bool:
        """Returns whether the token is short enough to be valid."""
        return len(credential.token) <= LONGEST_TOKEN

    def decide(
        self, credential: Credential | None, verdict: Verdict | None, address: str | None = None
    ) -> AuthenticatedUser | Refusal | None:
        """Returns the user, None for an admitted anonymous request, or the refusal.

        Args:
            credential: the token of the request, or None.
            verdict: the verdict on the token; None if there is no token.
            address: where the request came from; None if that is unknown.
        """
        match verdict:
            case Identity(uuid, username, name, roles, _, key) if credential is not None:
                return AuthenticatedUser(uuid, username, name, roles, credential.token, key, address)
            case Unavailable(retry_after):
                headers = [("Retry-After", str(retry_after))]
                return self._refusal(503, "Service Unavailable", "serviceUnavailable", UNAVAILABLE, headers)
        if credential is None:
            return self._unauthorized(MISSING, "") if self.required else None
        # Browsers keep sending a cookie after its token has expired.
        if credential.from_cookie and not self.required:
            return None
        return self._unauthorized(REFUSED, "invalid_token")

    def _unauthorized(self, message: str, error: str) -> Refusal:
        return self._refused(401, "Unauthorized", "unauthorized", message, error)

    def _refused(self, status: int, reason: str, fault: str, message: str, error: str) -> Refusal:
        """Returns a refusal with a challenge (RFC 6750, 3), whose error is empty if there was no token."""
        told = f', error="{error}"' if error else ""
        headers = [("WWW-Authenticate", f'Bearer realm="{self.realm}"{told}')]
        return self._refusal(status, reason, fault, message, headers)

    def _refusal(
        self, status: int, reason: str, fault: str, message: str, headers: list[tuple[str, str]]
    ) -> Refusal:
        document: object = {fault: {"code": status, "message": message, "details": ""}}
        if self.refusal_body is not None:
            document = self.refusal_body(status, message)
        body = json.dumps(document).encode()
        headers += [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
        ]
        return Refusal(status, reason, headers, body)


def _bearer_token(authorization: str) -> str | None:
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _token_among(cookies: str, name: str) -> str | None:
    for cookie in cookies.split(";"):
        found, separator, value = cookie.partition("=")
        if separator and found.strip() == name:
            return token_of_cookie(value.strip())
    return None
