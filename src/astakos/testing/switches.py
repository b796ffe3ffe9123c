"""Which requests something is to go wrong with, and how often."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astakos.testing.failures import Failure


@dataclass(slots=True)
class Switch:
    """Something that goes wrong with the next requests that fit.

    Attributes:
        failure: what goes wrong.
        left: with how many requests it still will.
        path: a pattern of the paths that fit, such as ``/account/v1.0/commissions*``; None for all.
        method: the method that fits; None for all.
        used: with how many it has gone wrong: assert it, and you know that your test has met the trouble.
    """

    failure: Failure = field(repr=False)
    left: int
    path: str | None = None
    method: str | None = None
    used: int = 0

    def fits(self, method: str, path: str) -> bool:
        """Whether it has to do with such a request."""
        return (
            self.left > 0
            and (self.method is None or self.method == method)
            and (self.path is None or fnmatchcase(path, self.path))
        )


class Switchboard:
    """The switches that are set; each request uses at most one, the one that was set first."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._switches: list[Switch] = []

    def set(self, failure: Failure, times: int, path: str | None, method: str | None) -> Switch:
        """Let something go wrong.

        Raises:
            ValueError: it would be with no request at all.
        """
        if times < 1:
            raise ValueError(f"something can go wrong with 1 request or more, not with {times!r}")
        if path is not None and not path.startswith(("/", "*")):
            raise ValueError(
                f"the path must be one below the service's URL, such as /account/v1.0/*: {path!r}"
            )
        switch = Switch(failure, times, path, None if method is None else method.upper())
        with self._lock:
            self._switches.append(switch)
        return switch

    def take(self, method: str, path: str) -> Failure | None:
        """What is to go wrong with a request; that counts as used."""
        with self._lock:
            for switch in self._switches:
                if switch.fits(method, path):
                    switch.left -= 1
                    switch.used += 1
                    return switch.failure
        return None

    def clear(self) -> None:
        """Let nothing go wrong from now on."""
        with self._lock:
            for switch in self._switches:
                switch.left = 0
            self._switches.clear()
