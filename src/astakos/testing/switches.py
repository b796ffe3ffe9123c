"""Which requests fail, and how often."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astakos.testing.failures import Failure


@dataclass(slots=True)
class Switch:
    """A failure that is injected into the next matching requests.

    Attributes:
        failure: the failure.
        left: how many more requests will fail.
        path: a pattern for the path, for example ``/account/v1.0/commissions*``; None matches all.
        method: the method to match; None matches all.
        used: how many requests have failed. Assert it to make sure that your test has met the failure.
    """

    failure: Failure = field(repr=False)
    left: int
    path: str | None = None
    method: str | None = None
    used: int = 0

    def fits(self, method: str, path: str) -> bool:
        """Whether the switch applies to a request."""
        return (
            self.left > 0
            and (self.method is None or self.method == method)
            and (self.path is None or fnmatchcase(path, self.path))
        )


class Switchboard:
    """The active switches. Each request uses at most one: the first that matches."""

    def __init__(self) -> None:
        """Starts without switches."""
        self._lock = threading.Lock()
        self._switches: list[Switch] = []

    def set(self, failure: Failure, times: int, path: str | None, method: str | None) -> Switch:
        """Adds a switch.

        Raises:
            ValueError: no request could match.
        """
        if times < 1:
            raise ValueError(f"times must be 1 or more, not {times!r}")
        if path is not None and not path.startswith(("/", "*")):
            raise ValueError(
                f"path must be a pattern below the service's URL, like /account/v1.0/*, not {path!r}"
            )
        switch = Switch(failure, times, path, None if method is None else method.upper())
        with self._lock:
            self._switches.append(switch)
        return switch

    def take(self, method: str, path: str) -> Failure | None:
        """Returns the failure for a request, if there is one, and counts it as used."""
        with self._lock:
            for switch in self._switches:
                if switch.fits(method, path):
                    switch.left -= 1
                    switch.used += 1
                    return switch.failure
        return None

    def clear(self) -> None:
        """Removes all switches."""
        with self._lock:
            for switch in self._switches:
                switch.left = 0
            self._switches.clear()
