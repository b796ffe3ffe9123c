"""What an operation of the API takes and answers: written beside its handler, used by it, shown by OpenAPI.

SINCE = Parameter("since", "resolved at or after this instant", from_iso, "an ISO 8601 time with a zone",
                  {"type": "string", "format": "date-time"})

@described("history.history", parameters=[SINCE], answers={200: Reply(HistoryPage)}, faults=[BadRequest])
async def history(service: Service, request: Request) -> Answer: ...
    since = SINCE.of(request)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeVar

from astakos.http.faults import BadRequest, Fault
from astakos.http.media_types import HTML_TYPE, JSON_TYPE, XML_TYPE
from astakos.http.request import Request

T = TypeVar("T")
H = TypeVar("H", bound=Callable[..., Any])

ANY_METHOD = "*"
"""The method of a route that answers every method in the same way."""
NEGOTIATED = (JSON_TYPE, XML_TYPE)
"""An answer is labelled as the one that the request prefers (`http-api.md` §3)."""

Schema = Mapping[str, Any]
TokenKind = Literal["user", "service"]
TEXT: Schema = {"type": "string"}


def as_text(text: str) -> str:
    """A parameter that may be any text."""
    return text


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T]):
    """A parameter of the query, or a header, .

    Attributes:
        name: as requests spell it.
        meaning: for the reader of the documentation.
        read: makes a value of the text; ValueError if it is none.
        right: what would be right, for those who send something else.
        schema: the same as a JSON schema.
        place: where it stands.
        is_required: whether it is refused to leave it out; for the description alone.
    """

    name: str
    meaning: str
    read: Callable[[str], T]
    right: str = "text"
    schema: Schema = field(default_factory=lambda: TEXT)
    place: Literal["query", "header"] = "query"
    is_required: bool = False

    def of(self, request: Request) -> T | None:
        """Its value in a request, None if it is left out.

        Raises:
            BadRequest: it is not what it must be; the message says what that is.
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
        return request.header(name) if name in request.headers else None


class Body(Protocol):
    """What a request must bring along; see `astakos.http.bodies`."""

    @property
    def kind(self) -> Any:
        """The type that it is read as."""

    @property
    def media_types(self) -> Sequence[str]:
        """What its content type must be one of."""

    @property
    def is_required(self) -> bool:
        """Whether there must be one."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One kind of answer.

    Attributes:
        kind: the type of its JSON document; None if it has another body, or none.
        media_types: how it may be labelled; nothing if it has no body.
        headers: its own headers, beyond those that stand on every answer.
    """

    kind: Any = None
    media_types: Sequence[str] = NEGOTIATED
    headers: Sequence[str] = ()


EMPTY = Reply(media_types=())
"""An answer of which the status says everything."""
ELSEWHERE = Reply(media_types=(), headers=["Location"])
"""An answer that only says where to go on."""
PAGE = Reply(media_types=[HTML_TYPE], headers=["Content-Security-Policy"])
"""An answer for people."""

Refusals = Literal["faults", "keystone", "page", "oauth2"]
"""The form in which an operation refuses: the protocol's faults, or another."""


@dataclass(frozen=True, slots=True)
class Description:
    """What an operation takes and answers, beyond what its route and its handler's documentation say.

    Attributes:
        name: its area and its own name, with a dot between; the public names (`tags`, `operationId`) follow
            from this and not from where the code stands, so moving a handler changes nothing for callers.
        answers: what it may answer, by status; several kinds for one status stand in a sequence.
        faults: the refusals it may answer; those of its token and its body follow from these by themselves.
        parameters: what it looks at in the query and the headers.
        body: what the request brings along.
        tokens: whose token the handler itself asks for; a route says it of handlers wrapped for one kind.
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
    """Describe the handler below; for what the arguments are see `Description`."""
    description = Description(name, answers, faults, parameters, body, tokens)

    def note(handler: H) -> H:
        _descriptions[handler] = description
        return handler

    return note


def description_of(handler: Callable[..., Any]) -> Description | None:
    """How a handler has been described, None if it has not been."""
    return _descriptions.get(handler)
