"""A connection to a server that exchanges requests and responses under a deadline."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from astakosclient.errors import ConnectionError  # noqa: A004 - the documented name
from astakosclient.http1.answer_parser import AnswerReader
from astakosclient.http1.decoding import UnusableAnswer
from astakosclient.http1.sync.deadline_socket import SendError, Wire, remaining

if TYPE_CHECKING:
    import socket

    from astakosclient.core.exchange import Answer
    from astakosclient.http1.message import Message

USUAL_BLOCK = 16 * 1024
LARGE_BLOCK = 256 * 1024
READING_TROUBLE = (OSError, UnusableAnswer)
"""Exceptions that reading a response can raise."""


class Connection:
    """An open connection that carries one exchange after another.

    Attributes:
        peer: the name of the peer, for messages.
        pid: the process that opened the connection; a forked child must not use it.
    """

    __slots__ = ("_reader", "_wire", "peer", "pid")

    def __init__(self, opened: socket.socket, peer: str) -> None:
        """Takes ownership of a connected socket."""
        self.peer = peer
        self.pid = os.getpid()
        self._wire = Wire(opened)
        self._reader = AnswerReader()

    @property
    def answered(self) -> bool:
        """Whether any byte of a response has arrived in the current exchange."""
        return self._reader.received > 0

    def exchange(self, method: str, request: Message, deadline: float, limit: int) -> Answer:
        """Sends a request and returns the complete response.

        Args:
            method: the method of the request.
            request: the request.
            deadline: when to give up, on the monotonic clock.
            limit: maximum size of the response body, in bytes, before and after decompression.

        Raises:
            ConnectionError: the exchange failed; close the connection.
        """
        self._reader.begin(method, limit)
        try:
            self._wire.send(request, deadline)
        except SendError as error:
            early = self._early_answer(error, deadline)
            if early is None:
                raise ConnectionError(error.cause, sent=not error.certain, peer=self.peer) from error.cause
            return early
        try:
            return self._receive(deadline)
        except READING_TROUBLE as error:
            raise ConnectionError(error, peer=self.peer) from error

    def _early_answer(self, error: SendError, deadline: float) -> Answer | None:
        """Returns what the server answered before it closed the connection amid the request, or None.

        That is how servers refuse a body that is too large (RFC 9112, section 9.6).
        """
        if error.certain or isinstance(error.cause, TimeoutError):
            return None
        try:
            answer = self._receive(deadline)
        except READING_TROUBLE:
            return None
        self._reader.reusable = False
        return answer

    def _receive(self, deadline: float) -> Answer:
        answer = self._reader.feed(self._wire.receive(USUAL_BLOCK, deadline))
        while answer is None:
            if self._reader.is_behind:
                remaining(deadline)
                answer = self._reader.go_on()
            else:
                answer = self._reader.feed(self._wire.receive(LARGE_BLOCK, deadline))
        return answer

    def tunnel(self, request: Message, deadline: float) -> socket.socket:
        """Opens a tunnel through the proxy at the other end, and returns the socket.

        Raises:
            OSError: the proxy refused the tunnel, or its response is invalid.
        """
        self._reader.begin("CONNECT", 0)
        try:
            self._wire.send(request, deadline)
            answer = self._receive(deadline)
        except (SendError, *READING_TROUBLE) as error:
            raise OSError(f"the proxy {self.peer} sent no valid response to CONNECT: {error}") from error
        if answer.status != 200:
            raise OSError(f"the proxy {self.peer} refused the tunnel: {answer.status} {answer.reason}")
        if self._reader.holds_more:
            raise OSError(f"the proxy {self.peer} sent data before the tunnel was in use")
        return self._wire.release()

    def is_reusable(self) -> bool:
        """Returns whether the connection can be pooled: the response is complete and nothing follows it.

        Before the next use, `is_quiet` detects data or a close that arrives later.
        """
        return self._reader.reusable and not self._wire.holds_more()

    def is_quiet(self) -> bool:
        """Returns whether the idle connection is open and has received no unexpected data."""
        return self._wire.is_quiet()

    def close(self) -> None:
        """Closes this process's end, without a shutdown: after a fork, the parent may use the connection."""
        self._wire.close()
