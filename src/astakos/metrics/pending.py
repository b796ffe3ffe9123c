"""Counts pending commissions without waiting for a database that hangs."""

import contextlib
import logging
import threading
from concurrent.futures import Future

from astakos import clock
from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.protocol import Database
from astakos.storage.tables.pending_ages import PendingAges, count_pending_by_age

PATIENCE_SECONDS = 2.0

log = logging.getLogger("astakos.metrics")


class PendingCommissions:
    """Counts pending commissions on a thread. At most one count runs at a time."""

    def __init__(self, database: Database) -> None:
        """Sets the database. Each count opens a connection of its own."""
        self._database = database
        self._lock = threading.Lock()
        self._under_way: Future[PendingAges] | None = None

    def by_age(self) -> PendingAges | None:
        """Returns the counts by age, or None if the database does not provide them in time."""
        with self._lock:
            if self._under_way is None or self._under_way.done():
                self._under_way = Future()
                # A daemon thread: a count that hangs must not keep the process from exiting.
                threading.Thread(target=self._count, args=(self._under_way,), daemon=True).start()
            under_way = self._under_way
        try:
            return under_way.result(PATIENCE_SECONDS)
        except (StorageUnavailableError, TimeoutError):
            return None
        except Exception:
            log.exception("counting pending commissions failed")
            return None

    def _count(self, answer: Future[PendingAges]) -> None:
        try:
            with contextlib.closing(self._database.connect()) as connection:
                answer.set_result(count_pending_by_age(connection, clock.now()))
        except Exception as error:  # noqa: BLE001 - raised again where the result is awaited
            answer.set_exception(error)
