"""A name server that is asked and never answers, and the resolver that waits for it."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from astakosclient.http1 import name_lookups

SILENT = "silent.test"
"""A name that the silent server would have to resolve; so are all names that end with it."""


class SilentServer:
    """What has been asked, and the end of the silence.

    Attributes:
        asked: the names.
    """

    def __init__(self, listener: socket.socket) -> None:
        """Starts with nothing asked."""
        self.asked: list[str] = []
        self.threads: set[threading.Thread] = set()
        self._address = listener.getsockname()
        self._listener = listener

    def wait(self, name: str) -> str:
        """Asks the server as a resolver does; returns the address in its answer."""
        self.asked.append(name)
        self.threads.add(threading.current_thread())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.sendto(name.encode(), self._address)
            return asker.recv(100).decode()

    def answer(self, address: str) -> None:
        """Answers the question that was asked first of those without an answer."""
        _, asker = self._listener.recvfrom(100)
        self._listener.sendto(address.encode(), asker)

    def join(self) -> None:
        """Waits until all who have asked have ended."""
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()


@contextlib.contextmanager
def silent_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[SilentServer]:
    """Lets the resolver ask a silent server about `SILENT` and names below it, and about nothing else."""
    real = socket.getaddrinfo
    monkeypatch.setattr(name_lookups, "_lookups", name_lookups._Lookups())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        server = SilentServer(listener)

        def ask(host: Any, port: Any, *arguments: Any, **more: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            is_numeric_only = bool(more.get("flags", 0) & socket.AI_NUMERICHOST)
            if name.endswith(SILENT) and not is_numeric_only:
                return real(server.wait(name), port, *arguments, **more)
            return real(host, port, *arguments, **more)

        monkeypatch.setattr(socket, "getaddrinfo", ask)
        try:
            yield server
        finally:
            for _ in range(len(server.asked)):
                # Those who still wait end with the test.
                with contextlib.suppress(TimeoutError):
                    listener.settimeout(0.01)
                    server.answer("127.0.0.1")
            server.join()
