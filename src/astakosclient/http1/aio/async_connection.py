"""One connection of an event loop: bytes out, an answer in, and never a moment later than the deadline.

The sockets are our own and not in the care of the loop's transports, which cannot be closed once their loop
is, and which, closed in a forked child, would take the parent's connections out of the parent's loop.
"""

from __future__ import annotations

import os
import select
import ssl
import time
from typing import TYPE_CHECKING

from astakosclient.errors import ConnectionError  # noqa: A004 - the documented name
from astakosclient.http1.answer_parser import AnswerReader
from astakosclient.http1.decoding import UnusableAnswer

if TYPE_CHECKING:
    import asyncio
    import socket

    from astakosclient.core.exchange import Answer

BLOCK_SIZE = 64 * 1024
NOT_YET = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
READING_TROUBLE = (OSError, UnusableAnswer)


class AsyncConnection:
    """An open connection that can carry one exchange after another, all on the loop that opened it.

    Attributes:
        peer: whom it is connected to, for texts.
        is_open: whether it has been neither closed nor found to be closed by the peer.
    """

    __slots__ = (
        "_answer",
        "_deadline",
        "_encrypted",
        "_loop",
        "_pid",
        "_poll",
        "_reader",
        "_socket",
        "_timer",
        "_timer_at",
        "_unsent",
        "is_open",
        "peer",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, opened: socket.socket, peer: str) -> None:
        """Use a socket that is connected and does not block; it belongs to this connection from now on."""
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
        self._poll = select.poll()
        self._poll.register(opened, select.POLLIN)
        # By its number: one of the loops would otherwise keep the socket open for as long as it listens.
        loop.add_reader(opened.fileno(), self._on_readable)

    @property
    def answered(self) -> bool:
        """Whether the current exchange has brought any byte of an answer."""
        return self._reader.received > 0

    async def exchange(self, method: str, request: bytes, deadline: float, limit: int) -> Answer:
        """Send a complete request and read the whole answer.

        Args:
            method: the request's method, on which the answer's form depends.
            request: head and body, in one piece.
            deadline: when to give up, on the monotonic clock.
            limit: how many bytes the body may have, before and after unpacking.

        Raises:
            ConnectionError: anything went wrong; the connection is of no further use. Nor is it when this
                is cancelled.
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
        """Whether the idle connection is still open, and the peer has said nothing unasked.

        The loop tells of both, but perhaps only after what is being done now.
        """
        if self.is_open and self._poll.poll(0):
            self._on_readable()
        return self.is_open

    def is_reusable(self) -> bool:
        """Whether the last answer was read to its end, nothing came with it, and both sides will go on."""
        return self.is_open and self._reader.reusable and self._unsent is None and not self._holds_more()

    def release(self) -> socket.socket:
        """The socket itself, for somebody else; this connection is over.

        Raises:
            OSError: the peer has closed, or sent more than an answer, which would be lost.
        """
        if not self.is_open or self._reader.holds_more:
            raise OSError(f"{self.peer} sends more than an answer, or closes after it")
        self._leave_loop()
        self.is_open = False
        return self._socket

    def close(self) -> None:
        """Close this process's end, if it is open. No shutdown: after a fork it may be the parent's.

        To be called on the connection's own loop, or when that will not run any more.
        """
        if self.is_open:
            self.is_open = False
            self._leave_loop()
            self._socket.close()

    def _leave_loop(self) -> None:
        # A forked child shares what its parent's loop waits with: it must not take anything out of that.
        if self._pid != os.getpid() or self._loop.is_closed():
            return
        self._loop.remove_reader(self._socket.fileno())
        if self._unsent is not None:
            self._loop.remove_writer(self._socket.fileno())
        if self._timer is not None:
            self._timer.cancel()

    def _send(self, request: bytes) -> None:
        try:
            sent = self._socket.send(request)
        except NOT_YET:
            sent = 0
        except OSError as error:
            # OpenSSL may have sent a part of what it did not take.
            raise ConnectionError(error, sent=self._encrypted, peer=self.peer) from error
        if sent < len(request):
            self._unsent = memoryview(request)[sent:]
            self._loop.add_writer(self._socket.fileno(), self._on_writable)

    def _on_writable(self) -> None:
        assert self._unsent is not None  # noqa: S101 - waits for this only when there is something
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
        while self._receive() and self._holds_more():
            pass

    def _receive(self) -> bool:
        """Take what has come; whether anything more is wanted, or could be there."""
        answer = self._answer
        try:
            data = self._socket.recv(BLOCK_SIZE)
            if answer is None or answer.done():
                # The peer has closed, or says more than it was asked. Or the call was given up: what was
                # meant for it must not be taken for the answer to another one.
                self.close()
                return False
            complete = self._reader.feed(data)
        except NOT_YET:
            return False
        except READING_TROUBLE as error:
            self._fail(error)
            return False
        if complete is None:
            return True
        answer.set_result(complete)
        return False

    def _fail(self, error: Exception) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def _holds_more(self) -> bool:
        """Whether something has been decrypted that nobody has read."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def _watch(self, deadline: float) -> None:
        """See to it that the exchange ends then.

        A timer of the loop for each exchange would cost more than reading the answer. So there is one that
        is left running, and looks at what has become of the connection when it is due.
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
