"""Again, and when? The policy of repetitions, as a value."""

from __future__ import annotations

import math
from dataclasses import dataclass

from astakosclient.errors import AstakosClientException, BadValue, ConnectionError  # noqa: A004 - documented name

BUSY = 429
UNAVAILABLE = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a call is repeated, and how long to wait before.

    What is repeated depends on what may have happened at the server:

    * A call that only reads is repeated after connection trouble and after 429, 502, 503 and 504.
    * A call that changes something (every call about commissions, and feedback) is repeated only if it was
      provably not carried out: the request did not reach the server, or the server answered 429, which it
      does instead of doing the work. A lost answer, a time-out and 5xx are not proof: a gateway says
      502, 503 or 504 also when the service behind it has done its part.
    * Nothing else is repeated. An answer that arrived whole but cannot be read would be the same again.

    Between two attempts it waits a random time (full jitter) of at most ``base`` seconds, doubled with each
    repetition, at most ``cap``; when the server named a time (``Retry-After``), it waits that long as well.
    A repetition for which the time of the call does not suffice is not begun.

    Attributes:
        count: how many repetitions there may be: 3 means at most 4 attempts.
        base: the longest wait before the first repetition, in seconds.
        cap: the longest wait before any, in seconds, not counting what the server asked for.

    Raises:
        BadValue: a number is negative, or no number.

    Example:
        >>> Retry(3, base=0.2).limit_of_pause(2)
        0.4
    """

    count: int = 0
    base: float = 0.1
    cap: float = 5.0

    def __post_init__(self) -> None:
        """Refuse what is no number, or negative."""
        if not isinstance(self.count, int) or isinstance(self.count, bool) or self.count < 0:
            raise BadValue(f"retry must be a number of repetitions, 0 or more, not {self.count!r}")
        for name, seconds in (("base", self.base), ("cap", self.cap)):
            if not isinstance(seconds, int | float) or not math.isfinite(seconds) or seconds < 0:
                raise BadValue(f"Retry: {name} must be a number of seconds, 0 or more, not {seconds!r}")

    def again(
        self,
        failures: int,
        error: AstakosClientException,
        *,
        repeatable: bool,
        remaining: float,
        jitter: float,
    ) -> float | None:
        """How many seconds to wait before the next attempt, or None for no further attempt.

        Args:
            failures: how many attempts have failed, this one included.
            error: how the last one failed.
            repeatable: whether the server may receive the request twice without harm.
            remaining: how many seconds are left for the whole call.
            jitter: a random number between 0 and 1.
        """
        if failures > self.count or not may_be_repeated(error, repeatable=repeatable):
            return None
        pause = jitter * self.limit_of_pause(failures) + (error.retry_after or 0.0)
        return pause if pause < remaining else None

    def limit_of_pause(self, failures: int) -> float:
        """The longest wait after so many failed attempts, in seconds."""
        # The exponent is bounded so that a large count cannot overflow.
        return min(self.cap, self.base * 2.0 ** min(failures - 1, 63))


def may_be_repeated(error: AstakosClientException, *, repeatable: bool) -> bool:
    """Whether repeating can help and cannot harm."""
    if isinstance(error, ConnectionError):
        return repeatable or not error.sent
    return error.status == BUSY or (repeatable and error.status in UNAVAILABLE)


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
