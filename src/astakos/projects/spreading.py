"""A charge on all that a user has of a resource, as charges on the projects that it comes from.

0.14 knows one source, `system`, from which a user has their own quota and what all their projects grant them
(`quota-semantics.md` §6). Here each project is a source of its own, with a limit for the member and one for
all its members together, so that such a charge has to be spread over them.
"""

from collections.abc import Sequence
from typing import NamedTuple

from astakos.ledger.rules import UNLIMITED, Holding


class Grant(NamedTuple):
    """What a user has of a resource from one project, and what all its members have together."""

    project: str
    member_level: Holding
    project_level: Holding

    @property
    def room(self) -> int:
        """How much more the user can import; negative if a limit has been lowered below the usage."""
        return min(level.limit - level.usage_max for level in (self.member_level, self.project_level))

    @property
    def releasable(self) -> int:
        """How much the user can release."""
        return min(self.member_level.usage_min, self.project_level.usage_min)


class Share(NamedTuple):
    """The part of a charge that one project takes."""

    project: str
    quantity: int


def spread(quantity: int, grants: Sequence[Grant]) -> list[Share] | None:
    """The shares of a charge, the first grants first; None if all of them together can not take it."""
    sign = 1 if quantity >= 0 else -1
    rest = abs(quantity)
    shares: list[Share] = []
    for grant in grants:
        most = grant.room if quantity >= 0 else grant.releasable
        part = min(rest, most)
        # An import of nothing needs a grant that is not over its limit, as any import does.
        if part > 0 or (quantity == 0 and most >= 0):
            shares.append(Share(grant.project, sign * part))
            rest -= part
        if rest == 0 and shares:
            return shares
    return None


def total(grants: Sequence[Grant]) -> Holding:
    """All grants as if they were one holding, whose limit is what can really be used."""
    return Holding(
        min(sum(grant.member_level.usage_max + grant.room for grant in grants), UNLIMITED),
        min(sum(grant.releasable for grant in grants), UNLIMITED),
        min(sum(grant.member_level.usage_max for grant in grants), UNLIMITED),
    )
