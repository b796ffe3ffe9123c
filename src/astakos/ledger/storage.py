"""What the ledger needs of a storage, and all that it knows about one."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from astakos.ledger.operations import Changes, Pending, Remembered
from astakos.ledger.rules import Holding, Key

IdempotencyKey = tuple[int, str]
"""A component and its key."""


class StorageUnavailableError(Exception):
    """The storage can not do its work now (locked, full, stalled); the same may succeed later."""


class LedgerTransaction(Protocol):
    """One transaction: what it has read can not be changed by others before it ends."""

    def expired(self, now: int) -> Mapping[int, Pending]:
        """The pending commissions whose time to live is over."""
        ...

    def pending(self, serials: Collection[int]) -> Mapping[int, Pending]:
        """Those of the commissions that are pending."""
        ...

    def holdings(self, keys: Collection[Key]) -> Mapping[Key, Holding]:
        """Those of the holdings that exist."""
        ...

    def pending_imports(self, keys: Collection[Key]) -> Mapping[Key, int]:
        """The sum of the pending imports on each of the holdings that has any."""
        ...

    def remembered(self, keys: Collection[IdempotencyKey]) -> Mapping[IdempotencyKey, Remembered]:
        """What was issued with those of the idempotency keys that are still kept."""
        ...

    def next_serials(self, count: int) -> Sequence[int]:
        """That many serials, ascending, none of which was or will be given out again once committed."""
        ...

    def write(self, now: int, changes: Changes) -> None:
        """Store what has changed."""
        ...


class LedgerStorage(Protocol):
    """Durable state of a ledger."""

    def transaction(self) -> AbstractContextManager[LedgerTransaction]:
        """Durable once the context is left without an exception; with one, nothing has happened.

        Raises:
            StorageUnavailableError: entering or leaving could not be done now.
        """
        ...

    def tidy(self, now: int) -> None:
        """Forget what need not be kept any longer."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...
