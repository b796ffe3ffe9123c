"""One connection of a client: requests in, answers out, each within its bounds (`astakos.server.states`)."""

import asyncio
from typing import TYPE_CHECKING, Final, cast

from astakos.http.request import Answer, Request
from astakos.server.answers import LastBytes
from astakos.server.heads import Head, Violation
from astakos.server.reader import BodyTooLargeError, RequestReader
from astakos.server.states import Event, State, after
from astakos.server.steps import Steps
from astakos.server.unread_bytes import count_unread
from astakos.server.untaken_answers import NEVER, UntakenAnswers

if TYPE_CHECKING:
    from astakos.server.server import Server

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
REQUESTS_PER_TURN: Final = 16
"""After so many requests of one connection others get a turn."""
READ_AHEAD: Final = 64 * 1024
"""So much is read of what follows the request that is being answered; then reading stops."""
SKIPPED_AT_MOST: Final = 1024 * 1024
"""A body that is not needed is read to its end if it is no larger; else the answer is the last."""
DROPPED_AT_MOST: Final = 16 * 1024 * 1024
"""After the last answer, so much of what still comes is dropped before the connection is reset."""
UNDER_WAY: Final = frozenset({State.HEAD, State.BODY, State.ANSWERING, State.SKIPPING})
AFTER_ANSWERS: Final = frozenset({State.IDLE, State.LINGERING})


