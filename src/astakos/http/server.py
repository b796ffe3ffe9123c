"""Running the application: on a socket until a signal, or on a thread of another program."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from astakos.http.application import Application
from astakos.http.service import Service

GRACE_SECONDS = 30
BACKLOG = 2048


class _Server(uvicorn.Server):
    """A server that says when it answers."""

    def __init__(self, service: Service, ready: Callable[[], None]) -> None:
        config = uvicorn.Config(
            Application(service),
            loop="uvloop",
            http="httptools",
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


def serve(service: Service, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Answer until SIGINT or SIGTERM, then finish what has been accepted."""
    _Server(service, ready).run(sockets=[listener])


@contextlib.contextmanager
def serving(service: Service, listener: socket.socket) -> Iterator[None]:
    """Answer on a thread while the context lasts."""
    ready = threading.Event()
    server = _Server(service, ready.set)
    thread = threading.Thread(target=server.run, args=([listener],), name="astakos-server", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
