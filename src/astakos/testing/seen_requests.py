"""What a service under test has been asked, without the tokens."""

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
    """One request as it arrived.

    A token stands nowhere in it: that of Ada is ``<token of ada@example.org>``, one that the service has not
    given is ``[secret]``.

    Attributes:
        method: such as ``GET``.
        path: below the service's URL, such as ``/account/v1.0/quotas``.
        query: what followed the question mark, or empty.
        headers: by name in lower case.
        body: the whole body.
        status: what was answered; None as long as nothing was, which is for good if the connection was cut.
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
    """Knows the tokens of a service by whom they belong to."""

    def __init__(self) -> None:
        """Begin with none."""
        self._names: dict[str, str] = {}

    def add(self, token: str, owner: str) -> None:
        """Learn of a token; one that has been withdrawn is still not to be shown."""
        self._names = self._names | {token: owner}

    def see(
        self, method: str, path: str, query: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> SeenRequest:
        """A request as it can be shown."""
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
