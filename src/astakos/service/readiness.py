"""Whether the service can do its work now, found out in bounded time whatever hangs."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence

from astakos.ledger.engine_client import Ledger
from astakos.ledger.ports import StorageUnavailableError
from astakos.service.read_pool import ReadPool
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import settings

PATIENCE_SECONDS = 2.0
ENDING = "the service is ending"
NO_DATABASE = "the database can not be read"
NO_LEDGER = "the ledger does not answer"
LEDGER_STOPPED = "the ledger has stopped"

log = logging.getLogger("astakos.http")


class Readiness:
    """Looks at all that a service needs to answer calls."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        """Look at a database and a ledger, when asked to."""
        self.is_ending = False
        self._database = database
        self._ledger = ledger
        # A thread of its own: neither does it wait where much is being read, nor does a read that hangs
        # take one away from those who are waiting for theirs.
        self._thread = ReadPool(1, "readiness")
        self._look: asyncio.Task[list[str]] | None = None

    async def missing(self) -> Sequence[str]:
        """What is missing, in words that hold no secret; nothing if the service is ready.

        Whoever asks while somebody else's question is being looked into gets the same answer.
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

        await self._thread.run(lambda: self._database.read(read))
        return ""

    async def _missing_of_ledger(self) -> str:
        return LEDGER_STOPPED if await self._ledger.has_stopped() else ""

    def close(self) -> None:
        """End the thread."""
        self._thread.close()


async def _found(look: Awaitable[str], otherwise: str) -> str:
    """What a look finds missing; `otherwise` if it fails, however it fails, or takes too long."""
    try:
        return await asyncio.wait_for(look, PATIENCE_SECONDS)
    except (StorageUnavailableError, TimeoutError):
        return otherwise
    except Exception:
        log.exception("the service is not ready, since a look failed")
        return otherwise
