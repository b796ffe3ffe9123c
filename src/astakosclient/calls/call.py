"""A call of the API as a value: what to send, how to read the answer, when it may be sent again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote, urlencode

from astakosclient.calls import faults
from astakosclient.core.exchange import Answer, Request
from astakosclient.core.value import Value
from astakosclient.errors import AstakosClientException, BadValue

if TYPE_CHECKING:
    from astakosclient.core.address import Address

T = TypeVar("T")

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

LONGEST_KEY = 255
_ILLEGAL_IN_A_HEADER = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
_NAME_OF_A_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Made once: json.dumps makes an encoder at each call that does not use its defaults.
_encode_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Call(Value, Generic[T]):
    """One call of the API.

    Attributes:
        name: the client's method, for logs and hooks.
        method, path: the request; the path is percent-encoded and relative to the base URL.
        read: what the caller gets, from an answer that is a success.
        token: whose call it is; None for calls that need no token.
        headers: what else is sent.
        secrets: what must not be shown, should the server repeat it, besides the token.
        body, content_type: what to send, if anything.
        idempotency_key: lets a server that knows such keys recognize the same request when it comes again.
        repeatable: whether the server may receive the request twice without harm.
        repeatable_with: what the server must support so that it may; empty if nothing helps.
        confirm: whether it had come true after all, asked when a repetition finds nothing left to do.
        explain: the exception, from an answer that is no success.
    """

    __slots__ = (
        "body",
        "confirm",
        "content_type",
        "explain",
        "headers",
        "idempotency_key",
        "method",
        "name",
        "path",
        "read",
        "repeatable",
        "repeatable_with",
        "secrets",
        "token",
    )
    __hidden__ = ("body", "headers", "path", "secrets", "token")

    def __init__(
        self,
        *,
        name: str,
        method: str = "GET",
        path: str,
        read: Callable[[Answer], T],
        token: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        secrets: tuple[str, ...] = (),
        body: bytes = b"",
        content_type: str = "",
        idempotency_key: str | None = None,
        repeatable: bool = True,
        repeatable_with: str = "",
        confirm: Call[bool] | None = None,
        explain: Callable[[Answer, str | None], AstakosClientException] = faults.explain,
    ) -> None:
        """The attributes, by name."""
        self.name = name
        self.method = method
        self.path = path
        self.read = read
        self.token = token
        self.headers = headers
        self.secrets = secrets
        self.body = body
        self.content_type = content_type
        self.idempotency_key = idempotency_key
        self.repeatable = repeatable
        self.repeatable_with = repeatable_with
        self.confirm = confirm
        self.explain = explain

    def request_to(self, address: Address, path: str, headers: tuple[tuple[str, str], ...]) -> Request:
        """The request of this call to the service at an address, at a path below it, with more headers."""
        if self.headers:
            own = {name.lower() for name, _ in self.headers}
            headers = tuple(header for header in headers if header[0].lower() not in own) + self.headers
        if self.token is not None:
            headers += (("X-Auth-Token", header_value(self.token)),)
        if self.content_type:
            headers += (("Content-Type", self.content_type),)
        if self.idempotency_key is not None:
            headers += (("Idempotency-Key", _checked_key(self.idempotency_key)),)
        target = f"{address.prefix}/{path}"
        return Request(self.method, address.origin, target, headers, self.body, self.repeatable)


class Parts(Generic[T]):
    """A call that is too large for one request: several calls, one after the other, and how to join them."""

    __slots__ = ("calls", "join")

    def __init__(self, calls: Sequence[Call[T]], join: Callable[[Sequence[T]], T]) -> None:
        """The calls, and what makes one result of theirs."""
        self.calls = calls
        self.join = join


def given(name: str, value: T | None) -> T:
    """The argument, which must not be None.

    Raises:
        BadValue: it is.
    """
    if value is None:
        raise BadValue(f"{name} must not be None")
    return value


def header_value(token: str) -> str:
    """A token, checked for what no header can carry.

    Raises:
        BadValue: it cannot be sent. The message does not show the token.
    """
    if not isinstance(token, str):
        raise BadValue(f"the token must be a string, not {type(token).__name__}")
    if _ILLEGAL_IN_A_HEADER.search(token):
        raise BadValue(
            "the token contains a character that no HTTP header can carry "
            "(a line break, another control character, or one beyond Latin-1)"
        )
    return token


def is_header(name: object, value: object) -> bool:
    """Whether a header can be sent."""
    return (
        isinstance(name, str)
        and isinstance(value, str)
        and bool(_NAME_OF_A_HEADER.fullmatch(name))
        and not _ILLEGAL_IN_A_HEADER.search(value)
    )


def post(
    name: str,
    path: str,
    token: str | None,
    document: Any,
    read: Callable[[Answer], T],
    *,
    repeatable: bool,
    repeatable_with: str = "",
    explain: Callable[[Answer, str | None], AstakosClientException] = faults.explain,
    idempotency_key: str | None = None,
    confirm: Call[bool] | None = None,
) -> Call[T]:
    """A call that sends a document as JSON; see `Call`.

    Raises:
        BadValue: the document cannot be written as JSON.
    """
    return Call(
        name=name,
        method="POST",
        path=path,
        token=token,
        body=as_json(document),
        content_type=JSON,
        repeatable=repeatable,
        repeatable_with=repeatable_with,
        read=read,
        explain=explain,
        idempotency_key=idempotency_key,
        confirm=confirm,
    )


def as_json(document: Any) -> bytes:
    """A document as JSON.

    Raises:
        BadValue: it cannot be.
    """
    try:
        return _encode_json(document).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise BadValue(f"the request cannot be written as JSON: {error}") from None


def form(fields: Mapping[str, str]) -> bytes:
    """Fields as an HTML form sends them.

    Raises:
        BadValue: a field holds no valid text.
    """
    try:
        return urlencode(fields).encode("ascii")
    except UnicodeEncodeError:
        raise BadValue(f"{' or '.join(fields)} is not valid text") from None


def text(name: str, value: str) -> str:
    """The argument, which must be a string.

    Raises:
        BadValue: it is not.
    """
    if not isinstance(given(name, value), str):
        raise BadValue(f"{name} must be a string, not {type(value).__name__}")
    return value


def path_part(name: str, value: object) -> str:
    """A value as one part of a path.

    Raises:
        BadValue: it is missing, or would lead to another path.
    """
    shown = str(given(name, value))
    if shown in {"", ".", ".."}:
        raise BadValue(f"{name} must not be {shown!r}")
    try:
        return quote(shown, safe="")
    except UnicodeEncodeError:
        raise BadValue(f"{name} is not valid text") from None


def query(**filters: str | Iterable[str] | None) -> str:
    """Filters as the end of a URL: several values joined by commas, None left out.

    Raises:
        BadValue: a filter is neither a string nor several of them.
    """
    wanted = {name: _joined(name, value) for name, value in filters.items() if value is not None}
    return "?" + form(wanted).decode("ascii") if wanted else ""


def _joined(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    # Bytes are iterable, but as numbers.
    if isinstance(value, bytes | bytearray) or not isinstance(value, Iterable):
        raise BadValue(f"{name} must be a string or several of them, not {type(value).__name__}")
    # No items at all must not mean all of them: an empty list is sent as an empty value.
    return ",".join(str(item) for item in value)


def _checked_key(key: str) -> str:
    if (
        not isinstance(key, str)
        or not 1 <= len(key) <= LONGEST_KEY
        or not (key.isascii() and key.isprintable())
    ):
        raise BadValue(f"the idempotency key must be 1 to {LONGEST_KEY} printable ASCII characters")
    return key
