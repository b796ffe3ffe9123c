"""The state that all handlers share: the database, the ledger's engine, and caches."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from astakos import clock
from astakos.directory.api_keys import is_key
from astakos.directory.charging_rights import ChargingRight, charging_right
from astakos.directory.entities import Component, Resource, User
from astakos.directory.login_settings import LoginSettings
from astakos.directory.service_catalog import service_catalog
from astakos.directory.tokens import token_hash
from astakos.directory.trusted_proxies import TrustedProxies
from astakos.ledger.embedded_engine import EmbeddedLedger
from astakos.ledger.engine_client import MOST_WAITING, Ledger
from astakos.ledger.ports import StorageBrokenError
from astakos.service.admission import Admission, Bounds
from astakos.service.attempts import Attempts
from astakos.service.last_uses import LastUses
from astakos.service.password_pool import PasswordPool
from astakos.service.pool import CLOSING_SECONDS, Pool
from astakos.service.readiness import Readiness
from astakos.service.ttl_cache import TtlCache
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import api_keys, registry, sessions, settings, users
from astakos.storage.tables.statistics import UserCounts, count_users
from astakos.tracing.spans import Span, untraced

QUICK_READS = Bounds(at_once=6, of_one=5)
"""Reads of a few rows from a database server."""
LONG_READS = Bounds(at_once=3, of_one=2, seconds=10.0)
"""Reads of many rows. They are separate, so that quick reads do not wait for long ones."""
LONGEST_READ_SECONDS = 10.0
WRITES = Bounds(at_once=4, of_one=2)
"""Changes besides the ledger's. A database lets one at a time write, but not all of their time is writing."""
LARGE_REQUESTS = Bounds(at_once=3, of_one=2, seconds=10.0)
"""Components' requests with large bodies: two of one component keep the ledger busy."""

P = ParamSpec("P")
T = TypeVar("T")


