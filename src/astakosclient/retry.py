"""Again, and when? The policy of repetitions, as a value."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeVar

from astakosclient.core.value import FixedValue
from astakosclient.errors import AstakosClientException, BadValue, ConnectionError  # noqa: A004 - documented name

T = TypeVar("T")

BUSY = 429
GIVEN_BACK = 0.2
"""What a call that succeeds adds to the budget of repetitions: it bounds them to a fifth of all calls."""


class Retry(FixedValue):
    """How often a call is repeated, and how long to wait before.

    What is repeated depends on what may have happened at the server:

    * A call that only reads is repeated after connection trouble and after 429, 502, 503 and 504.
    * A call that changes something is repeated if it was provably not carried out: the request did not reach
      the server, or the server answered 429, which it does instead of doing the work. A lost answer, a
      time-out and 5xx are not proof: a gateway says 502, 503 or 504 also when the service behind it has done
      its part.
    * After those, issuing commissions, and accepting or rejecting one, is repeated as well if the server is
      known to see to it that this comes true once. The service of this project is: it says so in
      ``Astakos-Supports``, and is asked if it has not said anything yet. The original Astakos is not.
    * Nothing else is repeated. An answer that arrived whole but cannot be read would be the same again.

    So that many clients cannot make a storm of repetitions, each client has a ``budget`` of them: it begins
    with so many, each repetition takes one, and each call that succeeds gives back a fifth of one. While
    nothing succeeds there are no more than that; in the long run there is one for five calls at most.

    Between two attempts it waits a random time (full jitter) of at most ``base`` seconds, doubled with each
    repetition, at most ``cap``; when the server named a time (``Retry-After``), it waits that long as well.
    A repetition for which the time of the call does not suffice is not begun.

    Attributes:
        count: how many repetitions there may be: 3 means at most 4 attempts.
        base: the longest wait before the first repetition, in seconds.
        cap: the longest wait before any, in seconds, not counting what the server asked for.
        budget: how many repetitions a client may make while no call succeeds; ``math.inf`` for any number.
        statuses: the answers after which it is repeated, if the server may receive the request twice without
            harm; after 429 also if it may not.
        methods: the HTTP methods of calls that are repeated at all.

    Raises:
        BadValue: a number is negative, or no number, or a status or method can not be right.

    Example:
        >>> Retry(3, base=0.2).limit_of_pause(2)
        0.4
    """

    __slots__ = ("base", "budget", "cap", "count", "methods", "statuses")

    def __init__(
        self,
        count: int = 0,
        base: float = 0.1,
        cap: float = 5.0,
        budget: float = 50.0,
        statuses: Iterable[int] = (BUSY, 502, 503, 504),
        methods: Iterable[str] = ("GET", "POST", "PUT"),
    ) -> None:
        """Refuse what is no number, or negative; take any kind of set for statuses and methods."""
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise BadValue(f"retry must be a number of repetitions, 0 or more, not {count!r}")
        for name, seconds in (("base", base), ("cap", cap)):
            if not isinstance(seconds, int | float) or not math.isfinite(seconds) or seconds < 0:
                raise BadValue(f"Retry: {name} must be a number of seconds, 0 or more, not {seconds!r}")
        if not isinstance(budget, int | float) or not budget >= 0:
            raise BadValue(f"Retry: budget must be a number of repetitions, 0 or more, not {budget!r}")
        self.count = count
        self.base = base
        self.cap = cap
        self.budget = budget
        self.statuses = _set_of(int, "statuses", statuses)
        self.methods = _set_of(str, "methods", methods)

    def again(
        self,
        failures: int,
        error: AstakosClientException,
        *,
        method: str,
        repeatable: bool,
        remaining: float,
        jitter: float,
    ) -> float | None:
        """How many seconds to wait before the next attempt, or None for no further attempt.

        Args:
            failures: how many attempts have failed, this one included.
            error: how the last one failed.
            method: the HTTP method of the call.
            repeatable: whether the server may receive the request twice without harm.
            remaining: how many seconds are left for the whole call.
            jitter: a random number between 0 and 1.
        """
        if failures > self.count or method not in self.methods:
            return None
        if not self.allows(error, repeatable=repeatable):
            return None
        pause = jitter * self.limit_of_pause(failures) + (error.retry_after or 0.0)
        return pause if pause < remaining else None

    def allows(self, error: AstakosClientException, *, repeatable: bool) -> bool:
        """Whether repeating after this can help and cannot harm."""
        if isinstance(error, ConnectionError):
            return repeatable or not error.sent
        return error.status in self.statuses and (repeatable or error.status == BUSY)

    def limit_of_pause(self, failures: int) -> float:
        """The longest wait after so many failed attempts, in seconds."""
        # The exponent is bounded so that a large count cannot overflow.
        return min(self.cap, self.base * 2.0 ** min(failures - 1, 63))


class Allowance:
    """What is left of a client's budget of repetitions, for all its calls together.

    Threads share it without a lock: that one of two at the same moment is not counted does no harm.
    """

    __slots__ = ("_full", "_left")

    def __init__(self, budget: float) -> None:
        """Begin with all of it."""
        self._full = self._left = float(budget)

    def take(self) -> bool:
        """Use one repetition; false if there is none left."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

    def give_back(self) -> None:
        """Note that a call succeeded."""
        if self._left < self._full:
            self._left = min(self._full, self._left + GIVEN_BACK)


def _set_of(kind: type[T], name: str, values: Iterable[T]) -> frozenset[T]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise BadValue(f"Retry: {name} must be a set of {kind.__name__}, not {values!r}")
    found = frozenset(values)
    if not all(isinstance(value, kind) for value in found):
        raise BadValue(f"Retry: {name} must be a set of {kind.__name__}, not {values!r}")
    return found


def seconds_to_wait(retry_after: str | None, now: float) -> float | None:
    """The value of a ``Retry-After`` header, a number or a date, as seconds from ``now``; None if unusable.

    Args:
        retry_after: the header's value.
        now: the time of day as seconds since the epoch.
    """
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.strip().isdecimal():
        return float(retry_after)
    # Dates are rare, and the email package is slow to import.
    from datetime import UTC  # noqa: PLC0415
    from email.utils import parsedate_to_datetime  # noqa: PLC0415

    try:
        moment = parsedate_to_datetime(retry_after)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, moment.timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None
