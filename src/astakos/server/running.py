"""Running a server: in a process of its own until a signal, or on a thread of another program."""

import asyncio
import contextlib
import functools
import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

from astakos.http.application import Application
from astakos.http.dialects.dialect import Dialect
from astakos.http.dialects.newest import NEWEST
from astakos.http.request_counts import ConnectionCounts
from astakos.server.limits import STOP_SECONDS, Limits
from astakos.server.server import Server
from astakos.server.site import Site
from astakos.service.service import Service

T = TypeVar("T")


def new_event_loop() -> asyncio.AbstractEventLoop:
    """The quickest event loop that is installed."""
    try:
        import uvloop  # noqa: PLC0415 - asyncio's own does where it cannot be installed
    except ModuleNotFoundError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def serve(
    site: Site,
    listener: socket.socket,
    ready: Callable[[], None],
    limits: Limits | None = None,
    counts: ConnectionCounts | None = None,
) -> None:
    """Answers until SIGINT or SIGTERM, then finishes what was accepted.

    After SIGTERM, idle connections stay open for `kept_seconds`, or until another signal. One more signal, or
    a second SIGINT, ends it at once.
    """

    async def main() -> None:
        server = Server(site, listener, ready, limits, counts, stop_seconds=STOP_SECONDS)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, functools.partial(server.end, keeps_idle=True))
        loop.add_signal_handler(signal.SIGINT, server.end)
        await server.serve()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main())


class EmbeddedServer:
    """A server on a thread of another program, which tells it when to end."""

    def __init__(self, site: Site, listener: socket.socket, limits: Limits | None = None) -> None:
        """Prepares to serve; see `serving`."""
        self._site = site
        self._listener = listener
        self._limits = limits
        self._started_or_failed = threading.Event()
        self._server: Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._error: BaseException | None = None
        self._is_started = False
        self._thread = threading.Thread(target=self._run, name="astakos-server", daemon=True)

    def start(self) -> None:
        """Begins the thread; waits until the server answers on it.

        Raises:
            RuntimeError: it cannot answer.
        """
        self._thread.start()
        self._started_or_failed.wait()
        if not self._is_started:
            self._thread.join()
            raise RuntimeError("the service could not be started") from self._error

    def _run(self) -> None:
        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            self._server = Server(self._site, self._listener, self._answers, self._limits)
            await self._server.serve()

        try:
            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(main())
        except BaseException as error:
            self._error = error
            if self._is_started:
                raise
        finally:
            self._started_or_failed.set()

    def _answers(self) -> None:
        self._is_started = True
        self._started_or_failed.set()

    def end(self) -> None:
        """Lets it finish what it has accepted, and waits until it has ended; from any other thread."""
        if self._loop is not None and self._server is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._server.end)
        self._thread.join()

    def carry_out(self, work: Coroutine[Any, Any, T]) -> T:
        """Does something on the server's event loop, and waits for it on another thread.

        Raises:
            RuntimeError: the server does not run.
        """
        if self._loop is None or self._loop.is_closed():
            work.close()
            raise RuntimeError("the server does not run")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


@contextlib.contextmanager
def serving_site(
    site: Site, listener: socket.socket, limits: Limits | None = None
) -> Iterator[EmbeddedServer]:
    """Answers on a thread while the context lasts.

    Args:
        site: what answers.
        listener: where.
        limits: the bounds of the server.

    Raises:
        RuntimeError: it cannot answer.
    """
    server = EmbeddedServer(site, listener, limits)
    server.start()
    try:
        yield server
    finally:
        server.end()


@contextlib.contextmanager
def serving(
    service: Service, listener: socket.socket, dialect: Dialect = NEWEST, limits: Limits | None = None
) -> Iterator[EmbeddedServer]:
    """The same for a service, in one of the dialects of the API."""
    with serving_site(Application(service, dialect), listener, limits) as server:
        yield server