class Connection(asyncio.Protocol):
    """Serves one client.

    Attributes:
        deadline: when `time_is_up` is to be called, by the event loop's clock.
        collected: how many bytes of an unfinished body it holds.
    """

    __slots__ = (
        "_dropped",
        "_is_advancing",
        "_is_last",
        "_is_paused",
        "_is_scheduled",
        "_most",
        "_reader",
        "_request",
        "_server",
        "_state",
        "_transport",
        "_untaken",
        "collected",
        "deadline",
        "peer",
    )

    def __init__(self, server: "Server") -> None:
        """Serves for a server."""
        self._server = server
        self._reader = RequestReader(server.limits)
        self._state = State.IDLE
        self._transport: asyncio.Transport | None = None
        self._request: Request | None = None
        self._most = 0
        self._dropped = 0
        self._is_last = False
        self._is_advancing = False
        self._is_paused = False
        self._is_scheduled = False
        self._untaken = UntakenAnswers(server.held)
        self.collected = 0
        self.deadline = NEVER
        self.peer: tuple[str, int] | None = None

    # What the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins to wait for a request."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.peer = peer[:2] if isinstance(peer, tuple) else None
        self.deadline = self._server.now() + self._server.idle_seconds
        self._server.opened(self)

    def data_received(self, data: bytes) -> None:
        """Reads what has come, as far as it is its turn."""
        if self._state is State.LINGERING:
            self._dropped += len(data)
            if self._dropped > DROPPED_AT_MOST:
                self.abort()
            return
        self._reader.receive(data)
        if self._state is State.ANSWERING or self._is_scheduled or self._must_wait:
            self._stop_reading_ahead()
        else:
            self._advance()

    def eof_received(self) -> bool:
        """A client that has sent its last byte may still want the answer; true keeps the way to it open."""
        if self._request is not None and self._state is State.ANSWERING:
            self._is_last = True
            self._request.client_has_gone()
            return True
        return False

    def connection_lost(self, _exc: Exception | None) -> None:
        """Forgets the connection; a request that is being carried out is carried out all the same."""
        if self._request is not None:
            if self._state is State.BODY:
                self._server.site.note_gone(self._request)
            self._request.client_has_gone()
        self._enter(Event.CLOSED)
        self._transport = None
        self._collect(0)
        self._untaken.let_go()
        self._reader.drop_all()
        self.deadline = NEVER
        self._server.closed(self)

    def pause_writing(self) -> None:
        """The client does not take its answers as quickly as it asks: it gets no further ones for now."""
        self._untaken.become_too_many(self._write_buffer_size)

    def resume_writing(self) -> None:
        """The client has taken most of what there was for it."""
        self._untaken.become_few()
        if self._state is State.IDLE:
            self._wait_for_next()

    # What the server tells

    @property
    def is_busy(self) -> bool:
        """Whether a request is under way, or its answer has not left yet."""
        if self._state in UNDER_WAY or (self._state is State.IDLE and self._reader.buffered):
            return True
        return self._write_buffer_size > 0

    @property
    def _write_buffer_size(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    @property
    def _must_wait(self) -> bool:
        """Whether the next request has to wait until the client has taken the answers before it."""
        return self._untaken.are_too_many and self._state is State.IDLE

    @property
    def is_idle(self) -> bool:
        """Whether it is open, and nothing of a request has come since the last answer."""
        if self._state is not State.IDLE or self._reader.buffered or self._transport is None:
            return False
        return not self._transport.is_closing()

    def shorten_wait(self, seconds: float) -> None:
        """Waits less for the next request."""
        if self._state is State.IDLE:
            self.deadline -= seconds

    def close_if_silent(self) -> None:
        """Ends, unless bytes have just come that are not read yet: closing would lose that request."""
        if self._transport is not None and not count_unread(self._transport):
            self._transport.close()

    def abort(self) -> None:
        """Ends at once."""
        if self._transport is not None:
            self._transport.abort()

    def time_is_up(self) -> None:
        """Ends what took too long, with a word about it where somebody may listen."""
        if self._state in AFTER_ANSWERS and self._write_buffer_size > 0:
            # `look_at_unsent` judges who is still taking an answer. The time counts from its end.
            server = self._server
            seconds = server.idle_seconds if self._state is State.IDLE else server.limits.linger_seconds
            self.deadline = server.now() + seconds
        elif self._state is State.HEAD:
            self._refuse(Violation("The request took too long to arrive.", 408))
        elif self._state is State.BODY:
            self._refuse(Violation("The body of the request took too long to arrive.", 408))
        elif self._state is State.IDLE:
            self.close_if_silent()
        else:
            self.abort()

    def look_at_unsent(self, now: float) -> None:
        """Ends if the client does not take its answer."""
        if self._untaken.take_too_long(self._write_buffer_size, now, self._server.limits):
            self.abort()

    @property
    def unsent(self) -> int:
        """How many bytes of answers it holds that the client does not take, as of the last look."""
        return self._untaken.size

    def measured(self) -> int:
        """Counts again the bytes of answers that the client does not take."""
        return self._untaken.measure(self._write_buffer_size)

    def give_up_answers(self) -> None:
        """Ends, because answers that the client does not take need too much of the room that all share."""
        self._untaken.let_go()
        # The transport may be in the middle of writing.
        self._server.loop.call_soon(self.abort)

    def evict(self) -> None:
        """Gives up the body that is being collected: it takes too much of the room that all share."""
        self._refuse(Violation("The service holds too many unfinished bodies; send the request again.", 503))

    # Requests in

    def _advance(self) -> None:
        """Reads as far as what has come goes, and no further than a turn."""
        self._is_scheduled = False
        self._is_advancing = True
        try:
            for _ in range(REQUESTS_PER_TURN):
                if self._must_wait:
                    self._stop_reading_ahead()
                    return
                if not self._step():
                    self._read_on()
                    return
        except Violation as violation:
            self._refuse(violation)
            return
        finally:
            self._is_advancing = False
        self._schedule()

    def _step(self) -> bool:
        """Reads one part of a request; true if there may be more to read."""
        if self._state is State.BODY:
            return self._read_body()
        if self._state is State.SKIPPING:
            return self._skip_body()
        if self._state is State.IDLE and self._reader.buffered:
            self._enter(Event.BEGUN)
            self.deadline = self._server.now() + self._server.limits.head_seconds
        if self._state is not State.HEAD:
            return False
        head = self._reader.read_head()
        if head is None:
            return False
        self._take(head)
        return True

    def _take(self, head: Head) -> None:
        """Judges a request by its head: either its body is collected, or it is answered without."""
        if head.method == b"CONNECT":
            raise Violation("CONNECT is not allowed here.", 405)
        request = self._request = self._server.request_of(head, self.peer)
        if not head.keeps_alive:
            self._is_last = True
        most = self._most = min(self._server.site.body_limit(request), self._server.limits.body_bytes)
        length = head.content_length
        if length == 0:
            self._reader.read_body(0)
            self._answer()
            return
        if most == 0 or (length is not None and length > most):
            request.refuse_body(most)
            # A client that waits for `100 Continue` may send the body all the same, or not.
            if head.expects_continue or length is None or length > SKIPPED_AT_MOST:
                self._is_last = True
            self._answer()
            return
        self._enter(Event.BODY_WANTED)
        limits = self._server.limits
        self.deadline = self._server.now() + limits.body_grace_seconds
        if head.expects_continue and not self._reader.buffered:
            self._write(CONTINUE)

    def _read_body(self) -> bool:
        request = self._present_request
        before = self._reader.body_bytes
        try:
            is_complete = self._reader.read_body(self._most)
        except BodyTooLargeError:
            self._is_last = True
            self._collect(0)
            self._reader.drop_body()
            request.refuse_body(self._most)
            self._answer()
            return True
        received = self._reader.body_bytes
        if is_complete:
            self._collect(0)
            request.body_has_come(self._reader.take_body())
            self._answer()
            return True
        self._collect(received)
        if self._state is not State.BODY:
            return False
        self.deadline += (received - before) / self._server.limits.body_bytes_per_second
        # More may be there already: the reader gives others a turn between many small chunks.
        return self._reader.has_more

    @property
    def _present_request(self) -> Request:
        if self._request is None:
            raise LookupError("no request is under way")
        return self._request

    def _skip_body(self) -> bool:
        try:
            is_complete = self._reader.read_body(SKIPPED_AT_MOST)
        except BodyTooLargeError:
            raise Violation("The body is too large.", 413) from None
        self._reader.drop_body()
        if is_complete:
            self._enter(Event.SKIPPED)
            self._wait_for_next()
            return True
        return self._reader.has_more

    def _answer(self) -> None:
        """Works out the answer; it is often there before this returns."""
        self._enter(Event.READY)
        self.deadline = NEVER
        answer = self._server.site.respond(self._present_request)
        Steps(self._server.loop, answer, self._answered, self._failed).run()

    # Answers out

    def _answered(self, answer: Answer | LastBytes) -> None:
        request, self._request = self._request, None
        if self._transport is None or request is None:
            return
        if isinstance(answer, LastBytes):
            self._write(answer.data)
            self._transport.close()
            return
        is_last = self._is_last or self._server.is_ending
        self._write(self._server.bytes_of(request, answer, is_last=is_last))
        if is_last:
            self._enter(Event.ANSWERED_LAST)
            self._linger()
        elif self._reader.body_is_complete:
            self._enter(Event.ANSWERED)
            self._wait_for_next()
        else:
            self._enter(Event.ANSWERED_EARLY)
            self.deadline = self._server.now() + self._server.limits.body_grace_seconds
            self._schedule()

    def _failed(self, error: BaseException) -> None:
        """Answers a defect of the code; what it was is in the log already."""
        request = self._request
        if request is not None:
            self._answered(self._server.site.defect(request, error))

    def _wait_for_next(self) -> None:
        self.deadline = self._server.now() + self._server.idle_seconds
        if self._must_wait:
            self._stop_reading_ahead()
        elif self._reader.buffered:
            self._schedule()
        else:
            self._read_on()

    def _refuse(self, violation: Violation) -> None:
        """Answers what is not acceptable, and ends."""
        self._collect(0)
        self._reader.drop_all()
        if violation.protocol:
            self._server.foreign_peers.note(violation.protocol, self.peer)
        self._write(self._server.refusal_of(violation))
        self._enter(Event.REFUSED)
        self._linger()

    def _linger(self) -> None:
        """Lets the client read the last answer: closing at once could reset the connection under it."""
        self.deadline = self._server.now() + self._server.limits.linger_seconds
        self._request = None
        if self._transport is None:
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._read_on()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    # Turns

    def _schedule(self) -> None:
        if not self._is_scheduled and not self._is_advancing:
            self._is_scheduled = True
            self._server.loop.call_soon(self._advance)

    def _stop_reading_ahead(self) -> None:
        if self._reader.buffered > READ_AHEAD and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def _read_on(self) -> None:
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()

    def _collect(self, count: int) -> None:
        if count != self.collected:
            more, self.collected = count - self.collected, count
            self._server.collected(more)

    def _enter(self, event: Event) -> None:
        self._state = after(self._state, event)