class Service:
    """The running service."""

    def __init__(
        self,
        database: Database,
        base_url: str,
        *,
        queue_limit: int = MOST_WAITING,
        ledger: Ledger | None = None,
        now: Callable[[], int] = clock.now,
        proxies: TrustedProxies | None = None,
        has_mail: bool = False,
        span: Span = untraced,
    ) -> None:
        """Serves an open database.

        Args:
            database: Database to serve.
            base_url: Base URL, without a slash at the end.
            queue_limit: Maximum number of ledger operations of one component that wait at the same time.
            ledger: Ledger of another process. Without one, the service runs its own engine.
            now: Returns the current time.
            proxies: Proxies whose forwarding headers are believed. Without, those on this machine.
            has_mail: Whether there is a mail server, so that users can be mailed links.
            span: Opens spans of what takes long within a request.
        """
        self.now = now
        self.has_mail = has_mail
        self.proxies = proxies or TrustedProxies()
        self.database = database
        self.ask_figures: Callable[[], Awaitable[bytes]] | None = None
        """Returns how all processes of the service do (`http/recent_figures.py`), if that can be asked."""
        self.base_url = base_url
        self.ledger = ledger or EmbeddedLedger(ledger_storage(database), now, most_waiting=queue_limit)
        self.attempts = Attempts(self, now)
        self.key_uses = LastUses(self, "keys", api_keys.note_uses, now)
        self.session_uses = LastUses(self, "sessions", sessions.note_uses, now)
        self.passwords = PasswordPool(span)
        self.readiness = Readiness(database, self.ledger)
        self.large_requests = Admission("large requests", LARGE_REQUESTS)
        self._quick_reads: Pool | None = None
        if not database.reads_inline:
            self._quick_reads = Pool("reads", QUICK_READS, longest=LONGEST_READ_SECONDS)
        self._long_reads = Pool("long reads", LONG_READS, longest=LONGEST_READ_SECONDS)
        self._writes = Pool("changes", WRITES)
        self._catalog: TtlCache[None, list[dict[str, Any]]] = TtlCache(
            lambda _: self.read(lambda connection: service_catalog(registry.list_services(connection)))
        )
        self._resources: TtlCache[None, list[Resource]] = TtlCache(
            lambda _: self.read(registry.list_resources)
        )
        self._login_settings: TtlCache[None, LoginSettings] = TtlCache(lambda _: self.read(settings.login))
        # Anybody may ask for it, and counting takes long.
        self._user_counts: TtlCache[None, UserCounts] = TtlCache(lambda _: self.read_much(count_users))
        # Every call starts with one of these lookups. Without a cache, each would wait for the writer twice
        # on SQLite, and wake a thread on a database server.
        self._components: TtlCache[bytes, Component] = TtlCache(
            lambda token_hash: self.read(registry.find_component_by_token, token_hash)
        )
        self._charging_rights: TtlCache[int, ChargingRight] = TtlCache(
            lambda component: self.read(registry.find_charging_right, component)
        )
        self._users: TtlCache[bytes, User] = TtlCache(
            lambda token_hash: self.read(sessions.find_holder, token_hash)
        )
        self._users_of_keys: TtlCache[bytes, User] = TtlCache(
            lambda token_hash: self.read(api_keys.find_holder, token_hash)
        )
        self._groups: TtlCache[int, tuple[str, ...]] = TtlCache(
            lambda user: self.read(users.names_of_groups, user)
        )
        self._keys: TtlCache[str, api_keys.Owned] = TtlCache(lambda prefix: self.read(api_keys.find, prefix))
        self._names_of_services: TtlCache[None, dict[int, frozenset[str]]] = TtlCache(
            lambda _: self.read(registry.names_of_services)
        )

    async def read(
        self, read: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Reads a few rows: inline if the database is fast enough, otherwise on a thread.

        Raises:
            StorageUnavailableError: The database cannot be read now.
        """

        def work(connection: Connection) -> T:
            return read(connection, *args, **kwargs)

        try:
            if self._quick_reads is None:
                return self.database.read(work)
            return await self._quick_reads.run(lambda: self.database.read(work))
        except StorageBrokenError as error:
            self.ledger.stop_engine(error)
            raise

    async def read_much(
        self, read: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Reads many rows from a snapshot, on another thread, so that other requests do not wait.

        Raises:
            StorageUnavailableError: The database cannot be read now.
        """

        def work(connection: Connection) -> T:
            return read(connection, *args, **kwargs)

        try:
            return await self._long_reads.run(lambda: self.database.read(work, snapshot=True))
        except StorageBrokenError as error:
            self.ledger.stop_engine(error)
            raise

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Runs a change in a transaction of its own, which is rolled back if the change raises an exception.

        Raises:
            NotCarriedOutError: The database cannot be written now.
            OutcomeUnknownError: The commit had started, and its outcome could not be found out.
        """
        try:
            return await self._writes.run(lambda: self.database.change(change))
        except StorageBrokenError as error:
            self.ledger.stop_engine(error)
            raise

    async def catalog(self) -> list[dict[str, Any]]:
        """Returns the service catalog. Callers must not modify it."""
        return await self._catalog.get(None) or []

    async def resources(self) -> list[Resource]:
        """Returns all registered resources."""
        return await self._resources.get(None) or []

    async def component_of_token(self, token_hash: bytes) -> Component | None:
        """Returns the component of a token hash. A revoked token may be accepted for up to one second."""
        return await self._components.get(token_hash)

    async def charging_right(self, component: Component, *, renewed: bool = False) -> ChargingRight:
        """Returns which resources a component may charge and reconcile: `renewed`, or up to a second old."""
        if renewed:
            self._charging_rights.forget_one(component.id)
        return await self._charging_rights.get(component.id) or charging_right((), ())

    async def user_of_token(self, token: str) -> User | None:
        """Returns the user of a token or key. A revoked one may be accepted for up to one second."""
        cache = self._users_of_keys if is_key(token) else self._users
        return await cache.get(token_hash(token))

    async def key_of_prefix(self, prefix: str) -> api_keys.Owned | None:
        """Returns a key with the UUID of its user, up to a second old."""
        return await self._keys.get(prefix)

    async def services_of(self, component: Component) -> frozenset[str]:
        """Returns the names of the services of a component, up to a second old."""
        names = await self._names_of_services.get(None) or {}
        return names.get(component.id, frozenset())

    async def component_of_service(self, name: str) -> int | None:
        """Returns the id of the component that has a service, up to a second old; None if there is none."""
        names = await self._names_of_services.get(None) or {}
        return next((component for component, services in names.items() if name in services), None)

    async def groups_of(self, user: User) -> tuple[str, ...]:
        """Returns the names of a user's groups, up to a second old."""
        return await self._groups.get(user.id) or ()

    async def user_counts(self) -> UserCounts:
        """Returns how many users there are."""
        return await self._user_counts.get(None) or UserCounts(0, 0)

    async def login_settings(self) -> LoginSettings:
        """Returns the settings of the login pages."""
        return await self._login_settings.get(None) or LoginSettings()

    def forget_user_of_token(self, token_hash: bytes) -> None:
        """Makes the revocation of a token take effect at once in this process."""
        self._users.forget_one(token_hash)

    def forget_keys(self) -> None:
        """Makes changes of keys take effect at once in this process."""
        self._users_of_keys.forget()
        self._keys.forget()

    def forget_users(self) -> None:
        """Makes changes of users, their tokens, keys and memberships take effect at once in this process."""
        self._users.forget()
        self.forget_keys()
        self._groups.forget()

    def forget(self) -> None:
        """Makes administrative changes take effect at once in this process.

        Only how many users there are may be told as it was up to a second ago: counting takes long.
        """
        self.forget_users()
        self._catalog.forget()
        self._resources.forget()
        self._components.forget()
        self._charging_rights.forget()
        self._names_of_services.forget()
        self._login_settings.forget()

    def close(self) -> None:
        """Closes the database. No request may be in progress.

        If threads still wait for the database after `CLOSING_SECONDS`, they and it are left as they are.
        """
        self.passwords.close()
        end = time.monotonic() + CLOSING_SECONDS
        pools = self.readiness, self._quick_reads, self._long_reads, self._writes
        # All of them are closed, also if one does not end.
        closed = [pool.close(max(end - time.monotonic(), 0)) for pool in pools if pool is not None]
        if all(closed):
            self.database.close()
