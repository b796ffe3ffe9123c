"""One connection to a server: bytes out, an answer in, and never a moment later than the deadline."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from astakosclient.errors import ConnectionError  # noqa: A004 - the documented name
from astakosclient.http1.answer_parser import AnswerReader
from astakosclient.http1.decoding import UnusableAnswer
from astakosclient.http1.sync.deadline_socket import SendError, Wire

if TYPE_CHECKING:
    import socket

    from astakosclient.core.exchange import Answer

USUAL_BLOCK = 16 * 1024
LARGE_BLOCK = 256 * 1024
READING_TROUBLE = (OSError, UnusableAnswer)
"""What reading an answer can raise."""


class Connection:
    """An open connection that can carry one exchange after another.

    Attributes:
        peer: whom it is connected to, for texts.
        pid: the process that opened it; after a fork the child must not use it.
    """

    __slots__ = ("_reader", "_wire", "peer", "pid")

    def __init__(self, opened: socket.socket, peer: str) -> None:
        """Use a socket that is connected, and belongs to this connection from now on."""
        self.peer = peer
        self.pid = os.getpid()
        self._wire = Wire(opened)
        self._reader = AnswerReader()

    @property
    def answered(self) -> bool:
        """Whether the current exchange has brought any byte of an answer."""
        return self._reader.received > 0

    def exchange(self, method: str, request: bytes, deadline: float, limit: int) -> Answer:
        """Send a complete request and read the whole answer.

        Args:
            method: the request's method, on which the answer's form depends.
            request: head and body, in one piece.
            deadline: when to give up, on the monotonic clock.
            limit: how many bytes the body may have, before and after unpacking.

        Raises:
            ConnectionError: anything went wrong; the connection is of no further use.
        """
        self._reader.begin(method, limit)
        try:
            self._wire.send(request, deadline)
        except SendError as error:
            raise ConnectionError(error.cause, sent=not error.certain, peer=self.peer) from error.cause
        try:
            return self._receive(deadline)
        except READING_TROUBLE as error:
            raise ConnectionError(error, peer=self.peer) from error

    def _receive(self, deadline: float) -> Answer:
        answer = self._reader.feed(self._wire.receive(USUAL_BLOCK, deadline))
        while answer is None:
            answer = self._reader.feed(self._wire.receive(LARGE_BLOCK, deadline))
        return answer

    def tunnel(self, request: bytes, deadline: float) -> socket.socket:
        """Ask a proxy for a tunnel, and return the socket at its near end.

        Raises:
            OSError: the proxy refuses, or cannot be understood.
        """
        self._reader.begin("CONNECT", 0)
        try:
            self._wire.send(request, deadline)
            answer = self._receive(deadline)
        except (SendError, *READING_TROUBLE) as error:
            raise OSError(f"the proxy {self.peer} does not answer as a proxy: {error}") from error
        if answer.status != 200:
            raise OSError(f"the proxy {self.peer} refuses: {answer.status} {answer.reason}")
        if self._reader.holds_more:
            raise OSError(f"the proxy {self.peer} sends data before the server could")
        return self._wire.release()

    def is_reusable(self) -> bool:
        """Whether the last answer was read to its end, nothing came with it, and both sides will go on.

        What arrives later, and whether the peer closes, is for `is_quiet` to notice before the next use.
        """
        return self._reader.reusable and not self._wire.holds_more()

    def is_quiet(self) -> bool:
        """Whether the idle connection is still open: a peer that closed, or spoke unasked, is readable."""
        return self._wire.is_quiet()

    def close(self) -> None:
        """Close this process's end. No shutdown: after a fork the connection may be the parent's."""
        self._wire.close()
