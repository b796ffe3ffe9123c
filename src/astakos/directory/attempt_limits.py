"""How often a password may be tried, by whom: enough for people, too little for guessing.

Whoever holds the cookie of a browser in which the user has logged in before is counted alone, so that no
stranger can lock a user out there. All others are counted by account and address, by address, and by account.
"""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from astakos.clock import MICROSECONDS

WINDOW = 15 * 60 * MICROSECONDS
"""For how long attempts are counted together."""

MOST_FROM_BROWSER = 20
MOST_ON_ACCOUNT_FROM_ADDRESS = 10
MOST_FROM_ADDRESS = 100
MOST_ON_ACCOUNT = 60
"""From browsers that are not known, wherever they are: what a thousand machines share that guess together."""


class Tally(NamedTuple):
    """How many attempts there were since an instant."""

    began: int
    number: int


class Limit(NamedTuple):
    """One way in which an attempt is counted.

    Attributes:
        subject: whose attempts are counted together, as a hash.
        most: how many there may be within `WINDOW`.
    """

    subject: bytes
    most: int


def limits(username: str, address: str, browser: str | None) -> Iterator[Limit]:
    """All ways in which an attempt is counted; one that reaches any limit is refused unseen.

    Args:
        username: in lower case, whether or not there is such a user.
        address: where it comes from, "" if that can not be told.
        browser: the secret of the browser, if the user has logged in there before.
    """
    if browser is not None:
        yield _limit(MOST_FROM_BROWSER, "browser", browser)
        return
    if address:
        yield _limit(MOST_ON_ACCOUNT_FROM_ADDRESS, "account from address", username, address)
        yield _limit(MOST_FROM_ADDRESS, "address", address)
    yield _limit(MOST_ON_ACCOUNT, "account", username)


def counted(tally: Tally | None, now: int) -> Tally:
    """The tally with one more attempt; a new one if the old one's time is over."""
    # Attempts that come at the same time are not counted in the order in which they came.
    if tally is None or abs(now - tally.began) >= WINDOW:
        return Tally(now, 1)
    return Tally(tally.began, tally.number + 1)


def _limit(most: int, *parts: str) -> Limit:
    whole = "\0".join(parts).encode("utf-8", "surrogatepass")
    return Limit(hashlib.sha256(whole).digest(), most)
