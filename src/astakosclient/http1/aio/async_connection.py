"""A connection on an event loop that exchanges requests and responses under a deadline.

It uses sockets directly, not asyncio transports. Those cannot be closed after their loop has been closed, and
closing one in a forked child removes the parent's connection from the parent's loop.
"""

from __future__ import annotations

import os
import ssl
import time
from typing import TYPE_CHECKING

from astakosclient.errors import ConnectionError  # noqa: A004 - the documented name
from astakosclient.http1.answer_parser import AnswerReader
from astakosclient.http1.decoding import UnusableAnswer
from astakosclient.http1.readiness import readiness_of

if TYPE_CHECKING:
    import asyncio
    import socket

    from astakosclient.core.exchange import Answer
    from astakosclient.http1.message import Message

BLOCK_SIZE = 64 * 1024
NOT_YET = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
READING_TROUBLE = (OSError, UnusableAnswer)


class AsyncConnection:
    """An open connection that carries one exchange after another, on the loop that opened it.

    Attributes:
        peer: the name of the peer, for messages.
        is_open: False after `close`, or after the peer was found to have closed the connection.
    """

    __slots__ = (
        "_answer",
        "_deadline",
        "_encrypted",
        "_loop",
        "_pid",
        "_reader",
        "_readiness",
        "_socket",
        "_timer",
        "_timer_at",
        "_unsent",
        "is_open",
        "peer",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, opened: socket.socket, peer: str) -> None:
        """Takes ownership of a connected, non-blocking socket."""
        self.peer = peer
        self.is_open = True
        self._loop = loop
        self._pid = os.getpid()
        self._socket = opened
        self._encrypted = isinstance(opened, ssl.SSLSocket)
        self._reader = AnswerReader()
        self._answer: asyncio.Future[Answer] | None = None
        self._unsent: memoryview | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._readiness = readiness_of(opened)
        # Pass the file descriptor: given the socket object, uvloop keeps it open while it is watched.
        loop.add_reader(opened.fileno(), self._on_readable)

    @property
    def answered(self) -> bool:
        """Whether any byte of a response has arrived in the current exchange."""
        return self._reader.received > 0

    async def exchange(self, method: str, request: Message, deadline: float, limit: int) -> Answer:
        """Sends a request and returns the complete response. Close the connection if this is cancelled.

        Args:
            method: the method of the request.
            request: the request.
            deadline: when to give up, on the monotonic clock.
            limit: maximum size of the response body, in bytes, before and after decompression.

        Raises:
            ConnectionError: the exchange failed; close the connection.
        """
        self._reader.begin(method, limit)
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._answer = answer
        self._watch(deadline)
        try:
            self._send(request)
            return await answer
        except READING_TROUBLE as error:
            raise ConnectionError(error, peer=self.peer) from error
        finally:
            self._answer = None

    def is_quiet(self) -> bool:
        """Returns whether the idle connection is open and has received no unexpected data.

        Looks at the socket, because the loop may report either event too late for the caller.
        """
        if self.is_open and self._readiness.readable_within(0):
            self._on_readable()
        return self.is_open

    def is_reusable(self) -> bool:
        """Returns whether the connection can be pooled: the response is complete and nothing follows it."""
        return self.is_open and self._reader.reusable and self._unsent is None and not self._holds_more()

    def release(self) -> socket.socket:
        """Returns the socket and gives up ownership; the connection cannot be used any more.

        Raises:
            OSError: the peer closed the connection, or sent data after its response, which would be lost.
        """
        if not self.is_open or self._reader.holds_more:
            raise OSError(f"{self.peer} closed the connection or sent data after its response")
        self._leave_loop()
        self.is_open = False
        return self._socket

    def close(self) -> None:
        """Closes this process's end, without a shutdown: after a fork, the parent may use the connection.

        Call this on the connection's own loop, or when that loop does not run any more. Safe to call twice.
        """
        if self.is_open:
            self.is_open = False
            self._leave_loop()
            self._socket.close()

    def _leave_loop(self) -> None:
        # A forked child shares the epoll instance of its parent's loop and must not unregister from it.
        if self._pid != os.getpid() or self._loop.is_closed():
            return
        self._loop.remove_reader(self._socket.fileno())
        if self._unsent is not None:
            self._loop.remove_writer(self._socket.fileno())
        if self._timer is not None:
            self._timer.cancel()

    def _send(self, request: Message) -> None:
        try:
            sent = self._socket.send(request.data)
        except NOT_YET:
            sent = 0
        except OSError as error:
            # OpenSSL may have sent part of the data even though its send() failed.
            raise ConnectionError(error, sent=self._encrypted, peer=self.peer) from error
        if sent < len(request):
            self._unsent = memoryview(request.data)[sent:]
            self._loop.add_writer(self._socket.fileno(), self._on_writable)

    def _on_writable(self) -> None:
        assert self._unsent is not None  # noqa: S101 - the writer is registered only while data is unsent
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except NOT_YET:
            return
        except OSError as error:
            self._fail(error)
        if not self._unsent:
            self._unsent = None
            self._loop.remove_writer(self._socket.fileno())

    def _on_readable(self) -> None:
        # The loop reports the socket again once the parser has caught up.
        while not self._reader.is_behind and self._receive() and self._holds_more():
            pass

    def _receive(self) -> bool:
        """Reads available data; returns whether the response needs more."""
        answer = self._answer
        try:
            data = self._socket.recv(BLOCK_SIZE)
            if answer is None or answer.done():
                # No call is waiting: the peer closed or sent unexpected data, or the call was cancelled, and
                # its response must not reach another call.
                self.close()
                return False
            complete = self._reader.feed(data)
        except NOT_YET:
            return False
        except READING_TROUBLE as error:
            self._fail(error)
            return False
        return self._needs_more(answer, complete)

    def _needs_more(self, answer: asyncio.Future[Answer], complete: Answer | None) -> bool:
        if complete is not None:
            answer.set_result(complete)
            return False
        if self._reader.is_behind:
            # One step per turn of the loop, so that decompressing does not stop other tasks.
            self._loop.call_soon(self._catch_up, answer)
            return False
        return True

    def _catch_up(self, answer: asyncio.Future[Answer]) -> None:
        """Decompresses some of the received data."""
        if not self.is_open or answer.done():
            return
        try:
            complete = self._reader.go_on()
        except READING_TROUBLE as error:
            self._fail(error)
            return
        if self._needs_more(answer, complete) and self._holds_more():
            self._on_readable()

    def _fail(self, error: Exception) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def _holds_more(self) -> bool:
        """Returns whether decrypted data is waiting to be read."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def _watch(self, deadline: float) -> None:
        """Makes the exchange fail at the deadline.

        A loop timer per exchange costs more than parsing the response, so a timer keeps running across
        exchanges, and checks the current deadline when it fires.
        """
        self._deadline = deadline
        if self._timer is not None:
            if self._timer_at <= deadline:
                return
            self._timer.cancel()
        self._timer_at = deadline
        self._timer = self._loop.call_later(deadline - time.monotonic(), self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if self._answer is None or self._answer.done():
            return
        if time.monotonic() < self._deadline:
            self._watch(self._deadline)
        else:
            self._fail(TimeoutError("timed out"))
