"""Power failures: of what SQLite has written, a disk keeps what was synced, and any pages of the rest.

The log is copied when a sync begins; once the sync has ended, the disk holds that copy for certain.
"""

import asyncio
import random
import threading
from collections.abc import Callable
from pathlib import Path

from astakos.ledger.ports import DeferredSync, LedgerTransaction
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.sqlite.sqlite_ledger import SQLiteLedger

PAGE = 4096


class Disk:
    """The disk under one database file.

    Attributes:
        before_end: called on the thread that syncs, when the log is copied and the sync has not ended.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = Path(f"{path}-wal")
        self._synced = b""
        self.syncs = 0
        self.before_end: Callable[[], None] = lambda: None

    def sync(self) -> None:
        """Stand for a sync of the log."""
        written = self._written()
        self.before_end()
        self._synced = written
        self.syncs += 1

    def _written(self) -> bytes:
        # SQLite makes the log with the first transaction, and removes it with the last connection.
        return self._log.read_bytes() if self._log.exists() else b""

    def close(self) -> None:
        """There is nothing to release."""

    def fail(self, target: Path, choice: random.Random) -> None:
        """Write to another file what a power failure at this moment may leave."""
        synced, written = self._synced, self._written()
        length = choice.randint(len(synced), max(len(synced), len(written)))
        lost = choice.choice([0.0, 0.1, 0.5, 1.0])
        log = bytearray(written[:length])
        for start in range(0, length, PAGE):
            if choice.random() < lost:
                # As it was synced; blank where the file has grown since.
                page = slice(start, min(start + PAGE, length))
                log[page] = synced[page].ljust(page.stop - page.start, b"\0")
        target.write_bytes(self._path.read_bytes())
        Path(f"{target}-wal").write_bytes(log)


class LedgerOnDisk(SQLiteLedger):
    """A ledger whose log is synced to a simulated disk.

    It makes no checkpoints: their syncs, and the order of them, are SQLite's own.
    """

    def __init__(self, database: SQLiteDatabase, disk: Disk) -> None:
        super().__init__(database)
        self._disk = disk
        self._committed = threading.Semaphore(0)

    def transact(self, work: Callable[[LedgerTransaction], None]) -> None:
        super().transact(work)
        self._committed.release()

    async def has_committed(self) -> None:
        """Wait for one more commit."""
        assert await asyncio.to_thread(self._committed.acquire, timeout=20), "nothing was committed"

    def defer_sync(self) -> DeferredSync:
        return self._disk


class Gate:
    """Lets one thread pass as often as another says."""

    def __init__(self) -> None:
        self._passes = threading.Semaphore(0)

    def __call__(self) -> None:
        assert self._passes.acquire(timeout=30), "a sync was never let end"

    def open(self, times: int = 1) -> None:
        self._passes.release(times)
