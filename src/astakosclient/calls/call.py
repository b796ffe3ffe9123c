"""An API call as a value, `Call`, and how its arguments are validated and encoded."""

from __future__ import annotations

import json
import os
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
MAKE_ONCE = "make-once"
"""The protocol extension that makes calls that make something safe to repeat."""
_ILLEGAL_IN_A_HEADER = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
_NAME_OF_A_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# json.dumps creates a new encoder on each call with non-default options.
_encode_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Call(Value, Generic[T]):
    """An API call.

    Attributes:
        name: the client method, for logs and hooks.
        method: the HTTP method.
        path: the percent-encoded path relative to the base URL.
        read: converts a successful response to the result of the call.
        token: the token to send, or None to send none.
        headers: additional headers.
        secrets: values, besides the token, to redact if the server repeats them.
        body, content_type: the request body; empty for none.
        idempotency_key: the value of ``Idempotency-Key``, by which servers recognize a resent request.
        repeatable: whether sending the request twice is safe on any server.
        repeatable_with: the protocol extension that makes sending it twice safe; empty if there is none.
        confirm: a call that tells whether this one took effect, made when a retry fails with 404.
        explain: converts an error response to an exception.
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
        explain: Callable[[Answer], AstakosClientException] = faults.explain,
    ) -> None:
        """Sets the attributes; see the class."""
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
        """Builds the request.

        Args:
            address: base URL of the service.
            path: path relative to ``address``, with the query.
            headers: headers to send in addition to those of the call, which take precedence.

        Raises:
            BadValue: the token or the idempotency key cannot be sent in a header.
        """
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
    """A call that is too large for one request: several calls, and a function that joins their results."""

    __slots__ = ("calls", "join")

    def __init__(self, calls: Sequence[Call[T]], join: Callable[[Sequence[T]], T]) -> None:
        """Sets the calls, made in this order, and the function that joins their results."""
        self.calls = calls
        self.join = join


def key_or_new(idempotency_key: str | None) -> str:
    """Returns an idempotency key of the caller, or a new one."""
    return os.urandom(16).hex() if idempotency_key is None else idempotency_key


def given(name: str, value: T | None) -> T:
    """Returns an argument that must not be None.

    Raises:
        BadValue: the argument is None.
    """
    if value is None:
        raise BadValue(f"{name} must not be None")
    return value


def header_value(token: str) -> str:
    """Returns a token that is valid as a header value.

    Raises:
        BadValue: the token cannot be sent in a header. The message does not include the token.
    """
    if not isinstance(token, str):
        raise BadValue(f"the token must be a string, not {type(token).__name__}")
    if _ILLEGAL_IN_A_HEADER.search(token):
        raise BadValue(
            "the token contains a character that is not allowed in an HTTP header "
            "(a control character, or one outside Latin-1)"
        )
    return token


def is_header(name: object, value: object) -> bool:
    """Returns whether name and value are valid in an HTTP header."""
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
    explain: Callable[[Answer], AstakosClientException] = faults.explain,
    idempotency_key: str | None = None,
    confirm: Call[bool] | None = None,
    secrets: tuple[str, ...] = (),
    headers: tuple[tuple[str, str], ...] = (),
) -> Call[T]:
    """Builds a call that POSTs a JSON document; for the arguments, see `Call`.

    Raises:
        BadValue: the document cannot be encoded as JSON.
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
        secrets=secrets,
        headers=headers,
    )


def as_json(document: Any) -> bytes:
    """Encodes a document as compact JSON.

    Raises:
        BadValue: the document cannot be encoded as JSON.
    """
    try:
        return _encode_json(document).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise BadValue(f"the request cannot be encoded as JSON: {error}") from None


def form(fields: Mapping[str, object]) -> bytes:
    """Encodes fields as ``application/x-www-form-urlencoded``; what is not text, as its ``str()``.

    Raises:
        BadValue: a value cannot be encoded as UTF-8.
    """
    try:
        return urlencode(fields).encode("ascii")
    except UnicodeEncodeError:
        raise BadValue(f"{' or '.join(fields)} is not valid text") from None


def text(name: str, value: str) -> str:
    """Returns an argument that must be a string.

    Raises:
        BadValue: the argument is None or not a string.
    """
    if not isinstance(given(name, value), str):
        raise BadValue(f"{name} must be a string, not {type(value).__name__}")
    return value


def listed(name: str, values: Iterable[T] | None) -> list[T]:
    """Returns an argument that must be an iterable other than text, as a list.

    Raises:
        BadValue: the argument is None, text or not iterable. Text would be taken apart into characters.
    """
    if isinstance(given(name, values), str | bytes | bytearray) or not isinstance(values, Iterable):
        raise BadValue(f"{name} must be a list or another iterable, not {type(values).__name__}")
    return list(values)


def texts(name: str, values: Iterable[str] | None) -> list[str]:
    """Returns an argument that must be an iterable of strings, as a list.

    Raises:
        BadValue: the argument is None, text or not iterable, or an item is not a string.
    """
    strings = listed(name, values)
    for item in strings:
        if not isinstance(item, str):
            raise BadValue(f"{name} must contain only strings, not {type(item).__name__}")
    return strings


def mappings(name: str, values: Iterable[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    """Returns an argument that must be an iterable of mappings, as a list.

    Raises:
        BadValue: the argument is None, a single mapping, text or not iterable.
    """
    if isinstance(values, Mapping):
        raise BadValue(f"{name} must be a list of mappings, not a single mapping")
    return listed(name, values)


def path_part(name: str, value: object) -> str:
    """Percent-encodes a value as one path segment.

    Raises:
        BadValue: the value is None, empty, a dot segment (``.`` or ``..``), or cannot be encoded as UTF-8.
    """
    shown = str(given(name, value))
    if shown in {"", ".", ".."}:
        raise BadValue(f"{name} must not be {shown!r}")
    try:
        return quote(shown, safe="")
    except UnicodeEncodeError:
        raise BadValue(f"{name} is not valid text") from None


def query(**filters: str | Iterable[str] | None) -> str:
    """Encodes filters as a query string, with a leading ``?``; returns an empty string without filters.

    Joins several values of a filter with commas and omits a filter that is None.

    Raises:
        BadValue: a filter is neither a string nor an iterable of strings.
    """
    wanted = {name: _joined(name, value) for name, value in filters.items() if value is not None}
    return "?" + form(wanted).decode("ascii") if wanted else ""


def _joined(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    # Iterating over bytes yields integers.
    if isinstance(value, bytes | bytearray) or not isinstance(value, Iterable):
        raise BadValue(f"{name} must be a string or an iterable of strings, not {type(value).__name__}")
    # An empty list becomes an empty value; omitting the filter would match everything.
    return ",".join(str(item) for item in value)


def _checked_key(key: str) -> str:
    if (
        not isinstance(key, str)
        or not 1 <= len(key) <= LONGEST_KEY
        or not (key.isascii() and key.isprintable())
    ):
        raise BadValue(f"the idempotency key must be 1 to {LONGEST_KEY} printable ASCII characters")
    return key
