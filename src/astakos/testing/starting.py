"""Starting the real service on a thread of the test's process, and stopping it."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from astakos.administration.component_registration import register_own_services
from astakos.http.application import Application
from astakos.ledger.operations import Resolve
from astakos.processes.listening import LOOPBACK, listen
from astakos.server.running import EmbeddedServer, serving_site
from astakos.service.service import Service
from astakos.storage.schema import definition  # noqa: F401 - if what it needs is missing, that shows here
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.testing.installation import Directory
from astakos.testing.interception import Interception

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astakos.testing.clock import Clock

PREFIX = "/astakos"
"""Below which all calls are, so that a program that loses the path of the URL is found out."""
NOBODY = 0
"""No component has this number."""


class StartedService:
    """A service that answers."""

    def __init__(
        self, url: str, service: Service, server: EmbeddedServer, interception: Interception, clock: Clock
    ):
        """Hold what has been started."""
        self.url = url
        self.interception = interception
        self.directory = Directory(service.database, clock.now, interception.tokens, self.forget)
        self._service = service
        self._server = server

    def forget(self) -> None:
        """Let the service see at once what has been changed in its database."""

        async def forget() -> None:
            self._service.forget()

        self._server.carry_out(forget())

    def end_what_is_over(self) -> None:
        """What the service does by itself in the course of a second, or of a minute."""

        async def do_nothing() -> None:
            # Every batch begins by ending the commissions whose time is over.
            await self._service.ledger.submit(Resolve(NOBODY))

        self.directory.forget_what_is_too_old()
        self._server.carry_out(do_nothing())


@contextlib.contextmanager
def start(clock: Clock) -> Iterator[StartedService]:
    """Run a service with nothing in it while the context lasts."""
    with (
        tempfile.TemporaryDirectory(prefix="astakos-testing-") as folder,
        listen(LOOPBACK, 0) as listener,
    ):
        database = _new_database(Path(folder, "astakos.db"))
        url = f"http://{LOOPBACK}:{listener.getsockname()[1]}{PREFIX}"
        register_own_services(database, url)
        service = Service(database, url, now=clock.now)
        interception = Interception(Application(service))
        with serving_site(interception, listener) as server:
            started = StartedService(url, service, server, interception, clock)
            try:
                yield started
            finally:
                server.carry_out(_end(interception))


async def _end(interception: Interception) -> None:
    interception.ending.set()


def _new_database(path: Path) -> SQLiteDatabase:
    path.write_bytes(_empty_installation())
    return _opened(path)


@functools.cache
def _empty_installation() -> bytes:
    """A database with all its tables, which takes much longer to make than to copy."""
    with tempfile.TemporaryDirectory(prefix="astakos-testing-") as folder:
        path = Path(folder, "astakos.db")
        _opened(path).close()
        return path.read_bytes()


def _opened(path: Path) -> SQLiteDatabase:
    database = SQLiteDatabase(f"sqlite:///{path}", durable=False)
    database.open()
    return database
