"""Describes what an operation takes and returns. Handlers read their parameters from it; OpenAPI shows it.

SINCE = Parameter("since", "Only return commissions resolved at or after this time.", from_iso,
                  "an ISO 8601 time with a time zone", {"type": "string", "format": "date-time"})

@described("history.history", parameters=[SINCE], answers={200: Reply(HistoryPage)}, faults=[BadRequest])
async def history(service: Service, request: Request) -> Answer: ...
    since = SINCE.of(request)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeVar

from astakos.http.faults import BadRequest, Fault
from astakos.http.media_types import HTML_TYPE, JSON_TYPE, XML_TYPE
from astakos.http.request import Request

T = TypeVar("T")
H = TypeVar("H", bound=Callable[..., Any])

ANY_METHOD = "*"
"""The method of a handler that serves every method."""
NEGOTIATED = (JSON_TYPE, XML_TYPE)
"""The media types of a response that is labeled as the request prefers (`http-api.md` §3)."""

Schema = Mapping[str, Any]
TokenKind = Literal["user", "service"]
TEXT: Schema = {"type": "string"}


def as_text(text: str) -> str:
    """Accepts any text."""
    return text


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T]):
    """A query parameter or a header.

    Attributes:
        name: Name in requests.
        meaning: Description in the API reference.
        read: Parses the text. Raises ValueError if it is not valid.
        right: What a valid value is, for the error message.
        schema: JSON schema of the value.
        place: Where requests carry it.
        is_required: Whether the API reference calls it required. The handler checks that it is there.
    """

    name: str
    meaning: str
    read: Callable[[str], T]
    right: str = "text"
    schema: Schema = field(default_factory=lambda: TEXT)
    place: Literal["query", "header"] = "query"
    is_required: bool = False

    def of(self, request: Request) -> T | None:
        """Returns the value in a request, or None if it is missing.

        Raises:
            BadRequest: The value is not valid. The message says what a valid value is.
        """
        text = self._text(request)
        if text is None:
            return None
        try:
            return self.read(text)
        except ValueError as error:
            raise BadRequest(f"{self.name} must be {self.right}, not {text!r}.") from error

    def _text(self, request: Request) -> str | None:
        if self.place == "query":
            return request.query.get(self.name)
        name = self.name.lower().encode("ascii")
        if name not in request.headers:
            return None
        text = request.header(name)
        try:
            return text.encode("latin-1").decode("utf-8")
        except UnicodeDecodeError:
            return text


class Body(Protocol):
    """The body of a request; see `astakos.http.bodies`."""

    @property
    def kind(self) -> Any:
        """The type that the body is decoded to."""

    @property
    def media_types(self) -> Sequence[str]:
        """The content types that are accepted."""

    @property
    def limit(self) -> int:
        """The maximum size in bytes."""

    @property
    def is_required(self) -> bool:
        """Whether a body is required."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One kind of response.

    Attributes:
        kind: Type of the JSON document; None if there is another body, or none.
        media_types: Media types that the response can have; empty without a body.
        headers: Headers in addition to those that every response carries.
    """

    kind: Any = None
    media_types: Sequence[str] = NEGOTIATED
    headers: Sequence[str] = ()


EMPTY = Reply(media_types=())
"""A response without a body."""
ELSEWHERE = Reply(media_types=(), headers=["Location"])
"""A redirect."""
PAGE = Reply(media_types=[HTML_TYPE], headers=["Content-Security-Policy"])
"""An HTML page."""

Refusals = Literal["faults", "keystone", "page", "oauth2", "oauth2_standard"]
"""The format of an operation's error responses: faults, or another one."""


@dataclass(frozen=True, slots=True)
class Description:
    """What an operation takes and returns, in addition to what its route and docstring say.

    Attributes:
        name: Area and operation, separated by a dot. The public names (`tags`, `operationId`) derive from
            it and not from the module, so that moving a handler changes nothing for callers.
        answers: Responses by status. A sequence lists several kinds for one status.
        faults: Faults that it can return, in addition to those that its token and body imply.
        parameters: Query parameters and headers that it reads.
        body: Body that it reads.
        tokens: Kinds of token that the handler itself checks. A wrapper such as `ForUser` names its own.
    """

    name: str
    answers: Mapping[int, Reply | Sequence[Reply]]
    faults: Sequence[type[Fault]] = ()
    parameters: Sequence[Parameter[Any]] = ()
    body: Body | None = None
    tokens: Sequence[TokenKind] = ()

    @property
    def area(self) -> str:
        """The part of the API that the operation belongs to."""
        return self.name.partition(".")[0]


_descriptions: dict[Callable[..., Any], Description] = {}


def described(
    name: str,
    *,
    answers: Mapping[int, Reply | Sequence[Reply]],
    faults: Sequence[type[Fault]] = (),
    parameters: Sequence[Parameter[Any]] = (),
    body: Body | None = None,
    tokens: Sequence[TokenKind] = (),
) -> Callable[[H], H]:
    """Describes the decorated handler. See `Description` for the arguments."""
    description = Description(name, answers, faults, parameters, body, tokens)

    def note(handler: H) -> H:
        _descriptions[handler] = description
        return handler

    return note


def description_of(handler: Callable[..., Any]) -> Description | None:
    """Returns the description of a handler, or None if it has none."""
    return _descriptions.get(handler)


def handlers_within(found: Callable[..., Any], methods: Iterable[str]) -> Mapping[str, Callable[..., Any]]:
    """Returns the handlers that serve these methods of a route, by method, without their wrapper.

    A wrapper such as `ForUser` has one handler; `ForAdministrators` has one for each method of its own.
    """
    return getattr(found, "handlers", None) or dict.fromkeys(methods, getattr(found, "handler", found))


def required_tokens(found: Callable[..., Any]) -> Sequence[TokenKind]:
    """Returns the kinds of token that the wrapper of a handler asks for, before the handler runs."""
    tokens: Sequence[TokenKind] = getattr(found, "tokens", ())
    return tokens
