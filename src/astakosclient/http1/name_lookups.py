"""Resolves host names within a deadline.

Nothing interrupts the system's resolver: while no name server answers, it keeps its caller for most of a
minute. So it runs on daemon threads, one for each name, which callers leave behind when their time is over.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

MOST_LOOKUPS = 64
"""How many lookups may be under way at once."""
LATE_SECONDS = 10.0
"""How long an answer stays usable that somebody did not wait for.

Without it, a first name server that is silent would keep all callers from the answer of the second one, if
they come again less often than the system's resolver needs.
"""

T = TypeVar("T")


class UnresolvedInTimeError(TimeoutError):
    """No name server has answered in time."""


class Lookup(Generic[T]):
    """A question to the system's resolver that is under way, or has just been answered."""

    def __init__(self, what: str) -> None:
        """Stores what is asked, for messages."""
        self.answer: Future[T] = Future()
        # One caller who no longer waits must not cancel it for the others.
        self.answer.set_running_or_notify_cancel()
        self.usable_until: float | None = None
        self.was_given_up = False
        self._what = what

    def result(self, seconds: float) -> T:
        """Waits for the answer.

        Raises:
            UnresolvedInTimeError: there is none in time.
            OSError: the name cannot be resolved.
            UnicodeError: the name is not valid.
        """
        try:
            return self.answer.result(max(seconds, 0))
        except TimeoutError:
            if self.answer.done():
                # It came just now, or is such an error itself.
                return self.answer.result()
            self.give_up()
            raise UnresolvedInTimeError(f"no name server resolved {self._what} in time") from None

    def give_up(self) -> None:
        """Notes that somebody no longer waits."""
        self.was_given_up = True

    @property
    def is_of_use(self) -> bool:
        """Whether its answer may still be used."""
        return self.usable_until is None or time.monotonic() < self.usable_until


class _Lookups:
    """All lookups of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[Hashable, Lookup[Any]] = {}

    def begin(self, key: Hashable, what: str, answer: Callable[[], T]) -> Lookup[T]:
        with self._lock:
            for other in [other for other, one in self._of.items() if not one.is_of_use]:
                del self._of[other]
            found = self._of.get(key)
            if found is not None:
                return found
            if len(self._of) >= MOST_LOOKUPS:
                raise UnresolvedInTimeError(f"{MOST_LOOKUPS} other names are waiting for a name server")
            lookup = self._of[key] = Lookup[T](what)
            try:
                threading.Thread(
                    target=self._run, args=(key, lookup, answer), name="name-lookup", daemon=True
                ).start()
            except RuntimeError as error:
                del self._of[key]
                raise OSError("no thread could be started to resolve a name") from error
            return lookup

    def _run(self, key: Hashable, lookup: Lookup[T], answer: Callable[[], T]) -> None:
        try:
            found = answer()
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            self._end(key, lookup, keeps=False)
            lookup.answer.set_exception(error)
        else:
            self._end(key, lookup, keeps=lookup.was_given_up)
            lookup.answer.set_result(found)

    def _end(self, key: Hashable, lookup: Lookup[Any], *, keeps: bool) -> None:
        """Leaves an answer to those who wait, before they have it; whoever asks later asks anew."""
        with self._lock:
            if keeps:
                lookup.usable_until = time.monotonic() + LATE_SECONDS
            elif self._of.get(key) is lookup:
                del self._of[key]


_lookups = _Lookups()


def _forget() -> None:
    """Begins anew in the child of a fork, where none of the threads runs."""
    global _lookups  # noqa: PLW0603 - there is one for each process
    _lookups = _Lookups()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def begin(key: Hashable, what: str, answer: Callable[[], T]) -> Lookup[T]:
    """Asks the system's resolver on a thread, or joins who is asking the same.

    Args:
        key: what is asked.
        what: the same, for messages.
        answer: asks, and takes as long as the resolver does.

    Raises:
        UnresolvedInTimeError: too many other lookups are under way.
        OSError: no thread could be started.
    """
    return _lookups.begin(key, what, answer)


def begin_addresses(host: str, port: int) -> Lookup[list[Any]]:
    """Asks for the addresses of a host, for TCP; a numeric address is answered without a thread.

    Returns:
        The lookup, whose answer is that of `socket.getaddrinfo`.

    Raises:
        UnresolvedInTimeError: too many other lookups are under way.
        OSError: no thread could be started.
        UnicodeError: the name is not valid.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return begin(
            (host, port), host, lambda: list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        )
    numeric: Lookup[list[Any]] = Lookup(host)
    numeric.answer.set_result(list(found))
    return numeric


def resolve(host: str, port: int, seconds: float) -> list[Any]:
    """Returns the addresses of a host, as `socket.getaddrinfo` does.

    Args:
        host: its name, or a numeric address.
        port: the port.
        seconds: how long to wait.

    Raises:
        UnresolvedInTimeError: no name server has answered in time.
        OSError: the name cannot be resolved.
        UnicodeError: the name is not valid.
    """
    return begin_addresses(host, port).result(seconds)
