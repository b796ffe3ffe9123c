"""Finding the route of a path, in a table that is written as templates (`http-api.md` §6)."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from astakos.http.request import Answer, Request
from astakos.service.service import Service

Handler = Callable[[Service, Request], Awaitable[Answer]]
Methods = Mapping[str, Handler]
"""Handlers by method; `ANY_METHOD` stands for those that are not named."""

SLASH_OPTIONAL: Final = ("", "/")
EXACTLY: Final = ("",)
WITH_SUFFIX: Final = ("", "/", ".json", ".xml")

VARIABLE: Final = re.compile(r"{(\w+)}")
PATTERNS: Final[Mapping[str, str]] = {
    "serial": "[0-9]+",
    "id": "[^/]+",
    "uuid": "[^/]+?",
}
"""What may stand in a path in place of a variable, unless its route says otherwise."""

DIGITS_OF_A_SERIAL: Final = 19


@dataclass(frozen=True, slots=True)
class Route:
    """One path and what answers there.

    Attributes:
        template: the path below the base URL, without any of the endings; at most one part of it is a
            variable in braces.
        methods: the handlers.
        endings: what may follow.
        pattern: what may stand in place of the variable; "" for that of its name.
    """

    template: str
    methods: Methods
    endings: tuple[str, ...] = SLASH_OPTIONAL
    pattern: str = ""

    @property
    def name(self) -> str:
        """How documents, logs and metrics call it."""
        return self.template or "/"


class RouteTable:
    """Finds routes by path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Prepare to find each of them; where several match, the first of those without a variable counts."""
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
        # One expression for all of them: the number of the group that matched tells which.
        self._pattern = re.compile("|".join(map(_expression, variable)), re.DOTALL)

    def find(self, path: str) -> tuple[Route | None, str]:
        """The route of a path, None if there is none, and what stands there for its variable."""
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
    """The serial that some digits mean; 0, which is no serial, for numbers that are too large to be one."""
    significant = digits.lstrip("0")
    return int(significant or 0) if len(significant) <= DIGITS_OF_A_SERIAL else 0
