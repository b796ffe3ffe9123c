"""Running the application: on a socket until a signal, or on a thread of another program."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType
from typing import Any, TypeVar

import uvicorn

from astakos.http.application import Application
from astakos.http.dialects.dialect import Dialect
from astakos.http.dialects.newest import NEWEST
from astakos.http.request import App, Scope
from astakos.processes.http_protocol import BoundedProtocol
from astakos.service.service import Service

GRACE_SECONDS = 30
TICK_SECONDS = 1.0
CLOSING_SECONDS = 0.001
BACKLOG = 2048

T = TypeVar("T")


class _Server(uvicorn.Server):
    """A server that says when it answers."""

    def __init__(self, service: Service, ready: Callable[[], None], application: App) -> None:
        config = uvicorn.Config(
            application,
            loop="uvloop",
            http=BoundedProtocol,
            lifespan="on",
            ws="none",
            proxy_headers=False,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            backlog=BACKLOG,
        )
        super().__init__(config)
        self._service = service
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End, and say so to who asks on a connection that is still open."""
        self._service.readiness.is_ending = True
        super().handle_exit(sig, frame)


def serve(application: Application, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Answer until SIGINT or SIGTERM, then finish what has been accepted."""
    _Server(application.service, ready, application).run(sockets=[listener])


class EmbeddedServer(_Server):
    """A server on a thread of another program, which tells it when to end: then it does so at once."""

    def __init__(self, application: Application, around: Callable[[App], App]) -> None:
        """Prepare to serve; see `serving`."""
        self._started_or_failed = threading.Event()
        super().__init__(application.service, self._started_or_failed.set, around(application))
        self._end = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, listener: socket.socket) -> threading.Thread:
        """Begin a thread; wait until the server answers on it.

        Raises:
            RuntimeError: it can not answer.
        """
        thread = threading.Thread(target=self._run, args=(listener,), name="astakos-server", daemon=True)
        thread.start()
        self._started_or_failed.wait()
        if not self.started:
            thread.join()
            raise RuntimeError("the service could not be started; the log tells why")
        return thread

    def _run(self, listener: socket.socket) -> None:
        try:
            # It exits if the application cannot start; here that would end nothing but this thread.
            with contextlib.suppress(SystemExit):
                self.run(sockets=[listener])
        finally:
            self._started_or_failed.set()

    def end(self) -> None:
        """Let it finish what it has accepted, and end; from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end.set)

    def carry_out(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the server's event loop, and wait for it on another thread."""
        if self._loop is None or self._loop.is_closed():
            work.close()
            raise RuntimeError("the server does not run")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def transport_of(self, scope: Scope) -> asyncio.Transport | None:
        """What carries a request; None if its connection is closed. Only for the event loop's own thread."""
        for connection in self.server_state.connections:
            if isinstance(connection, BoundedProtocol) and connection.client == scope["client"]:
                return connection.transport
        return None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start on this thread's event loop."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    async def main_loop(self) -> None:
        """Answer until told to end."""
        while not self._end.is_set():
            await self.on_tick(0)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._end.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As the server does by itself, which looks only ten times a second whether all is closed."""
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                while state.connections or state.tasks:  # noqa: ASYNC110 - nothing tells when they end
                    await asyncio.sleep(CLOSING_SECONDS)
        for task in state.tasks:
            task.cancel()
        await self.lifespan.shutdown()


@contextlib.contextmanager
def serving(
    service: Service,
    listener: socket.socket,
    around: Callable[[App], App] = lambda application: application,
    *,
    dialect: Dialect = NEWEST,
) -> Iterator[EmbeddedServer]:
    """Answer on a thread while the context lasts.

    Args:
        service: what answers.
        listener: where.
        around: puts something between the server and the service's application.
        dialect: that of the API, to answer in.

    Raises:
        RuntimeError: it can not answer.
    """
    server = EmbeddedServer(Application(service, dialect), around)
    thread = server.start(listener)
    try:
        yield server
    finally:
        server.end()
        thread.join()
