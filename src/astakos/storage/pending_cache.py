"""Caches the provisions of pending commissions, which never change until a commission is resolved."""

from typing import Final

from astakos.ledger.operations import Pending

MOST_PROVISIONS: Final = 400_000
"""About 30 MiB. Commissions are not counted instead, because one can have thousands of provisions."""


class PendingCache:
    """Pending commissions by serial."""

    def __init__(self) -> None:
        """Start empty."""
        self._found: dict[int, Pending] = {}
        self._provisions = 0

    def get(self, serial: int) -> Pending | None:
        """Return a commission if it is cached."""
        return self._found.get(serial)

    def __contains__(self, serial: int) -> bool:
        """Whether a commission is cached."""
        return serial in self._found

    def __getitem__(self, serial: int) -> Pending:
        """Return a commission that is cached."""
        return self._found[serial]

    def add(self, serial: int, pending: Pending) -> None:
        """Add a commission that was read or issued."""
        if serial not in self._found:
            self._found[serial] = pending
            self._provisions += len(pending.provisions)

    def remove(self, serial: int) -> None:
        """Remove a commission that was resolved."""
        pending = self._found.pop(serial, None)
        if pending is not None:
            self._provisions -= len(pending.provisions)

    def clear(self) -> None:
        """Remove all commissions."""
        self._found.clear()
        self._provisions = 0

    def is_too_large(self) -> bool:
        """Whether it should be cleared. Checked between batches, which rely on what they have read."""
        return self._provisions > MOST_PROVISIONS or len(self._found) > MOST_PROVISIONS
