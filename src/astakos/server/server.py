"""Listening: the connections of one process, their bounds, and how they end."""

import asyncio
import contextlib
import errno
import logging
import resource
import socket
from collections.abc import Callable
from typing import Final

import msgspec

from astakos.http.request import Answer, Request
from astakos.http.request_counts import ConnectionCounts
from astakos.server.answers import AnswerWriter
from astakos.server.connection import Connection
from astakos.server.foreign_protocols import ForeignPeers
from astakos.server.heads import Head, Violation
from astakos.server.limits import Limits
from astakos.server.site import Site

SWEEP_SECONDS: Final = 1.0
"""How often deadlines are looked at: a timer for each would cost more than what it guards."""
ACCEPTED_AT_ONCE: Final = 64
PAUSE_SECONDS: Final = 0.2
"""How long nothing is accepted after the system had no room for one more connection."""
KEPT_FREE: Final = 64
"""So many file descriptors are left to databases and files."""
ENDING_SECONDS: Final = 0.01
"""How often a server that ends looks whether all is done."""
HANDSHAKES_SECONDS: Final = 0.01
"""How long connections that clients have just begun may take to be there, before nobody accepts any more: a
client that believes to be connected sends its request."""
QUEUE_AT_MOST: Final = 4096
"""More connections than ever wait to be accepted."""
CROWDED: Final = 0.9
"""Beyond this part of the connections that may be open, idle ones make room for those who come."""
CROWDED_IDLE_SECONDS: Final = 5.0
"""Not those that were in use so lately: proxies and clients are likely to send the next request on them."""
NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

log = logging.getLogger("astakos.http")


