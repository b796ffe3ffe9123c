"""What all handlers share: the database, the ledger's engine, and what is kept for a moment."""

import asyncio
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from astakos import clock
from astakos.directory.entities import Component, Resource, User
from astakos.directory.login_settings import LoginSettings
from astakos.directory.service_catalog import service_catalog
from astakos.ledger.embedded_engine import GroupCommit
from astakos.ledger.engine_client import MOST_WAITING, Ledger
from astakos.service.mail import Mailer
from astakos.service.password_attempts import Attempts
from astakos.service.password_pool import PasswordPool
from astakos.service.read_pool import ReadPool
from astakos.service.readiness import Readiness
from astakos.service.ttl_cache import TtlCache
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import registry, sessions, settings

THREADS_FOR_FEW = 6
"""How many reads of a few rows go on at once on a server, on as many connections."""
THREADS_FOR_MANY = 3
"""How many reads of many rows do; they have their own threads, so that the others need not wait for them."""

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
        now: Callable[[], int] = clock.now,
    ) -> None:
        """Serve an opened database under a base URL without trailing slash.

        Args:
            database: what to serve.
            base_url: the URL.
            mailer: what tells the helpdesk of feedback.
            queue_limit: how many operations of the ledger may wait at once.
            ledger: where to ask for them; without one, the service has an engine of its own.
            now: tells the present instant.
        """
        self.now = now
        self.database = database
        self.base_url = base_url
        self.mailer = mailer
        self.ledger = ledger or GroupCommit(ledger_storage(database), now, most_waiting=queue_limit)
        self.attempts = Attempts()
        self.passwords = PasswordPool()
        self.readiness = Readiness(database, self.ledger)
        self._few: ReadPool | None = None
        self._many: ReadPool | None = None
        if not database.reads_inline:
            self._few = ReadPool(THREADS_FOR_FEW, "few")
            self._many = ReadPool(THREADS_FOR_MANY, "many")
        self._catalog: TtlCache[None, list[dict[str, Any]]] = TtlCache(
            lambda _: self.read(lambda connection: service_catalog(registry.list_services(connection)))
        )
        self._resources: TtlCache[None, list[Resource]] = TtlCache(
            lambda _: self.read(registry.list_resources)
        )
        self._login_settings: TtlCache[None, LoginSettings] = TtlCache(lambda _: self.read(settings.login))
        # Every call begins with one of these look-ups. On SQLite each would wait for the writer twice,
        # on a server a thread would have to be woken for it.
        self._components: TtlCache[bytes, Component] = TtlCache(
            lambda token_hash: self.read(registry.find_component_by_token, token_hash)
        )
        self._users: TtlCache[bytes, User] = TtlCache(
            lambda token_hash: self.read(sessions.find_holder, token_hash)
        )

    async def read(
        self, read: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Carry out a read of a few rows: right here if the database is quick enough, else on a thread.

        Raises:
            StorageUnavailableError: it can not be carried out now.
        """
        if self._few is None:
            return read(self.database.reader(), *args, **kwargs)

        def work(connection: Connection) -> T:
            return read(connection, *args, **kwargs)

        return await self._few.run(lambda: self.database.read(work))

    async def read_much(
        self, read: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Carry out a read of many rows on another thread, so that nobody else has to wait for it.

        Raises:
            StorageUnavailableError: it can not be carried out now.
        """

        def work(connection: Connection) -> T:
            return read(connection, *args, **kwargs)

        if self._many is None:
            return await asyncio.to_thread(self.database.read, work, snapshot=True)
        return await self._many.run(lambda: self.database.read(work, snapshot=True))

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Carry out a change in a transaction of its own; if it raises something, nothing has happened.

        Raises:
            StorageUnavailableError: it can not be carried out now.
        """
        return await asyncio.to_thread(self.database.change, change)

    async def catalog(self) -> list[dict[str, Any]]:
        """The service catalogue; not to be changed."""
        return await self._catalog.get(None) or []

    async def resources(self) -> list[Resource]:
        """All registered resources."""
        return await self._resources.get(None) or []

    async def component_of_token(self, token_hash: bytes) -> Component | None:
        """The component whose token has that hash; a token withdrawn less than a second ago may count."""
        return await self._components.get(token_hash)

    async def user_of_token(self, token_hash: bytes) -> User | None:
        """The user whose token has that hash; a token withdrawn less than a second ago may count."""
        return await self._users.get(token_hash)

    async def login_settings(self) -> LoginSettings:
        """How logging in on pages goes."""
        return await self._login_settings.get(None) or LoginSettings()

    def forget_user_of_token(self, token_hash: bytes) -> None:
        """Let it count at once that a token has been withdrawn."""
        self._users.forget_one(token_hash)

    def forget(self) -> None:
        """Let what has just been changed by administration count at once, and not within a second."""
        self._catalog.forget()
        self._resources.forget()
        self._components.forget()
        self._users.forget()
        self._login_settings.forget()

    def close(self) -> None:
        """Let go of the database, when nothing is under way any more."""
        self.readiness.close()
        self.passwords.close()
        for threads in (self._few, self._many):
            if threads is not None:
                threads.close()
        self.database.close()
