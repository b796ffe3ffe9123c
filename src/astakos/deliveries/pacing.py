"""When a delivery is tried again, and when it is given up. Pure."""

from astakos.clock import MICROSECONDS

MINUTE, HOUR = 60, 3600
DELAYS = (5, 30, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR)
"""Seconds after each failed attempt until the next one; after the last of them, there is none."""
MOST_ATTEMPTS = len(DELAYS) + 1
SPREAD = 0.5
"""The part of a delay that chance decides, so that what failed together is not tried again together."""
LONGEST_AGE = 3 * 24 * HOUR * MICROSECONDS
"""Deliveries of older events are given up, or not even planned: nobody waits for them any more."""
LONGEST_AGE_IN_LOG = HOUR * MICROSECONDS
"""The same for what is written into the log."""


def next_attempt(attempts: int, now: int, event_time: int, chance: float) -> int | None:
    """Returns when a delivery that has just failed is tried again; None if it is given up.

    Args:
        attempts: how many attempts have failed, from 1 on.
        now: the present instant.
        event_time: the instant of the event.
        chance: a random number from 0 to 1.
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    seconds = DELAYS[attempts - 1] * (1 - SPREAD + 2 * SPREAD * chance)
    due = now + round(seconds * MICROSECONDS)
    return None if due - event_time > LONGEST_AGE else due
