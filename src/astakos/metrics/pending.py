"""Looking at pending commissions without waiting for a database that hangs."""

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
    """Counts them on a thread, of which there is never more than one."""

    def __init__(self, database: Database) -> None:
        """Count in a database, on a connection that lasts as long as the counting."""
        self._database = database
        self._lock = threading.Lock()
        self._under_way: Future[PendingAges] | None = None

    def by_age(self) -> PendingAges | None:
        """How many there are; None if the database can not tell now."""
        with self._lock:
            if self._under_way is None or self._under_way.done():
                self._under_way = Future()
                # It may hang, and must not keep the process from ending.
                threading.Thread(target=self._count, args=(self._under_way,), daemon=True).start()
            under_way = self._under_way
        try:
            return under_way.result(PATIENCE_SECONDS)
        except (StorageUnavailableError, TimeoutError):
            return None
        except Exception:
            log.exception("pending commissions can not be counted")
            return None

    def _count(self, answer: Future[PendingAges]) -> None:
        try:
            with contextlib.closing(self._database.connect()) as connection:
                answer.set_result(count_pending_by_age(connection, clock.now()))
        except Exception as error:  # noqa: BLE001 - it is raised again where the answer is waited for
            answer.set_exception(error)
