"""The storage interface of the ledger."""

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

import msgspec

from astakos.ledger.alerts import AlertIdentity
from astakos.ledger.clock_guard import ClockAnchor, ClockRecord
from astakos.ledger.counts import NOTHING_ABOVE, Above
from astakos.ledger.grants import Grant, Rank
from astakos.ledger.meters import NO_METERS, Meters, Rolled
from astakos.ledger.operations import Changes, Pending, Remembered
from astakos.ledger.rules import Holding, Key

IdempotencyKey = tuple[int, str]
"""A component's identifier and its idempotency key."""


class StorageUnavailableError(Exception):
    """The storage cannot work now (locked, full, or stalled); retrying later may succeed.

    Whatever was to be changed has not been changed, unless it is an `OutcomeUnknownError`.
    """


class NotCarriedOutError(StorageUnavailableError):
    """The change has certainly had no effect, and will have none."""


class OutcomeUnknownError(StorageUnavailableError):
    """The change may have taken effect, or may still do so: whoever could tell has not answered."""


class StorageBrokenError(NotCarriedOutError):
    """The storage is damaged or gone, and only its operator can help.

    Attributes:
        remedy: what the operator has to do.
    """

    def __init__(self, message: str, remedy: str) -> None:
        """Sets the message, which callers of the service may see, and the remedy, which is for operators."""
        super().__init__(message)
        self.remedy = remedy


MOST_EXPIRED = 1000
"""How many commissions one transaction expires at most, so that others do not wait long."""


class Needs(msgspec.Struct):
    """The state that a batch must read before it can be applied.

    Attributes:
        commissions: the component and serial of each commission to resolve.
        keys: the holdings that operations name. Those of `commissions`, and those on which provisions on
            named ones count, are read in any case.
        idempotency: the idempotency keys of its issues.
        serials: the largest number of commissions that the batch can issue.
        due: commissions whose time to live was over by this instant are expired; 0 for none.
    """

    commissions: set[tuple[int, int]] = set()
    keys: set[Key] = set()
    idempotency: set[IdempotencyKey] = set()
    serials: int = 0
    due: int = 0


class State(NamedTuple):
    """The state read for a batch. No other transaction changes it before this one ends.

    Attributes:
        expired: pending commissions past their time to live, by serial, whether requested or not: the
            first of them, at most `MOST_EXPIRED`.
        pending: the requested commissions that are pending, by serial, and not past their time to live.
        holdings: the requested holdings that exist, those on which provisions on them count, and those of
            the commissions.
        remembered: the earlier issues with the requested idempotency keys, if still stored.
        serials: new serials in ascending order; none repeats once the transaction is committed.
        now: the instant by the clock that decides about periods; None for the one that `read` was given.
        meters: the meters of all resources.
        marks: the marks of those holdings that are a meter's; see `astakos.ledger.meters.Forgiven`.
        above: the project-level holdings above the requested ones; empty if no project has a parent.
        told: alerts that are known to have been stored; there may be others.
    """

    expired: Mapping[int, Pending]
    pending: Mapping[int, Pending]
    holdings: Mapping[Key, Holding]
    remembered: Mapping[IdempotencyKey, Remembered]
    serials: Sequence[int]
    now: int | None = None
    meters: Meters = NO_METERS
    marks: Mapping[Key, int | None] = MappingProxyType({})
    above: Above = NOTHING_ABOVE
    told: Collection[AlertIdentity] = frozenset()


class LedgerTransaction(Protocol):
    """One transaction: read once, then write once."""

    def read(self, now: int, needs: Needs) -> State:
        """Reads the state that the batch needs."""
        ...

    def settled(self, keys: Collection[Key]) -> Mapping[Key, int]:
        """Returns the sum of all that was settled on each of these holdings, all returned by `read`.

        Changes of this transaction are not included, because they are not written yet.
        """
        ...

    def expires(self, component: int, serial: int) -> int | None:
        """Returns when a commission that `read` has found pending expires; None for never."""
        ...

    def grants(
        self, base: Key, now: int, after: Rank | None, most: int, *, only_named: bool
    ) -> Sequence[Grant]:
        """Returns grants that can be drawn on now and are not used up, in order; locks them.

        Args:
            base: the holding to which they belong, returned by `read`.
            now: the instant.
            after: only those behind this rank; None for all.
            most: how many at most.
            only_named: only those that name what they lift.
        """
        ...

    def rolled(self, key: Key) -> Rolled | None:
        """Returns what was last left over on a holding of a meter, returned by `read`."""
        ...

    def write(self, now: int, changes: Changes) -> None:
        """Stores the changes of the batch."""
        ...


class LedgerStorage(Protocol):
    """The durable state of a ledger.

    Attributes:
        repeats: how many transactions have been retried after a conflict or a fault.
        closing_seconds: how long the end of a process waits for `close`, and for what is under way before
            it. Left behind, a storage loses nothing that is durable.
    """

    repeats: int
    closing_seconds: float

    def transact(self, work: Callable[[LedgerTransaction], None], *, is_awaited: bool = True) -> None:
        """Runs `work` in one transaction, which is durable on return.

        After a conflict or a lost connection, `work` runs again in a new transaction, so it must not keep
        state between calls. Takes effect exactly once; on an exception, not at all, except as noted.

        Args:
            work: changes the transaction.
            is_awaited: whether a caller waits for it. If nobody does, it is hardly retried: those who come
                meanwhile would wait for that.

        Raises:
            NotCarriedOutError: the storage cannot work now.
            OutcomeUnknownError: the commit had started, and its outcome could not be found out.
            StorageBrokenError: the storage is damaged or gone.
        """
        ...

    def prove_writable(self) -> None:
        """Commits a change that means nothing.

        Raises:
            StorageUnavailableError: the storage cannot be written now.
        """
        ...

    def tidy(self, now: int) -> bool:
        """Deletes some records past their retention; returns true if more remain."""
        ...

    def read_clock_record(self) -> ClockRecord:
        """Returns what is recorded about the clock."""
        ...

    def save_clock_record(self, *, anchor: ClockAnchor | None, is_held: bool) -> None:
        """Records what the clock has to show, and whether it is held."""
        ...

    def close(self) -> None:
        """Closes all connections."""
        ...
