"""Records the requests to a service under test, without their tokens."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from astakosclient.core.redaction import PLACEHOLDER, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TOKEN_HEADERS = frozenset({"x-auth-token", "authorization", "cookie", "proxy-authorization"})


@dataclass(slots=True)
class SeenRequest:
    """A request as it arrived.

    It contains no tokens. A known token appears as ``<token of ada@example.org>``, an unknown one as
    ``[secret]``.

    Attributes:
        method: the HTTP method, for example ``GET``.
        path: the path below the service's URL, for example ``/account/v1.0/quotas``.
        query: the text after the question mark, or "".
        headers: the headers by lowercase name.
        body: the whole body.
        status: the status of the answer; None until there is one, and always if the connection was cut.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    status: int | None = None

    @property
    def json(self) -> Any:
        """The body as a JSON document."""
        return json.loads(self.body)


class TokenNames:
    """The owners of a service's tokens, for replacing the tokens in recorded requests."""

    def __init__(self) -> None:
        """Starts without tokens."""
        self._names: dict[str, str] = {}

    def add(self, token: str, owner: str) -> None:
        """Adds a token; revoked ones stay, so that they are never shown."""
        self._names = self._names | {token: owner}

    def see(
        self, method: str, path: str, query: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> SeenRequest:
        """Returns a request without its tokens."""
        target, _, shown_query = without_secrets(self._named(f"{path}?{query}")).partition("?")
        return SeenRequest(
            method,
            target,
            shown_query,
            {name: self._shown(name, value) for name, value in headers},
            self._named_in_bytes(body),
        )

    def _shown(self, name: str, value: str) -> str:
        named = self._named(value)
        return PLACEHOLDER if name in TOKEN_HEADERS and named == value else named

    def _named_in_bytes(self, content: bytes) -> bytes:
        for token, owner in self._names.items():
            content = content.replace(token.encode(), f"<token of {owner}>".encode())
        return content

    def _named(self, text: str) -> str:
        for token, owner in self._names.items():
            text = text.replace(token, f"<token of {owner}>")
        return text
