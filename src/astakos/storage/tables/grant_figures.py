"""The grants of holdings as quotas show them, with what is left of each."""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import NamedTuple

from astakos.ledger.grants import Rank
from astakos.ledger.rules import Key
from astakos.storage.protocol import Connection
from astakos.storage.tables import grants
from astakos.storage.tables.grants import StoredGrant

Lifted = Callable[[str, tuple[str, ...] | None], tuple[str, ...]]
"""The names of the meters that a grant of a resource lifts, given those that it names."""


class ShownGrant(NamedTuple):
    """A grant that is neither used up nor over.

    Attributes:
        number: its number; None for what a period has left over for the next one.
        amount: what was given.
        left: what can still be drawn, now or when it starts.
        starts: from when on.
        expires: until when; `astakos.ledger.grants.NEVER` if it does not expire.
        priority: see `astakos.ledger.grants.Rank`.
        note: for people.
        lifts: the names of the meters that it lifts.
    """

    number: int | None
    amount: int
    left: int
    starts: int
    expires: int
    priority: int
    note: str
    lifts: tuple[str, ...]

    @property
    def rank(self) -> Rank:
        """Its place among others."""
        return Rank(self.expires, self.priority, self.number or 0)


class GrantFigures:
    """Grants are read for each holder at once, unless there are none at all."""

    def __init__(self, connection: Connection, now: int, lifted: Lifted, *, everybody: bool) -> None:
        """Reads from a connection; of everybody at once if the figures of all are wanted."""
        self._connection = connection
        self._lifted = lifted
        self._now = now
        self._found: dict[str, dict[Key, list[ShownGrant]]] = {}
        self._everybody = everybody

    def on(self, base: Key) -> tuple[ShownGrant, ...]:
        """Returns the grants that belong to a holding, in the order in which they are drawn on."""
        if not self._are_there:
            return ()
        if base.holder not in self._found and not self._everybody:
            found = grants.list_current(self._connection, base.holder, self._now)
            self._found[base.holder] = self._by_base(found)
        return tuple(sorted(self._found.get(base.holder, {}).get(base, ()), key=lambda one: one.rank))

    @cached_property
    def _are_there(self) -> bool:
        if self._everybody:
            found: dict[str, list[StoredGrant]] = {}
            for grant in grants.list_all_current(self._connection, self._now):
                found.setdefault(grant.key.holder, []).append(grant)
            self._found = {holder: self._by_base(listed) for holder, listed in found.items()}
            return bool(found)
        return grants.are_there(self._connection, self._now)

    def _by_base(self, found: Iterable[StoredGrant]) -> dict[Key, list[ShownGrant]]:
        by_base: dict[Key, list[ShownGrant]] = {}
        for grant in found:
            shown = ShownGrant(
                grant.number,
                grant.holding.limit,
                grant.left,
                grant.starts,
                grant.expires,
                grant.priority,
                grant.note,
                self._lifted(grant.base.resource, grant.lifts),
            )
            by_base.setdefault(grant.base, []).append(shown)
        return by_base
