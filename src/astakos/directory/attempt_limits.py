"""Limits on login attempts: enough for people, too few for guessing passwords.

An attempt from a browser that the user has logged in from before counts only for that browser, so strangers
cannot lock the user out there. Every other attempt counts for its account and address together, for its
address, and for its account.
"""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from astakos.clock import MICROSECONDS

WINDOW = 15 * 60 * MICROSECONDS
"""How long an attempt counts."""

MOST_FROM_BROWSER = 20
MOST_ON_ACCOUNT_FROM_ADDRESS = 10
MOST_FROM_ADDRESS = 100
MOST_ON_ACCOUNT = 60
"""For all unknown browsers together, so that a thousand machines guessing at once share the limit."""


class Tally(NamedTuple):
    """The number of attempts since an instant."""

    began: int
    number: int


class Limit(NamedTuple):
    """One of the limits that an attempt counts for.

    Attributes:
        subject: a hash of the account, address, or browser that the limit counts.
        most: the maximum number of attempts within `WINDOW`.
    """

    subject: bytes
    most: int


def limits(username: str, address: str, browser: str | None) -> Iterator[Limit]:
    """Yield the limits of an attempt. One that exceeds any limit is refused without checking the password.

    Args:
        username: in lowercase; the user need not exist.
        address: the caller's address, or "" if it is unknown.
        browser: the secret of the browser, if the user has logged in from it before.
    """
    if browser is not None:
        yield _limit(MOST_FROM_BROWSER, "browser", browser)
        return
    if address:
        yield _limit(MOST_ON_ACCOUNT_FROM_ADDRESS, "account from address", username, address)
        yield _limit(MOST_FROM_ADDRESS, "address", address)
    yield _limit(MOST_ON_ACCOUNT, "account", username)


def counted(tally: Tally | None, now: int) -> Tally:
    """Return the tally with one more attempt; start a new one if the window has passed."""
    # abs(), because concurrent attempts may be counted out of order.
    if tally is None or abs(now - tally.began) >= WINDOW:
        return Tally(now, 1)
    return Tally(tally.began, tally.number + 1)


def _limit(most: int, *parts: str) -> Limit:
    whole = "\0".join(parts).encode("utf-8", "surrogatepass")
    return Limit(hashlib.sha256(whole).digest(), most)
