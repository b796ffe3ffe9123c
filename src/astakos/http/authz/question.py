"""What a proxy asks about a request: in headers that it sets, or in the query of the address that it calls.

Some proxies pass headers and queries of their clients on. Therefore all that is said counts, wherever it is
said: with more, a client can make the question stricter, and never weaker.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeVar
from urllib.parse import parse_qsl

from astakos.http.faults import BadRequest
from astakos.http.openapi.description import Parameter
from astakos.http.request import Request

T = TypeVar("T")

MOST_NAMES: Final = 16


def _names(text: str) -> tuple[str, ...]:
    # Not by an expression for commas with blanks around them: many blanks would take seconds.
    names = tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
    if len(names) > MOST_NAMES:
        raise ValueError(text)
    return names


def _refusal_status(text: str) -> int:
    if text not in ("403", "429"):
        raise ValueError(text)
    return int(text)


def _text(text: str) -> str:
    return text.strip()


A_LIST: Final = f"at most {MOST_NAMES} names with commas between them"
RESOURCES = Parameter(
    "Astakos-Authz-Resource",
    "Resources, with commas between them, that must have room for 1 more, at all levels and on all meters.",
    _names,
    A_LIST,
    place="header",
)
GROUPS = Parameter(
    "Astakos-Authz-Groups",
    "Groups, with commas between them. The user must be in one of them.",
    _names,
    A_LIST,
    place="header",
)
PROJECT = Parameter(
    "Astakos-Authz-Project",
    "The UUID of the project to draw from. Without it, that of the key, or the user's default project.",
    _text,
    place="header",
)
CHARGE = Parameter(
    "Astakos-Authz-Charge",
    "The token of a component, which charges 1 of each resource. Without it, nothing is charged.",
    _text,
    place="header",
)
REFUSE = Parameter(
    "Astakos-Authz-Refuse",
    "The status if there is no room: 429, or 403 for proxies that can pass nothing else on.",
    _refusal_status,
    "403 or 429",
    {"enum": ["403", "429"]},
    place="header",
)
PARAMETERS: Final = (RESOURCES, GROUPS, PROJECT, CHARGE, REFUSE)


class Question(NamedTuple):
    """What a proxy asks.

    Attributes:
        resources: The resources that must have room for 1 more.
        groups: For each place that names groups, the groups; the user must be in one of each.
        project: The project to draw from; None for the user's default.
        charge: The component's token, if 1 is charged; None if nothing is.
        no_room: The status if there is no room.
    """

    resources: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    project: str | None
    charge: str | None
    no_room: int


def question_of(request: Request) -> Question:
    """Returns what the proxy asks.

    Raises:
        BadRequest: A value is not valid, or two differ of which only one can count.
    """
    query = parse_qsl(request.raw_query) if "stakos" in request.raw_query else []

    def said(parameter: Parameter[T]) -> Iterator[T]:
        name = parameter.name.lower()
        found = parameter.of(request)
        if found is not None:
            yield found
        for text in (value for key, value in query if key.lower() == name):
            yield _read(parameter, text)

    return Question(
        resources=tuple(dict.fromkeys(name for names in said(RESOURCES) for name in names)),
        groups=tuple(names for names in said(GROUPS) if names),
        project=_only(PROJECT, said),
        charge=_only(CHARGE, said),
        no_room=min(said(REFUSE), default=429),
    )


def _read(parameter: Parameter[T], text: str) -> T:
    try:
        return parameter.read(text)
    except ValueError as error:
        raise BadRequest(f"{parameter.name} must be {parameter.right}, not {text!r}.") from error


def _only(parameter: Parameter[str], said: Callable[[Parameter[str]], Iterator[str]]) -> str | None:
    values = set(said(parameter)) - {""}
    if len(values) > 1:
        raise BadRequest(f"{parameter.name} is there twice, with different values. Send one of them.")
    return next(iter(values), None)
