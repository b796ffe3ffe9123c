"""Checks whether the service can handle calls, within a fixed time even if a dependency hangs."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence

from astakos.ledger.engine_client import Ledger
from astakos.ledger.ports import StorageBrokenError, StorageUnavailableError
from astakos.service.admission import Bounds
from astakos.service.pool import Pool
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import settings

PATIENCE_SECONDS = 2.0
ENDING = "the service is shutting down"
NO_DATABASE = "the database cannot be read"
NO_LEDGER = "the ledger does not answer"
NO_WRITES = "the database cannot be written; reads are answered"
LEDGER_STOPPED = "the ledger has stopped"

log = logging.getLogger("astakos.http")


class Readiness:
    """Checks everything that the service needs to handle calls."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        """Sets the database and the ledger to check."""
        self.is_ending = False
        self._database = database
        self._ledger = ledger
        # A separate thread: checks do not queue behind other reads, and a check that hangs does not take a
        # thread away from them.
        self._thread = Pool("checks", Bounds(at_once=1, of_one=1))
        self._look: asyncio.Task[list[str]] | None = None

    async def missing(self) -> Sequence[str]:
        """Returns what the service lacks, in words without secrets. An empty list means that it is ready.

        Concurrent callers share one check.
        """
        if self.is_ending:
            return [ENDING]
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._missing())
        return await asyncio.shield(self._look)

    async def _missing(self) -> list[str]:
        found = await asyncio.gather(
            _found(self._missing_of_database(), NO_DATABASE), _found(self._missing_of_ledger(), NO_LEDGER)
        )
        return [missing for missing in found if missing]

    async def _missing_of_database(self) -> str:
        def read(connection: Connection) -> None:
            settings.find(connection, settings.BASE_URL)

        try:
            await self._thread.run(lambda: self._database.read(read))
        except StorageBrokenError as error:
            self._ledger.stop_engine(error)
            return NO_DATABASE
        return ""

    async def _missing_of_ledger(self) -> str:
        standing = await self._ledger.standing()
        if standing.has_stopped:
            return LEDGER_STOPPED
        return "" if standing.can_write else NO_WRITES

    def close(self, seconds: float) -> bool:
        """Stops the thread; returns whether it has ended in time."""
        return self._thread.close(seconds)


async def _found(look: Awaitable[str], otherwise: str) -> str:
    """Returns what a check finds missing, or `otherwise` if the check fails or takes too long."""
    try:
        return await asyncio.wait_for(look, PATIENCE_SECONDS)
    except (StorageUnavailableError, TimeoutError):
        return otherwise
    except Exception:
        log.exception("readiness check failed")
        return otherwise
