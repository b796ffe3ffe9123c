"""The retry policy: which failed calls to retry, and how long to wait before each retry."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TypeVar

from astakosclient.core.value import FixedValue
from astakosclient.errors import (
    NOT_CARRIED_OUT,
    AstakosClientException,
    BadValue,
    ConnectionError,  # noqa: A004 - documented name
)

T = TypeVar("T")

BUSY = 429
GIVEN_BACK = 0.2
"""Retries that a successful call adds to the budget; in the long run, at most one retry per five calls."""


LONGEST_DELAY = 2.0**31
"""Seconds; a larger number means this one (RFC 9111, section 1.2.2)."""


class Retry(FixedValue):
    """A retry policy: which calls to retry, how often, and how long to wait.

    The client never retries a call if it could then take effect twice:

    * Reads are retried after a `ConnectionError` and after 429, 502, 503 and 504.
    * Writes are retried if the server provably did not carry them out: the request did not reach the server,
      or the server responded with 429, or with ``Astakos-Outcome: not-carried-out``, as this project's server
      does. A timeout, a lost response, and 502, 503 and 504 without that header prove nothing, because a
      gateway can send these statuses after the server has done the work.
    * Issuing commissions, accepting or rejecting one, and calls that make something (applications,
      memberships, invitations, keys, feedback) are also retried after such failures if the server guarantees
      that the call takes effect once. This project's server does, and says so in the ``Astakos-Supports``
      header; if the client has not seen that header yet, it asks. The original Astakos does not.
    * Nothing else is retried. A complete response that the client cannot parse would be the same again.

    The wait before a retry is random (full jitter) between 0 and ``base`` seconds; the upper bound doubles
    with each retry, up to ``cap``. A ``Retry-After`` header adds to the wait. The client does not start a
    retry that cannot begin before the call's timeout expires.

    To prevent retry storms, each client has a budget of retries. A retry takes one from it and a successful
    call gives back a fifth of one. While no call succeeds, there are at most ``budget`` retries; in the long
    run, there is at most one retry per five calls.

    Attributes:
        count: maximum number of retries per call; 3 means at most 4 attempts.
        base: maximum wait before the first retry, in seconds.
        cap: maximum wait before any retry, in seconds, excluding ``Retry-After``.
        budget: maximum number of retries while no call succeeds; ``math.inf`` for no limit.
        statuses: HTTP statuses to retry after, if the request is idempotent. After 429, or if the server says
            that it did not carry the request out, other requests are retried too.
        methods: HTTP methods of the calls to retry.

    Raises:
        BadValue: a number is negative or not a number, or a status or method has the wrong type.

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
        """Validates and sets the attributes; see the class."""
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise BadValue(f"retry must be a number of retries, 0 or more, not {count!r}")
        for name, seconds in (("base", base), ("cap", cap)):
            if not isinstance(seconds, int | float) or not 0 <= seconds <= sys.float_info.max:
                raise BadValue(f"Retry: {name} must be a number of seconds, 0 or more, not {seconds!r}")
        if not isinstance(budget, int | float) or not budget >= 0:
            raise BadValue(f"Retry: budget must be a number of retries, 0 or more, not {budget!r}")
        self.count: int = count
        self.base: float = base
        self.cap: float = cap
        self.budget: float = budget
        self.statuses: frozenset[int] = _set_of(int, "statuses", statuses)
        self.methods: frozenset[str] = _set_of(str, "methods", methods)

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
        """Returns the seconds to wait before the next attempt, or None to give up.

        Args:
            failures: number of failed attempts, including the last one.
            error: the exception of the last attempt.
            method: the HTTP method of the call.
            repeatable: whether sending the request twice is safe.
            remaining: seconds left for the whole call.
            jitter: a random number between 0 and 1.
        """
        if failures > self.count or method not in self.methods:
            return None
        if not self.allows(error, repeatable=repeatable):
            return None
        pause = jitter * self.limit_of_pause(failures) + (error.retry_after or 0.0)
        return pause if pause < remaining else None

    def allows(self, error: AstakosClientException, *, repeatable: bool) -> bool:
        """Returns whether a retry after this error is safe and can succeed."""
        if isinstance(error, ConnectionError):
            return repeatable or not error.sent
        is_harmless = error.status == BUSY or error.outcome == NOT_CARRIED_OUT
        return error.status in self.statuses and (repeatable or is_harmless)

    def limit_of_pause(self, failures: int) -> float:
        """Returns the maximum wait in seconds after this number of failed attempts."""
        # Bounded exponent: 2.0 ** 1024 raises OverflowError.
        return min(self.cap, self.base * 2.0 ** min(failures - 1, 63))


class Allowance:
    """The retry budget of a client, shared by all its calls.

    Threads share it without a lock: at worst, one of two concurrent updates is lost, which is harmless.
    """

    __slots__ = ("_full", "_left")

    def __init__(self, budget: float) -> None:
        """Starts with the full budget."""
        self._full = self._left = float(budget)

    def take(self) -> bool:
        """Takes one retry; returns False if none is left."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

    def give_back(self) -> None:
        """Adds a fraction of a retry; called after each successful call."""
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
    """Converts a ``Retry-After`` value, a number or a date, to seconds; returns None if it is invalid.

    Args:
        retry_after: the value of the header, or None.
        now: the current time, in seconds since the epoch.
    """
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.strip().isdecimal():
        return min(float(retry_after), LONGEST_DELAY)
    # Imported here because dates are rare and the email package is slow to import.
    from datetime import UTC  # noqa: PLC0415
    from email.utils import parsedate_to_datetime  # noqa: PLC0415

    try:
        moment = parsedate_to_datetime(retry_after)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, moment.timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None
