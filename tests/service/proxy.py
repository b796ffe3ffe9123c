"""A proxy between the service and its server, on loopback: the network, with all that can happen to it."""

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from enum import Enum, auto

RECEIVED_AT_ONCE = 1 << 16
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Network(Enum):
    """How it is."""

    WHOLE = auto()
    CUT = auto()
    """Connections end at once, and new ones are refused."""
    SILENT = auto()
    """Bytes vanish, and nobody is told."""


class Proxy:
    """Passes connections on to a server."""

    def __init__(self, host: str, port: int | str) -> None:
        """Begins to listen.

        Args:
            host: the server's address, or the folder of its Unix socket.
            port: its port.
        """
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._answers_until_loss: int | None = None
        self._state = Network.WHOLE
        self._others: dict[socket.socket, socket.socket] = {}
        self._of_servers: set[socket.socket] = set()
        self._muted: set[socket.socket] = set()
        self._unheard: set[socket.socket] = set()
        self._selector = selectors.DefaultSelector()
        self._lock = threading.RLock()
        self._ended = False
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    @property
    def state(self) -> Network:
        return self._state

    @state.setter
    def state(self, state: Network) -> None:
        with self._lock:
            # What was sent while the bytes vanished is missing: such a connection can not become whole again.
            if state is Network.CUT or self._state is Network.SILENT:
                self._cut_all()
            self._state = state

    @property
    def unheard(self) -> int:
        """How many connections have sent something that nobody hears."""
        with self._lock:
            return len(self._unheard)

    def mute(self) -> None:
        """Lets all connections that are there fall silent, as if a host had gone; new ones are whole."""
        with self._lock:
            self._muted.update(self._others)

    def lose_answer(self, number: int) -> None:
        """Lets that many answers of the server pass from now on; loses the next one with its connection."""
        with self._lock:
            self._answers_until_loss = number

    @property
    def has_lost_answer(self) -> bool:
        return self._answers_until_loss is None

    def close(self) -> None:
        self._ended = True
        self._thread.join()
        self._cut_all()
        self._listener.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._ended:
            found = self._selector.select(0.05)
            with self._lock:
                for key, _ in found:
                    end = key.fileobj
                    assert isinstance(end, socket.socket)
                    if end is self._listener:
                        self._accept()
                    elif self._state is Network.SILENT or end in self._muted:
                        self._swallow(end)
                    elif end in self._others:
                        self._pass_on(end)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        try:
            server = self._connect() if self._state is not Network.CUT else None
        except OSError:
            server = None
        if server is None:
            _reset(client)
            return
        self._of_servers.add(server)
        for end, other in ((client, server), (server, client)):
            self._others[end] = other
            self._selector.register(end, selectors.EVENT_READ)

    def _connect(self) -> socket.socket:
        host, port = self._server
        if not host.startswith("/"):
            return socket.create_connection((host, int(port)))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def _swallow(self, end: socket.socket) -> None:
        """The other side hears nothing of it, not even that the connection has ended."""
        with contextlib.suppress(OSError):
            if end.recv(RECEIVED_AT_ONCE):
                self._unheard.add(end)
                return
        self._selector.unregister(end)

    def _pass_on(self, end: socket.socket) -> None:
        try:
            data = end.recv(RECEIVED_AT_ONCE)
            if data and end in self._of_servers and self._answers_until_loss is not None:
                self._answers_until_loss -= 1
                if self._answers_until_loss < 0:
                    self._answers_until_loss = None
                    data = b""
            if data:
                self._others[end].sendall(data)
                return
        except OSError:
            pass
        self._cut(end)

    def _cut(self, end: socket.socket) -> None:
        for one in (end, self._others[end]):
            with contextlib.suppress(KeyError):
                self._selector.unregister(one)
            del self._others[one]
            self._muted.discard(one)
            self._unheard.discard(one)
            self._of_servers.discard(one)
            _reset(one)

    def _cut_all(self) -> None:
        for end in list(self._others):
            if end in self._others:
                self._cut(end)


def _reset(end: socket.socket) -> None:
    """Closes it so that the other side is told that it was broken, even of what is under way."""
    if end.family == socket.AF_INET:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    end.close()


@contextlib.contextmanager
def proxy_to(host: str, port: int | str) -> Iterator[Proxy]:
    proxy = Proxy(host, port)
    try:
        yield proxy
    finally:
        proxy.close()
