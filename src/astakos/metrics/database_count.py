"""Counts rows without waiting for a database that hangs."""

import contextlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.protocol import Connection, Database

PATIENCE_SECONDS = 2.0

log = logging.getLogger("astakos.metrics")

T = TypeVar("T")


class DatabaseCount(Generic[T]):
    """Counts on a thread. At most one count runs at a time."""

    def __init__(self, database: Database, count: Callable[[Connection], T]) -> None:
        """Sets what to count. Each count opens a connection of its own."""
        self._database = database
        self._count_rows = count
        self._lock = threading.Lock()
        self._under_way: Future[T] | None = None

    def now(self) -> T | None:
        """Returns the count, or None if the database does not provide it in time."""
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
            log.exception("counting for metrics failed")
            return None

    def _count(self, answer: Future[T]) -> None:
        try:
            with contextlib.closing(self._database.connect()) as connection:
                answer.set_result(self._count_rows(connection))
        except Exception as error:  # noqa: BLE001 - raised again where the result is awaited
            answer.set_exception(error)
