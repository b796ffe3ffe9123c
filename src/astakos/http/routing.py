"""Finds the route of a path in a table of path templates (`http-api.md` §6)."""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from astakos.http.openapi.description import (
    ANY_METHOD,
    Description,
    description_of,
    handlers_within,
    required_tokens,
)
from astakos.http.request import Answer, Request
from astakos.service.service import Service
from astakos.storage.tables.commissions import LARGEST_SERIAL

Handler = Callable[[Service, Request], Awaitable[Answer]]
Methods = Mapping[str, Handler]
"""Handlers by method. `ANY_METHOD` stands for every method that is not listed."""

SLASH_OPTIONAL: Final = ("", "/")
EXACTLY: Final = ("",)
OR_JSON: Final = ("", ".json")
SLASH_OR_JSON: Final = ("", "/", ".json", "/.json")
WITH_SUFFIX: Final = ("", "/", ".json", ".xml")

VARIABLE: Final = re.compile(r"{(\w+)}")
PATTERNS: Final[Mapping[str, str]] = {
    "serial": "[0-9]+",
    "membership": "[0-9]+",
    "invitation": "[0-9]+",
    "id": "[^/]+",
    "key": "[^/]+",
    "uuid": "[^/]+?",
    "name": "[^/]+",
    "resource": ".+",
    "file": "[^/]+/[^/]+",
}
"""What each path variable matches, unless its route sets `pattern`."""

WITHOUT_BODY: Final = ("GET", "HEAD")
DIGITS_OF_A_SERIAL: Final = 19


class _Body(NamedTuple):
    """What a method of a route needs of the body.

    Attributes:
        limit: Maximum size in bytes.
        for_token: Whether it needs none if the request carries no token.
    """

    limit: int
    for_token: bool


class Route:
    """One path and its handlers.

    Attributes:
        template: Path below the base URL, without an ending. It contains at most one variable, in braces.
        methods: Handlers by method.
        endings: Endings that the path may have.
        pattern: Regular expression for the variable. "" selects the one in `PATTERNS`.
        name: The name of the route in documents, logs, and metrics.
    """

    __slots__ = ("_any", "_bodies", "endings", "methods", "name", "pattern", "template")

    def __init__(
        self, template: str, methods: Methods, endings: tuple[str, ...] = SLASH_OPTIONAL, pattern: str = ""
    ) -> None:
        """Takes the attributes."""
        self.template = template
        self.methods = methods
        self.endings = endings
        self.pattern = pattern
        self.name = template or "/"
        self._any = methods.get(ANY_METHOD)
        self._bodies = dict(_bodies(methods))

    def handler_of(self, method: str) -> Handler | None:
        """Returns the handler of a method, None if the path does not have it."""
        return self.methods.get(method) or self._any

    def description_of(self, method: str) -> Description | None:
        """Returns the description of a method; None if the path does not have it, or nothing describes it."""
        found = self.handler_of(method)
        handler = None if found is None else handlers_within(found, (method,)).get(method)
        return None if handler is None else description_of(handler)

    def body_limit(self, request: Request) -> int:
        """Returns how many bytes of body a request needs at most; 0 if it can be answered without."""
        body = self._bodies.get(request.method)
        if body is None or (body.for_token and not request.has_token):
            return 0
        return body.limit


def _bodies(methods: Methods) -> Iterator[tuple[str, _Body]]:
    for method, found in methods.items():
        limit = getattr(found, "form_limit", 0)
        if limit and method not in WITHOUT_BODY:
            yield method, _Body(limit, for_token=False)
        # A wrapper asks for a token before its handler, or one of its handlers, reads the body.
        for each, handler in handlers_within(found, (method,)).items():
            description = description_of(handler)
            if description is not None and description.body is not None and each not in WITHOUT_BODY:
                yield each, _Body(description.body.limit, for_token=bool(required_tokens(found)))


class RouteTable:
    """Finds routes by path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Indexes the routes. A path without a variable wins; among equals, the first route wins."""
        self.routes: Mapping[str, Route] = {route.name: route for route in routes}
        self._fixed: dict[str, Route] = {}
        variable: list[Route] = []
        for route in self.routes.values():
            if VARIABLE.search(route.template):
                variable.append(route)
            else:
                for ending in route.endings:
                    self._fixed.setdefault(route.template + ending, route)
        self._variable = variable
        # One expression for all routes: the index of the group that matched identifies the route.
        self._pattern = re.compile("|".join(map(_expression, variable)), re.DOTALL)

    def find(self, path: str) -> tuple[Route | None, str]:
        """Returns the route and the value of its variable ("" without one), or None if no route matches."""
        route = self._fixed.get(path)
        if route is not None:
            return route, ""
        found = self._pattern.fullmatch(path)
        if found is None or found.lastindex is None:
            return None, ""
        return self._variable[found.lastindex - 1], found[found.lastindex]


def _expression(route: Route) -> str:
    before, name, after = VARIABLE.split(route.template)
    endings = "|".join(map(re.escape, route.endings))
    return f"{re.escape(before)}({route.pattern or PATTERNS[name]}){re.escape(after)}(?:{endings})"


def serial_of(digits: str) -> int:
    """Parses a serial. Returns 0, which is never a serial, if the number is too large to be one."""
    significant = digits.lstrip("0")
    if len(significant) > DIGITS_OF_A_SERIAL:
        return 0
    number = int(significant or 0)
    return number if number <= LARGEST_SERIAL else 0