class Server:
    """Serves one site on a listening socket, on the event loop that runs `serve`."""

    def __init__(
        self,
        site: Site,
        listener: socket.socket,
        ready: Callable[[], None],
        limits: Limits | None = None,
        counts: ConnectionCounts | None = None,
        *,
        stop_seconds: float | None = None,
    ) -> None:
        """Prepares.

        Args:
            site: what answers.
            listener: a socket that is bound to an address.
            ready: called when it answers. From then on, the socket must listen.
            limits: the bounds of the server.
            counts: counts the connections.
            stop_seconds: how long the site may take to stop, when all is answered; None for any time.
        """
        self.site = site
        self.limits = _within_the_system(limits or Limits())
        self.writer = AnswerWriter()
        self.foreign_peers = ForeignPeers()
        self._listener = listener
        self._ready = ready
        self._stop_seconds = stop_seconds
        self._connections: set[Connection] = set()
        self._collected = 0
        self._unsent = 0
        self._given_up = 0
        self._counts = counts or ConnectionCounts()
        self._refused_before = 0
        self._quiet_until = 0.0
        self._opening: set[asyncio.Task[object]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()
        self._is_closing = False
        self._keeps_idle = False
        self._forced = asyncio.Event()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that it runs on."""
        if self._loop is None:
            raise RuntimeError("the server does not run")
        return self._loop

    def now(self) -> float:
        """The event loop's time."""
        return self.loop.time()

    @property
    def is_ending(self) -> bool:
        """Whether every answer is the last of its connection."""
        return self._is_closing or self.site.is_ending

    @property
    def idle_seconds(self) -> float:
        """How long a connection may stay open between two requests."""
        if not self._is_closing:
            return self.limits.idle_seconds
        return min(self.limits.idle_seconds, self.limits.kept_seconds)

    async def serve(self) -> None:
        """Answers until `end` is called; then lets what is under way finish."""
        self._loop = asyncio.get_running_loop()
        await self.site.start()
        self._listener.setblocking(False)
        # Before the event loop looks at the socket, which cannot accept anything unless it listens.
        self._ready()
        self._loop.add_reader(self._listener.fileno(), self._accept)
        sweeping = self._loop.create_task(self._sweep())
        try:
            await self._end.wait()
        finally:
            await self._finish()
            sweeping.cancel()
            await self._stop_site()

    def end(self, *, keeps_idle: bool = False) -> None:
        """Accepts nothing more and finishes.

        Called again, it closes idle connections at once; then, it does not wait for anybody.

        Args:
            keeps_idle: whether idle connections stay open for `kept_seconds`, for proxies.
        """
        if self._end.is_set() and not self._keeps_idle:
            self._forced.set()
        self._keeps_idle = keeps_idle and not self._end.is_set()
        self.site.prepare_to_stop()
        self._end.set()

    async def _finish(self) -> None:
        before = self.idle_seconds
        self._is_closing = True
        for connection in self._connections:
            connection.shorten_wait(before - self.idle_seconds)
        if self._keeps_idle:
            await asyncio.sleep(HANDSHAKES_SECONDS)
        self._stop_accepting()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limits.grace_seconds):
                # Nothing tells when the last of them is done.
                while not self._forced.is_set() and self._are_awaited():  # noqa: ASYNC110
                    await asyncio.sleep(ENDING_SECONDS)
        for connection in list(self._connections):
            connection.abort()
        while self._connections:  # noqa: ASYNC110 - the event loop tells each that it is closed
            await asyncio.sleep(0)

    async def _stop_site(self) -> None:
        try:
            async with asyncio.timeout(self._stop_seconds):
                await self.site.stop()
        except TimeoutError:
            log.warning("what no caller waits for did not end in time, and is left behind")

    def _stop_accepting(self) -> None:
        """Closes the listening socket, without losing those who wait there and have sent a request."""
        self.loop.remove_reader(self._listener.fileno())
        for _ in range(QUEUE_AT_MOST):
            if not self._accept_one():
                break
        self._listener.close()

    def _are_awaited(self) -> bool:
        """Whether requests are under way or may still come; closes connections on which none is expected."""
        now = self.now()
        for connection in list(self._connections):
            if connection.is_idle and (not self._keeps_idle or now >= connection.deadline):
                connection.close_if_silent()
        return bool(self._opening) or any(one.is_busy or one.is_idle for one in self._connections)

    # Accepting

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            if not self._accept_one():
                return

    def _accept_one(self) -> bool:
        """Accepts a connection; false if none waits or there is no room."""
        try:
            accepted, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            self._pause(error)
            return False
        if self._counts.open >= self.limits.connections:
            self._turn_away(accepted)
            return True
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opening = self.loop.create_task(self.loop.connect_accepted_socket(lambda: Connection(self), accepted))
        self._counts.open += 1
        self._opening.add(opening)
        opening.add_done_callback(self._has_opened)
        return True

    def _has_opened(self, opening: asyncio.Task[object]) -> None:
        self._opening.discard(opening)
        if opening.cancelled() or opening.exception() is not None:
            # The client has gone in the meantime.
            self._counts.open -= 1

    def _pause(self, error: OSError) -> None:
        """Waits until others have closed something; the listening queue holds those who come meanwhile."""
        if self.now() >= self._quiet_until:
            log.error("accepting connections is paused, since the system has no room: %s", error.strerror)
            self._quiet_until = self.now() + SWEEP_SECONDS
        listener = self._listener.fileno()
        self.loop.remove_reader(listener)
        self.loop.call_later(PAUSE_SECONDS, self._accept_again)

    def _accept_again(self) -> None:
        if self._listener.fileno() >= 0:
            self.loop.add_reader(self._listener.fileno(), self._accept)

    def _turn_away(self, accepted: socket.socket) -> None:
        self._counts.refused += 1
        with accepted, contextlib.suppress(OSError):
            accepted.setblocking(False)
            accepted.send(self.refusal_of(Violation("Too many connections are open; try again.", 503)))
            # Closing with bytes unread resets the connection, and the client may lose the answer.
            accepted.recv(self.limits.head_bytes)

    # What connections tell

    def opened(self, connection: Connection) -> None:
        """A connection begins."""
        self._connections.add(connection)

    def closed(self, connection: Connection) -> None:
        """A connection is no more."""
        self._connections.discard(connection)
        self._counts.open -= 1

    def collected(self, more: int) -> None:
        """A connection holds more, or less, of an unfinished body; beyond the bound the largest goes."""
        self._collected += more
        while more > 0 and self._collected > self.limits.collected_bytes:
            max(self._connections, key=lambda one: one.collected).evict()

    def held(self, more: int) -> None:
        """A connection holds more, or less, of answers; beyond the bound the one with most of them goes."""
        self._unsent += more
        if more <= 0 or self._unsent <= self.limits.unsent_bytes:
            return
        # Some of it may have been taken since.
        self._unsent = sum(one.measured() for one in self._connections)
        if self._unsent > self.limits.unsent_bytes:
            self._given_up += 1
            max(self._connections, key=lambda one: one.unsent).give_up_answers()

    def request_of(self, head: Head, peer: tuple[str, int] | None) -> Request:
        """The request of a head."""
        return self.site.request_of(head.method.decode("ascii"), head.target, head.headers, peer)

    def bytes_of(self, request: Request, answer: Answer, *, is_last: bool) -> bytes:
        """The bytes of the answer to a request."""
        try:
            return self.writer.bytes_of(request, answer, is_last=is_last)
        except ValueError as error:
            return self.writer.bytes_of(request, self.site.defect(request, error), is_last=is_last)

    def refusal_of(self, violation: Violation) -> bytes:
        """The bytes that answer what is not an acceptable request."""
        answer, request_id = self.site.refusal_of(violation.status, violation.message)
        return self.writer.refusal(answer, request_id)

    # Deadlines

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            refused = self._counts.refused - self._refused_before
            if refused:
                log.warning(
                    "%d connections were refused, since %d are open", refused, self.limits.connections
                )
                self._refused_before = self._counts.refused
            if self._given_up:
                log.warning(
                    "%d connections were ended, since clients did not take %d bytes of answers in all",
                    self._given_up,
                    self.limits.unsent_bytes,
                )
                self._given_up = 0
            now = self.now()
            self._make_room(now)
            self.foreign_peers.tell(now)
            for connection in list(self._connections):
                if now >= connection.deadline:
                    connection.time_is_up()
                connection.look_at_unsent(now)

    def _make_room(self, now: float) -> None:
        """Closes the connections that are idle for the longest time while too many are open.

        Otherwise clients that only keep connections shut out all others, however little there is to do.
        """
        surplus = self._counts.open - int(self.limits.connections * CROWDED)
        if surplus <= 0:
            return
        latest = now + self.idle_seconds - CROWDED_IDLE_SECONDS
        idle = [one for one in self._connections if one.is_idle and one.deadline <= latest]
        for connection in sorted(idle, key=lambda one: one.deadline)[:surplus]:
            connection.close_if_silent()


def _within_the_system(limits: Limits) -> Limits:
    """The limits, with no more connections than the process may have file descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    most = max(1, soft - KEPT_FREE)
    if soft == resource.RLIM_INFINITY or limits.connections <= most:
        return limits
    return msgspec.structs.replace(limits, connections=most)
