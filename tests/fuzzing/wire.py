"""One connection after another to a service, over which any bytes go, and how long each answer took."""

import re
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

LONGEST_ANSWER_SECONDS = 10.0
"""The service's own limit of a read; what takes longer counts as a hang."""
SILENCE_SECONDS = 0.1
"""After so long the service waits for more of what is no whole request."""
STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})")
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
END_OF_HEAD = b"\r\n\r\n"
CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


@dataclass(frozen=True)
class Sent:
    """A request, framed as HTTP wants it, whatever it says."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes | None

    def __bytes__(self) -> bytes:
        lines = [b"%b %b HTTP/1.1" % (self.method, self.target), b"Host: localhost"]
        lines += [b"%b: %b" % header for header in self.headers]
        if self.body is not None:
            lines.append(b"Content-Length: %d" % len(self.body))
        return b"\r\n".join(lines) + END_OF_HEAD + (self.body or b"")


class Wire:
    """A kept connection, made anew when the service has closed it."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._connection: socket.socket | None = None
        self._received = b""
        self.slowest = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def ask(self, request: Sent) -> int:
        """The status of the answer; 400 if the service hangs up, which is how it ends what is no HTTP."""
        began = time.perf_counter()
        try:
            status = self._ask(request)
        except ConnectionError:
            self._close()
            status = 400
        self.slowest = max(self.slowest, time.perf_counter() - began)
        return status

    def _ask(self, request: Sent) -> int:
        if self._connection is None:
            self._connection = socket.create_connection(self._address, timeout=LONGEST_ANSWER_SECONDS)
        self._connection.sendall(bytes(request))
        status = 100
        while status < 200:
            head = self._read_head()
            found = STATUS.match(head)
            assert found is not None, head[:200]
            status = int(found[1])
        length = LENGTH.search(head)
        if request.method != b"HEAD" and length is not None:
            self._read_body(int(length[1]))
        if CLOSES.search(head) or length is None:
            self._close()
        return status

    def _read_head(self) -> bytes:
        while END_OF_HEAD not in self._received:
            self._receive()
        head, _, self._received = self._received.partition(END_OF_HEAD)
        return head + b"\r\n"

    def _read_body(self, length: int) -> None:
        while len(self._received) < length:
            self._receive()
        self._received = self._received[length:]

    def _receive(self) -> None:
        assert self._connection is not None
        data = self._connection.recv(1 << 16)
        if not data:
            raise ConnectionResetError
        self._received += data

    def _close(self) -> None:
        self._received = b""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def throw(address: tuple[str, int], payloads: Sequence[bytes]) -> list[int]:
    """Sends each of them on a connection of its own; returns all statuses that come before silence."""
    connections = [socket.create_connection(address, timeout=LONGEST_ANSWER_SECONDS) for _ in payloads]
    received = dict.fromkeys(connections, b"")
    for connection, payload in zip(connections, payloads, strict=True):
        try:
            connection.sendall(payload)
        except ConnectionError:
            # It has heard enough, and its answer may have been lost with the rest.
            continue
    waiting = set(connections)
    while waiting:
        readable, _, _ = select.select(list(waiting), [], [], SILENCE_SECONDS)
        if not readable:
            break
        for connection in readable:
            try:
                data = connection.recv(1 << 16)
            except ConnectionError:
                data = b""
            received[connection] += data
            if not data:
                waiting.discard(connection)
    for connection in connections:
        connection.close()
    return [int(status) for answer in received.values() for status in STATUS.findall(answer)]
