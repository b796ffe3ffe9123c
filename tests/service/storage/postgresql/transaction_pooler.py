"""A pooler in transaction mode on loopback, as PgBouncer before 1.21 is one: prepared statements get lost.

Each transaction of a client goes to the connection that has rested longest, so that two in a row never meet
the same server process while there are two connections.
"""

import contextlib
import secrets
import select
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator

import psycopg

from service.engines import changed_url

LOOPBACK = "127.0.0.1"
CANCEL, PLAIN = 80877102, 196608
TOLD = ("server_version", "server_encoding", "client_encoding", "standard_conforming_strings")
REFUSED = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: options\0\0"


class _Stream:
    """Reads whole messages from a socket."""

    def __init__(self, raw: socket.socket) -> None:
        self.raw = raw

    def exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            piece = self.raw.recv(count - len(found))
            if not piece:
                raise ConnectionError("the other side has closed")
            found += piece
        return found

    def message(self) -> bytes:
        head = self.exactly(5)
        return head + self.exactly(struct.unpack("!i", head[1:])[0] - 4)


class _Link:
    """A connection to the server that clients share."""

    def __init__(self, url: str) -> None:
        # libpq logs in; after that, its socket is ours. It does not wait until that is changed.
        self.connection = psycopg.connect(changed_url(url, sslmode="disable"), autocommit=True)
        self.stream = _Stream(socket.socket(fileno=self.connection.pgconn.socket))
        self.stream.raw.setblocking(True)

    def close(self) -> None:
        self.stream.raw.detach()
        self.connection.close()


class TransactionPooler:
    """Takes connections while its context lasts."""

    def __init__(self, url: str, *, links: int = 2, takes_options: bool = True) -> None:
        self._server_url = url
        self._takes_options = takes_options
        self._links = deque(_Link(url) for _ in range(links))
        self._free = threading.Semaphore(links)
        self._lock = threading.Lock()
        self._listener = socket.create_server((LOOPBACK, 0))
        self._sockets: list[socket.socket] = []
        told = self._links[0].connection.pgconn.parameter_status
        self._told = {name: told(name.encode()) or b"" for name in TOLD}
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The server's, with this in between."""
        with psycopg.connect(self._server_url) as connection:
            user, name = connection.info.user, connection.info.dbname
        return f"postgresql://{user}@{LOOPBACK}:{self._listener.getsockname()[1]}/{name}"

    def close(self) -> None:
        self._listener.close()
        for raw in self._sockets:
            with contextlib.suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)
        for link in self._links:
            link.close()

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(raw)
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        client = _Stream(raw)
        with contextlib.closing(raw), contextlib.suppress(OSError):
            if not self._greet(client):
                return
            while (message := client.message())[:1] != b"X":
                with self._link() as link:
                    _carry_out(message, client, link.stream)

    def _greet(self, client: _Stream) -> bool:
        while True:
            (length,) = struct.unpack("!i", client.exactly(4))
            body = client.exactly(length - 4)
            (code,) = struct.unpack("!i", body[:4])
            if code == CANCEL:
                return False
            if code == PLAIN:
                break
            client.raw.sendall(b"N")
        if not self._takes_options and b"\0options\0" in body:
            client.raw.sendall(_message(b"E", REFUSED))
            return False
        told = (_message(b"S", name.encode() + b"\0" + value + b"\0") for name, value in self._told.items())
        key = _message(b"K", secrets.token_bytes(8))
        client.raw.sendall(_message(b"R", bytes(4)) + b"".join(told) + key + _message(b"Z", b"I"))
        return True

    @contextlib.contextmanager
    def _link(self) -> Iterator[_Link]:
        self._free.acquire()
        with self._lock:
            link = self._links.popleft()
        try:
            yield link
        except OSError:
            # The transaction is open: its connection is of no use to others.
            link.close()
            link = _Link(self._server_url)
            raise
        finally:
            with self._lock:
                self._links.append(link)
            self._free.release()


def _carry_out(message: bytes, client: _Stream, server: _Stream) -> None:
    """Passes on what belongs to one transaction, of which that is the first message."""
    unanswered = 0
    while True:
        unanswered += message[:1] in (b"Q", b"S")
        server.raw.sendall(message)
        while server.raw in (ready := select.select([client.raw, server.raw], [], [])[0]):
            answer = server.message()
            client.raw.sendall(answer)
            unanswered -= answer[:1] == b"Z"
            if answer == _message(b"Z", b"I") and not unanswered:
                return
        assert client.raw in ready
        message = client.message()


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body
