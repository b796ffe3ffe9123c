"""What all handlers share: the database, the ledger's engine, and what is kept for a moment."""

import asyncio
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from astakos import clock
from astakos.directory.catalog import service_catalog
from astakos.directory.model import Component, Resource
from astakos.http.kept import Kept
from astakos.http.mail import Mailer
from astakos.ledger.asking import MOST_WAITING, GroupCommit, Ledger
from astakos.storage import registry
from astakos.storage.database import Connection, Database
from astakos.storage.ledger import ledger_storage

P = ParamSpec("P")
T = TypeVar("T")


class Service:
    """The running service."""

    def __init__(
        self,
        database: Database,
        base_url: str,
        mailer: Mailer | None = None,
        *,
        queue_limit: int = MOST_WAITING,
        ledger: Ledger | None = None,
    ) -> None:
        """Serve an opened database under a base URL without trailing slash.

        Args:
            database: what to serve.
            base_url: the URL.
            mailer: what tells the helpdesk of feedback.
            queue_limit: how many operations of the ledger may wait at once.
            ledger: where to ask for them; without one, the service has an engine of its own.
        """
        self.database = database
        self.base_url = base_url
        self.mailer = mailer
        self.ledger = ledger or GroupCommit(ledger_storage(database), clock.now, most_waiting=queue_limit)
        self._catalog: Kept[None, list[dict[str, Any]]] = Kept(
            lambda _: service_catalog(registry.list_services(self.reader))
        )
        self._resources: Kept[None, list[Resource]] = Kept(lambda _: registry.list_resources(self.reader))
        # Every write begins with this look-up, and on the event loop a look-up waits for the writer twice.
        self._components: Kept[bytes, Component] = Kept(
            lambda token_hash: registry.find_component_by_token(self.reader, token_hash)
        )

    @property
    def reader(self) -> Connection:
        """For reads of a few rows, right where the request is answered."""
        return self.database.reader()

    async def read_much(
        self, read: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Carry out a read of many rows on another thread, so that nobody else has to wait for it."""

        def work(connection: Connection) -> T:
            return read(connection, *args, **kwargs)

        return await asyncio.to_thread(self.database.read, work, snapshot=True)

    async def write(self, change: Callable[[Connection], None]) -> None:
        """Carry out a change in a transaction of its own."""
        await asyncio.to_thread(self.database.change, change)

    def catalog(self) -> list[dict[str, Any]]:
        """The service catalogue; not to be changed."""
        return self._catalog.get(None) or []

    def resources(self) -> list[Resource]:
        """All registered resources."""
        return self._resources.get(None) or []

    def component_of_token(self, token_hash: bytes) -> Component | None:
        """The component whose token has that hash; a token withdrawn less than a second ago may count."""
        return self._components.get(token_hash)
