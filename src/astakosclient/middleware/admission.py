"""Who is let in: what both kinds of middleware decide, and what they answer to those who are not."""

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
    from collections.abc import Iterable

    from astakosclient.middleware.verdicts import Verdict

LONGEST_TOKEN = 1024
"""What is longer is no token, and not worth asking about."""

MISSING = "A token is needed; send it in the header X-Auth-Token."
REFUSED = "The token is not known, or has expired."
UNAVAILABLE = "Who holds this token cannot be found out at the moment; try again later."

_NOT_CANONICAL: Final = re.compile(r"//|/\.\.?(/|$)|\\")
_NOT_IN_A_REALM: Final = re.compile(r'[^\x20-\x7e]|["\\]')


class Credential(NamedTuple):
    """What a request offers to be known by."""

    token: str
    from_cookie: bool = False


class Refusal(NamedTuple):
    """The answer to somebody who is not let in."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True)
class Admission:
    """The rules of one middleware.

    Attributes:
        required: whether requests without a token are refused.
        cookie_name: the cookie that may hold the token, or None to heed the header alone.
        exempt_paths, exempt_folders: paths that anybody may use, and those below which anybody may.
        realm: what the challenge calls this service.
    """

    required: bool
    cookie_name: str | None
    exempt_paths: frozenset[str]
    exempt_folders: tuple[str, ...]
    realm: str

    @classmethod
    def of(cls, *, required: bool, cookie_name: str | None, exempt: Iterable[str], realm: str) -> Admission:
        """Check the rules.

        Raises:
            BadValue: they can not be meant.
        """
        if isinstance(exempt, str):
            raise BadValue(f"exempt must be a list of paths, not the text {exempt!r}")
        exempt = tuple(exempt)
        for path in exempt:
            if not isinstance(path, str) or not path.startswith("/") or _NOT_CANONICAL.search(path):
                raise BadValue(
                    f"exempt: {path!r} is no path such as /health or /static/: it must begin with /, and "
                    "have no empty part, dots or backslash"
                )
        if _NOT_IN_A_REALM.search(realm):
            raise BadValue("realm must be printable ASCII without quotes and backslashes")
        return cls(
            required=required,
            cookie_name=cookie_name,
            exempt_paths=frozenset(exempt),
            exempt_folders=tuple(path for path in exempt if path.endswith("/")),
            realm=realm,
        )

    def is_exempt(self, path: str) -> bool:
        """Whether anybody may use this (decoded) path."""
        if path in self.exempt_paths:
            return True
        # What a router or file server may take for another path is not for anybody.
        return path.startswith(self.exempt_folders) and not _NOT_CANONICAL.search(path)

    def credential(self, header: str | None, cookies: str | None) -> Credential | None:
        """The token of a request, from the values of ``X-Auth-Token`` and ``Cookie``; the former wins."""
        if header:
            return Credential(header)
        if cookies and self.cookie_name is not None:
            token = _token_among(cookies, self.cookie_name)
            if token:
                return Credential(token, from_cookie=True)
        return None

    def is_worth_asking(self, credential: Credential) -> bool:
        """Whether this can be a token at all."""
        return len(credential.token) <= LONGEST_TOKEN

    def decide(
        self, credential: Credential | None, verdict: Verdict | None
    ) -> AuthenticatedUser | Refusal | None:
        """The user, None for somebody who may stay unknown, or what to answer to one who is not let in."""
        match verdict:
            case Identity(uuid, username, name, roles) if credential is not None:
                return AuthenticatedUser(uuid, username, name, roles, credential.token)
            case Unavailable(retry_after):
                headers = [("Retry-After", str(retry_after))]
                return _refusal(503, "Service Unavailable", "serviceUnavailable", UNAVAILABLE, headers)
        if credential is None:
            return self._unauthorized(MISSING) if self.required else None
        # A browser can not help sending a cookie that has had its day.
        if credential.from_cookie and not self.required:
            return None
        return self._unauthorized(REFUSED)

    def _unauthorized(self, message: str) -> Refusal:
        headers = [("WWW-Authenticate", f'Astakos realm="{self.realm}"')]
        return _refusal(401, "Unauthorized", "unauthorized", message, headers)


def _token_among(cookies: str, name: str) -> str | None:
    for cookie in cookies.split(";"):
        found, separator, value = cookie.partition("=")
        if separator and found.strip() == name:
            return token_of_cookie(value.strip())
    return None


def _refusal(status: int, reason: str, fault: str, message: str, headers: list[tuple[str, str]]) -> Refusal:
    body = json.dumps({fault: {"code": status, "message": message, "details": ""}}).encode()
    headers += [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    ]
    return Refusal(status, reason, headers, body)
