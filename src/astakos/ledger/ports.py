"""What the ledger needs of a storage, and all that it knows about one."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from astakos.ledger.operations import Changes, Pending, Remembered
from astakos.ledger.rules import Holding, Key

IdempotencyKey = tuple[int, str]
"""A component and its key."""


class StorageUnavailableError(Exception):
    """The storage can not do its work now (locked, full, stalled); the same may succeed later."""


@dataclass(slots=True)
class Needs:
    """What a batch has to know before it can decide.

    Attributes:
        commissions: component and serial of those to be resolved.
        keys: the holdings that it names; those of the commissions come along with them.
        idempotency: the keys that issues came with.
        serials: how many commissions it will issue at most.
    """

    commissions: set[tuple[int, int]] = field(default_factory=set)
    keys: set[Key] = field(default_factory=set)
    idempotency: set[IdempotencyKey] = field(default_factory=set)
    serials: int = 0


class State(NamedTuple):
    """What there is of that; nobody else changes it before the transaction ends.

    Attributes:
        expired: the pending commissions whose time to live is over, of all there are.
        pending: those of the commissions that are pending, by serial.
        holdings: those of the holdings that exist, and those of all these commissions.
        remembered: what was issued with those of the idempotency keys that are still kept.
        serials: ascending, none of which was or will be given out again once this is committed.
    """

    expired: Mapping[int, Pending]
    pending: Mapping[int, Pending]
    holdings: Mapping[Key, Holding]
    remembered: Mapping[IdempotencyKey, Remembered]
    serials: Sequence[int]


class LedgerTransaction(Protocol):
    """One transaction: read once, then write once."""

    def read(self, now: int, needs: Needs) -> State:
        """What the batch needs to know."""
        ...

    def pending_imports(self, keys: Collection[Key]) -> Mapping[Key, int]:
        """The sum of the pending imports on each of the holdings that has any; they have been read."""
        ...

    def write(self, now: int, changes: Changes) -> None:
        """Store what has changed."""
        ...


class LedgerStorage(Protocol):
    """Durable state of a ledger.

    Attributes:
        repeats: how many transactions were begun again, since they were lost to others or by a fault.
    """

    repeats: int

    def transact(self, work: Callable[[LedgerTransaction], None]) -> None:
        """Let `work` read and write in one transaction, which is durable when this returns.

        If the transaction is lost to others or with its connection, `work` is called again with a new one, so
        it must begin anew each time; whatever happens, it comes true once. On an exception it has not.

        Raises:
            StorageUnavailableError: it could not be done now; if its commit had begun, it may have been.
        """
        ...

    def tidy(self, now: int) -> bool:
        """Forget some of what need not be kept any longer; true if there is more of it."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...
