"""Caches pending commissions; where others can change them, the stored document tells the version."""

from typing import Final

from astakos.ledger.operations import Pending

MOST_PROVISIONS: Final = 400_000
"""About 30 MiB. Commissions are not counted instead, because one can have thousands of provisions."""


class PendingCache:
    """Pending commissions by serial."""

    def __init__(self) -> None:
        """Starts empty."""
        self._found: dict[int, tuple[Pending, str]] = {}
        self._provisions = 0

    def get(self, serial: int) -> Pending | None:
        """Returns a commission if it is cached."""
        cached = self._found.get(serial)
        return None if cached is None else cached[0]

    def __getitem__(self, serial: int) -> Pending:
        """Returns a commission that is cached."""
        return self._found[serial][0]

    def is_current(self, serial: int, document: str) -> bool:
        """Whether a commission is cached as it is stored now."""
        cached = self._found.get(serial)
        return cached is not None and cached[1] == document

    def put(self, serial: int, pending: Pending, document: str = "") -> None:
        """Adds a commission that was read or issued, or replaces it; `document` is its stored form."""
        if serial in self._found:
            self.remove(serial)
        self._found[serial] = pending, document
        self._provisions += _size(pending)

    def remove(self, serial: int) -> None:
        """Removes a commission that was resolved."""
        cached = self._found.pop(serial, None)
        if cached is not None:
            pending, _ = cached
            self._provisions -= _size(pending)

    def clear(self) -> None:
        """Removes all commissions."""
        self._found.clear()
        self._provisions = 0

    def is_too_large(self) -> bool:
        """Whether it should be cleared. Checked between batches, which rely on what they have read."""
        return self._provisions > MOST_PROVISIONS or len(self._found) > MOST_PROVISIONS


def _size(pending: Pending) -> int:
    return len(pending.provisions) + len(pending.counts)
