"""Notes when keys and sessions are used: in memory, and in the database at most once a minute."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from astakos.clock import MICROSECONDS
from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.protocol import Connection

MINUTE = 60 * MICROSECONDS
PERIOD_SECONDS = 60.0
"""How long uses are only noted in memory."""
MOST_NOTED = 50_000
"""How many things' uses are noted at once. Those of further ones wait until these are stored."""
LAST_WRITE_SECONDS = 2.0
"""How long the end of the process waits for the last uses to be stored."""

log = logging.getLogger("astakos.http")
T = TypeVar("T")
Name = TypeVar("Name")


class Storage(Protocol):
    """Where uses are stored."""

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Runs a change in a transaction of its own."""
        ...


class LastUses(Generic[Name]):
    """The uses of things of one kind that this process has seen. Used on one event loop."""

    def __init__(
        self,
        storage: Storage,
        things: str,
        store: Callable[[Connection, Mapping[Name, int]], None],
        now: Callable[[], int],
    ) -> None:
        """Has seen none.

        Args:
            storage: Stores them.
            things: What they are, for the log: "keys".
            store: Stores instants by what the things are noted by, in a transaction.
            now: Returns the current time.
        """
        self._storage = storage
        self._things = things
        self._store = store
        self._now = now
        self._noted: dict[Name, int] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, thing: Name) -> None:
        """Notes that a thing is used now. Does not wait."""
        if len(self._noted) < MOST_NOTED or thing in self._noted:
            now = self._now()
            self._noted[thing] = now - now % MINUTE

    def last(self, thing: Name, stored: int | None) -> int | None:
        """Returns when a thing was last used, given what is stored about it."""
        noted = self._noted.get(thing)
        return stored if noted is None else max(noted, stored or 0)

    def start(self) -> None:
        """Begins to store uses, once a minute."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stores the last uses, if that is possible in time."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        try:
            await asyncio.wait_for(self.store(), LAST_WRITE_SECONDS)
        except TimeoutError:
            log.warning("the last uses of %s could not be stored", self._things)

    async def store(self) -> None:
        """Stores what is noted. If that fails, it is noted for the next time."""
        noted, self._noted = self._noted, {}
        if not noted:
            return
        try:
            await self._storage.write(lambda connection: self._store(connection, noted))
        except StorageUnavailableError as error:
            log.warning("the last uses of %s could not be stored, will retry: %s", self._things, error)
            self._take_back(noted)
        except BaseException:
            self._take_back(noted)
            raise

    def _take_back(self, noted: Mapping[Name, int]) -> None:
        self._noted = {**noted, **self._noted}

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PERIOD_SECONDS)
            try:
                await self.store()
            except Exception:
                log.exception("the last uses of %s could not be stored; will retry", self._things)
