"""Spreads a charge by a 0.14 client over the user's projects.

0.14 has a single source, `system`, which combines a user's own quota with the grants of all their projects
(`quota-semantics.md` §6). Here each project is a separate source, with a limit for the member and one for the
whole project, so a charge to `system` must be spread over the projects.
"""

from collections.abc import Sequence
from typing import NamedTuple

from astakos.ledger.rules import UNLIMITED, Holding


class Grant(NamedTuple):
    """A user's holding of a resource from one project, and the project's own holding."""

    project: str
    member_level: Holding
    project_level: Holding

    @property
    def room(self) -> int:
        """How much more the user can import; negative if a limit is below the usage."""
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
    """Spreads a charge over the grants, the first ones first; None if they cannot take all of it."""
    sign = 1 if quantity >= 0 else -1
    rest = abs(quantity)
    shares: list[Share] = []
    for grant in grants:
        most = grant.room if quantity >= 0 else grant.releasable
        part = min(rest, most)
        # Like any import, an import of 0 requires a grant that is not over its limit.
        if part > 0 or (quantity == 0 and most >= 0):
            shares.append(Share(grant.project, sign * part))
            rest -= part
        if rest == 0 and shares:
            return shares
    return None


def total(grants: Sequence[Grant]) -> Holding:
    """Combines all grants into one holding; its limit is what the user can actually use."""
    return Holding(
        min(sum(grant.member_level.usage_max + grant.room for grant in grants), UNLIMITED),
        min(sum(grant.releasable for grant in grants), UNLIMITED),
        min(sum(grant.member_level.usage_max for grant in grants), UNLIMITED),
    )
