"""A proxy that cuts one exchange after so many bytes, and lets all others pass."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Cut:
    """Where: after so many bytes that go to the server, or that come from it."""

    of_answer: bool
    after: int


class CuttingProxy:
    """Passes connections on to a server on loopback."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._cut: Cut | None = None
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._open: set[socket.socket] = set()
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in list(self._open):
            _shut(end)
        for thread in self._threads:
            thread.join(5)

    def cut_next(self, cut: Cut) -> None:
        """Cuts what comes next on a connection that is opened from now on."""
        self._cut = cut

    @property
    def has_cut(self) -> bool:
        return self._cut is None

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._server_port))
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open.add(end)
            for source, target, of_answer in ((client, server, False), (server, client, True)):
                thread = threading.Thread(target=self._pass_on, args=(source, target, of_answer))
                self._threads.append(thread)
                thread.start()

    def _pass_on(self, source: socket.socket, target: socket.socket, of_answer: bool) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                cut = self._cut
                if cut is not None and cut.of_answer == of_answer and passed + len(data) > cut.after:
                    self._cut = None
                    target.sendall(data[: cut.after - passed])
                    break
                passed += len(data)
                target.sendall(data)
        _shut(source)
        _shut(target)
        self._open.discard(source)


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
