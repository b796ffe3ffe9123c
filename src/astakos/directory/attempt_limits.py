"""Limits on attempts to get in with a secret: enough for people, too few for guessing.

Every limit allows some attempts at once and then one at a time, at even intervals: nobody waits for longer
than one interval. The limits are the same for every way in:

- An attempt from a browser in which the user has logged in before counts only for that browser.
- Any other attempt counts for the account together with the caller's network, for the network, and for the
  account.

So strangers can never lock a user out of a known browser. From few networks, they exhaust only what these
may try. From many networks, they exhaust the limit of the account. The first few attempts from each network
do not count for that limit, but for a larger one, so that a user in a new place gets in even then.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from astakos.clock import MICROSECONDS
from astakos.directory.network_addresses import IPAddress, networks

WINDOW = 15 * 60 * MICROSECONDS
"""How long it takes until a limit that is exhausted is full again."""

MOST_FROM_BROWSER = 20
MOST_ON_ACCOUNT_FROM_NETWORK = 10
MOST_FROM_NETWORK = 100
"""These two are for the smallest network of a caller. Each wider one may try twice as often."""
MOST_ON_ACCOUNT = 60
FEW = 3
"""The first attempts on an account from a network."""
MOST_FEW_ON_ACCOUNT = 600
"""First attempts on an account, from all networks: a bound for somebody who has thousands of them."""

LONGEST_NAME = 1024
"""Longer names cannot exist. Only so much of one counts."""


class TooManyAttemptsError(Exception):
    """An attempt exceeds a limit; the secret was not checked.

    Attributes:
        again: the instant from which the next attempt is allowed.
    """

    def __init__(self, again: int) -> None:
        """Sets the instant."""
        super().__init__("too many attempts")
        self.again = again


class Tally(NamedTuple):
    """Attempts that still count, as of an instant."""

    began: int
    number: int


class Limit(NamedTuple):
    """One of the limits that an attempt counts for.

    Attributes:
        subject: a hash of the account, network, or browser that the limit counts.
        most: the maximum number of attempts at once.
        is_of_caller: whether it counts this caller's attempts alone, as far as callers can be told apart.
    """

    subject: bytes
    most: int
    is_of_caller: bool = True

    def remaining(self, tally: Tally | None, now: int) -> Tally:
        """Returns what of a tally still counts."""
        # An instant far ahead means that the clock was set back since, which must lock nobody out.
        if tally is None or tally.began > now + WINDOW:
            return Tally(now, 0)
        over = max(0, now - tally.began) // self._interval
        if over >= tally.number:
            return Tally(now, 0)
        return Tally(tally.began + over * self._interval, tally.number - over)

    def is_exhausted(self, remaining: Tally) -> bool:
        """Whether no further attempt is allowed now."""
        return remaining.number >= self.most

    def allowed_again(self, remaining: Tally) -> int:
        """Returns the instant when one more attempt is allowed, if none is now."""
        return remaining.began + self._interval

    @property
    def _interval(self) -> int:
        return WINDOW // self.most


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to get in.

    Attributes:
        account: what somebody tries to get into; it need not exist. See `user_account` and the like.
        address: the caller's address; None if it is unknown.
        browser: the secret of the browser, if the user has logged in from it before.
    """

    account: str
    address: IPAddress | None
    browser: str | None = None

    @property
    def place(self) -> Limit | None:
        """The limit that tells how often the account was tried from here; None if here is unknown."""
        if self.browser is not None or self.address is None:
            return None
        return list(self._of_account_from_networks())[-1]

    def limits(self, tried_here: int) -> Iterator[Limit]:
        """Yields the limits that the attempt counts for.

        Args:
            tried_here: how many attempts count for `place`.
        """
        if self.browser is not None:
            yield _limit(MOST_FROM_BROWSER, "browser", self.browser)
            return
        yield from self._of_account_from_networks()
        for width, network in enumerate(self._networks()):
            yield _limit(MOST_FROM_NETWORK << width, "network", network)
        if self.address is None:
            yield _limit(MOST_ON_ACCOUNT, "account", self.account)
        elif tried_here < FEW:
            yield _of_all_callers(_limit(MOST_FEW_ON_ACCOUNT, "account, first attempts", self.account))
        else:
            yield _of_all_callers(_limit(MOST_ON_ACCOUNT, "account", self.account))

    def _of_account_from_networks(self) -> Iterator[Limit]:
        for width, network in enumerate(self._networks()):
            most = MOST_ON_ACCOUNT_FROM_NETWORK << width
            yield _limit(most, "account from network", self.account, network)

    def _networks(self) -> tuple[str, ...]:
        return () if self.address is None else networks(self.address)


def user_account(uuid: str) -> str:
    """Returns the account of a user, however the caller names them."""
    return f"user {uuid[:LONGEST_NAME]}"


def unknown_account(name: str) -> str:
    """Returns the account of a name that no user has, so that it looks like one that exists."""
    return f"name {name[:LONGEST_NAME].lower()}"


def client_account(identifier: str) -> str:
    """Returns the account of an OAuth2 client."""
    return f"client {identifier[:LONGEST_NAME]}"


def recovery_account(name: str) -> str:
    """Returns what somebody asks for who has forgotten a password: it locks nobody out elsewhere."""
    return f"recovery of {name.strip()[:LONGEST_NAME].lower()}"


def address_account(uuid: str) -> str:
    """Returns what a user asks for who changes their mail address: it locks nobody out elsewhere."""
    return f"address of {uuid[:LONGEST_NAME]}"


def invitation_account(uuid: str) -> str:
    """Returns what a user tries to get into with the codes of invitations: it locks nobody out elsewhere."""
    return f"invitations for {uuid[:LONGEST_NAME]}"


def _limit(most: int, *parts: str) -> Limit:
    # A hash of hashes: a name that contains a separator must not count for another one.
    hashes = [hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest() for part in parts]
    return Limit(hashlib.sha256(b"".join(hashes)).digest(), most)


def _of_all_callers(limit: Limit) -> Limit:
    return limit._replace(is_of_caller=False)
