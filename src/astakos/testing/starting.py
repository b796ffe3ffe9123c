"""Starts the real service on a thread of the test's process, and stops it."""

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
from astakos.storage.schema.definition import all_tables  # noqa: F401 - fails here if its dependencies are missing
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.testing.installation import Directory
from astakos.testing.interception import Interception

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astakos.testing.clock import Clock

PREFIX = "/astakos"
"""The prefix of all paths. A program that drops the path of the URL then fails."""
NOBODY = 0
"""An id that no component has."""


class StartedService:
    """A running service and the means to change it."""

    def __init__(
        self, url: str, service: Service, server: EmbeddedServer, interception: Interception, clock: Clock
    ):
        """Wraps the parts of a started service."""
        self.url = url
        self.interception = interception
        self.directory = Directory(service.database, clock.now, interception.tokens, self.forget)
        self._service = service
        self._server = server

    def forget(self) -> None:
        """Clears the service's caches, so that it sees changes of its database at once."""

        async def forget() -> None:
            self._service.forget()

        self._server.carry_out(forget())

    def end_what_is_over(self) -> None:
        """Expires commissions, ends projects and deletes old records, as the service does by itself."""

        async def do_nothing() -> None:
            # Every batch begins by expiring commissions.
            await self._service.ledger.submit(Resolve(NOBODY))

        self.directory.end_projects()
        self.forget()
        self.directory.forget_what_is_too_old()
        self._server.carry_out(do_nothing())


@contextlib.contextmanager
def start(clock: Clock) -> Iterator[StartedService]:
    """Runs an empty service while the context lasts."""
    with (
        tempfile.TemporaryDirectory(prefix="astakos-testing-") as folder,
        listen(LOOPBACK, 0) as listener,
    ):
        database = _new_database(Path(folder, "astakos.db"))
        url = f"http://{LOOPBACK}:{listener.getsockname()[1]}{PREFIX}"
        register_own_services(database, url, clock.now())
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
    """Returns the file of an empty database; creating one takes much longer than copying it."""
    with tempfile.TemporaryDirectory(prefix="astakos-testing-") as folder:
        path = Path(folder, "astakos.db")
        _opened(path).close()
        return path.read_bytes()


def _opened(path: Path) -> SQLiteDatabase:
    database = SQLiteDatabase(f"sqlite:///{path}", durable=False)
    database.open()
    return database
