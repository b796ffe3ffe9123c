"""How much of what the audit log records a user may cause who is not an administrator.

The log only grows, so what one user adds to it within an hour and a day is bounded: generously for people,
and for programs that act for them. Changes that lock an intruder out have twice the allowance, so that they
are still possible when the intruder has used up the other.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from astakos.clock import DAY, MICROSECONDS


class Allowance(NamedTuple):
    """So many events of one user within so many microseconds."""

    most: int
    within: int


ALLOWANCES: Final[Sequence[Allowance]] = (Allowance(1000, 3600 * MICROSECONDS), Allowance(3000, DAY))

APPLICATION: Final = "application.submitted"
OF_APPLICATIONS: Final = Allowance(200, DAY)
"""How often a user may apply: each application is mailed to all administrators."""
MEMBERSHIP: Final = "membership."
"""How the kinds of events begin that are mailed to a member or an owner."""
OF_MEMBERSHIP: Final = Allowance(100, DAY)
"""How often a user may change one membership, by whose mails they could plague the other side."""
TEXT_A_DAY: Final = 2 * 1024 * 1024
"""How many characters of what was different a user may add within a day: an event can have 30,000."""

PROTECTIVE: Final = frozenset(
    {
        "key.revoked",
        "key.rotated",
        "oauth2_token.revoked",
        "user.password_changed",
        "user.sessions_ended",
        "user.token_renewed",
    }
)
"""Kinds of events that tell of access which has ended."""
PROTECTIVE_FACTOR: Final = 2

KEYS_A_DAY: Final = 200
"""How many keys a user may make within a day, unless a user can have more: a key's holdings stay for ever."""


class TooManyChangesError(Exception):
    """A user has made as many changes as one may, and the transaction with one more must not be committed.

    Attributes:
        again: the instant from which the next change is allowed.
    """

    def __init__(self, again: int) -> None:
        """Sets the instant."""
        super().__init__("too many changes")
        self.again = again


class TooManyApplicationsError(TooManyChangesError):
    """A user has applied for projects and changes of them as often as one may within a day."""


class TooManyChangesOfMembershipError(TooManyChangesError):
    """A user has changed one membership as often as one may within a day."""


class TooManyKeysError(TooManyChangesError):
    """A user has made as many keys as one may within a day."""


def allowance_of_keys(most_keys: int) -> Allowance:
    """Returns how many keys a user may make who can have `most_keys`: at least all of these in one day."""
    return Allowance(max(KEYS_A_DAY, most_keys), DAY)
