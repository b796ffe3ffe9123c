"""What the ledger needs of a storage, and all that it knows about one."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from astakos.ledger.operations import NewCommission, Pending, Resolution
from astakos.ledger.rules import Holding, Key


class StorageUnavailableError(Exception):
    """The storage can not do its work now (locked, full, stalled); the same may succeed later."""


class LedgerTransaction(Protocol):
    """One transaction: what it has read can not be changed by others before it ends."""

    def pending(self, serials: Collection[int]) -> Mapping[int, Pending]:
        """Those of the commissions that are pending."""
        ...

    def holdings(self, keys: Collection[Key]) -> Mapping[Key, Holding]:
        """Those of the holdings that exist."""
        ...

    def next_serials(self, count: int) -> Sequence[int]:
        """That many serials, ascending, none of which was or will be given out again once committed."""
        ...

    def write(
        self,
        now: int,
        issued: Sequence[NewCommission],
        resolved: Sequence[Resolution],
        holdings: Mapping[Key, Holding],
    ) -> None:
        """Store new commissions, then resolutions, and the figures in which the holdings end."""
        ...


class LedgerStorage(Protocol):
    """Durable state of a ledger."""

    def transaction(self) -> AbstractContextManager[LedgerTransaction]:
        """Durable once the context is left without an exception; with one, nothing has happened.

        Raises:
            StorageUnavailableError: entering or leaving could not be done now.
        """
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...
