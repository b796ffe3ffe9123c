"""What all handlers share: the database, the ledger's engine, and what is read so often that it is kept."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from astakos import clock
from astakos.directory.catalog import service_catalog
from astakos.directory.model import Resource
from astakos.http.mail import Mailer
from astakos.ledger.engine import GroupCommit
from astakos.storage import registry
from astakos.storage.database import Connection, Database
from astakos.storage.ledger import LedgerStore

P = ParamSpec("P")
T = TypeVar("T")

KEPT_SECONDS = 1.0
"""How old the catalogue and the list of resources may be that are answered."""


class Kept:
    """A value that is read again when it has become too old."""

    def __init__(self, read: Callable[[Connection], Any]) -> None:
        """Say how it is read."""
        self._read = read
        self._value: Any = None
        self._until = 0.0

    def get(self, connection: Connection) -> Any:
        """The value, at most `KEPT_SECONDS` old."""
        moment = time.monotonic()
        if moment >= self._until:
            self._value = self._read(connection)
            self._until = moment + KEPT_SECONDS
        return self._value


class Service:
    """The running service."""

    def __init__(self, database: Database, base_url: str, mailer: Mailer | None = None) -> None:
        """Serve an opened database under a base URL without trailing slash."""
        self.database = database
        self.base_url = base_url
        self.mailer = mailer
        self.ledger = GroupCommit(LedgerStore(database), clock.now)
        self._catalog = Kept(lambda connection: service_catalog(registry.list_services(connection)))
        self._resources = Kept(registry.list_resources)

    @property
    def reader(self) -> Connection:
        """For reads of a few rows, right where the request is answered."""
        return self.database.reader()

    async def read_much(
        self, read: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Carry out a read of many rows on another thread, so that nobody else has to wait for it."""

        def work() -> T:
            with self.database.snapshot() as connection:
                return read(connection, *args, **kwargs)

        return await asyncio.to_thread(work)

    async def write(self, change: Callable[[Connection], None]) -> None:
        """Carry out a change in a transaction of its own."""

        def work() -> None:
            with self.database.transaction() as connection:
                change(connection)

        await asyncio.to_thread(work)

    def catalog(self) -> list[dict[str, Any]]:
        """The service catalogue; not to be changed."""
        catalog: list[dict[str, Any]] = self._catalog.get(self.reader)
        return catalog

    def resources(self) -> list[Resource]:
        """All registered resources."""
        resources: list[Resource] = self._resources.get(self.reader)
        return resources
