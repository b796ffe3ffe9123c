"""A peer on a real local socket that plays what a test tells it to, good or broken."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl

    import pytest

CERTIFICATE = Path(__file__).parent / "certificates" / "localhost.pem"
KEY = CERTIFICATE.with_suffix(".key")


@dataclass(frozen=True)
class Received:
    """A request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Act = Callable[[socket.socket], bool]
"""What to do after a request; whether the connection goes on."""

Step = bytes | Act


def answer(
    document: Any = None, status: str = "200 OK", *, body: bytes | None = None, headers: str = ""
) -> bytes:
    """A complete answer, with a JSON document or a raw body."""
    if body is None:
        body = b"" if document is None else json.dumps(document).encode()
    head = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode("latin-1") + body


def fault(name: str, code: int, message: str, status: str, headers: str = "") -> bytes:
    return answer({name: {"code": code, "message": message, "details": ""}}, status, headers=headers)


def chunked(body: bytes, size: int = 7, headers: str = "") -> bytes:
    head = f"HTTP/1.1 200 OK\r\n{headers}Transfer-Encoding: chunked\r\n\r\n".encode()
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def gzipped(body: bytes) -> bytes:
    return answer(body=gzip.compress(body, mtime=0), headers="Content-Encoding: gzip\r\n")


def hang_up(connection: socket.socket) -> bool:
    """Closes without an answer."""
    return False


def then_close(data: bytes) -> Act:
    """Sends something, then closes."""

    def act(connection: socket.socket) -> bool:
        connection.sendall(data)
        return False

    return act


def silence(connection: socket.socket) -> bool:
    """Never answer: wait for the other side to lose patience."""
    with contextlib.suppress(OSError):
        connection.recv(1)
    return False


def drip(data: bytes, interval: float = 0.02) -> Act:
    """One byte after the other, each soon enough, the whole too late."""

    def act(connection: socket.socket) -> bool:
        with contextlib.suppress(OSError):
            for byte in data:
                connection.sendall(bytes([byte]))
                time.sleep(interval)
        return False

    return act


class Peer:
    """Listens on localhost; plays one step per request, the last one again and again.

    Steps are taken in order, over all connections. `requests` and `accepted` tell what happened.
    """

    def __init__(self, *steps: Step, tls: ssl.SSLContext | None = None) -> None:
        self.steps = list(steps)
        self.requests: list[Received] = []
        self.accepted = 0
        self._tls = tls
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://localhost:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop_listening()
        self.drop_connections()
        for thread in self._threads:
            thread.join(5)

    def stop_listening(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def drop_connections(self) -> None:
        """Closes all open connections, as a server does with idle ones."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.accepted += 1
                self._open.add(connection)
                thread = threading.Thread(target=self._serve, args=(connection, self.accepted))
                self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                secured = self._tls.wrap_socket(connection, server_side=True)
                with self._lock:
                    self._open.discard(connection)
                    self._open.add(secured)
                connection = secured
            with connection.makefile("rb") as incoming:
                while (request := read_request(incoming, number)) is not None:
                    if not self._play(connection, request):
                        return
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _play(self, connection: socket.socket, request: Received) -> bool:
        with self._lock:
            self.requests.append(request)
            step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, bytes):
            connection.sendall(step)
            return True
        return step(connection)


def read_request(incoming: Any, number: int = 0) -> Received | None:
    line = incoming.readline().decode("latin-1")
    if line.count(" ") != 2:
        return None
    method, target, _ = line.split(" ")
    headers: dict[str, str] = {}
    while (line := incoming.readline().decode("latin-1").rstrip("\r\n")) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = incoming.read(int(headers.get("content-length", 0)))
    return Received(method, target, headers, body, number)


def closed_port() -> int:
    """A port of localhost on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def resolve_all_to(port: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Resolves all hosts to a port of this machine; returns the list of those that were asked for."""
    asked: list[str] = []

    def resolved(host: str | bytes, *_: object, **__: object) -> list[object]:
        asked.append(host.decode() if isinstance(host, bytes) else host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    return asked


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """The port of a listener whose backlog is full for two seconds; afterwards it accepts and stays silent.

    A client that waits beyond its connect timeout therefore fails after it has sent its request, not before.
    """
    with contextlib.ExitStack() as opened:
        full = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = opened.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        full.settimeout(0.1)
        ended = threading.Event()

        def accept() -> None:
            ended.wait(2)
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    opened.enter_context(full.accept()[0])

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield full.getsockname()[1]
        finally:
            ended.set()
            accepting.join()
