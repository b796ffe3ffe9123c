"""The engine's end of a connection to a client: messages in, answers out, without waiting."""

import logging
import socket

import msgspec

from astakos.ledger.frames import Answered, Asked, Frames, frame_answered
from astakos.ledger.operations import Failure, Operation

RECEIVED_AT_ONCE = 1 << 18

log = logging.getLogger("astakos.ledger")


class Channel:
    """The engine's end of a connection to a client."""

    def __init__(self, connection: socket.socket) -> None:
        """Takes over a connected stream socket."""
        connection.setblocking(False)
        self.connection = connection
        self._frames = Frames(Asked, Operation, Failure.DEFECT)
        self._unsent = bytearray()

    def receive(self) -> list[Asked] | None:
        """Returns the messages received so far, or None if the connection is closed or unreadable."""
        try:
            data = self.connection.recv(RECEIVED_AT_ONCE)
        except BlockingIOError:
            return []
        except OSError:
            return None
        try:
            return list(self._frames.feed(data)) if data else None
        except (msgspec.MsgspecError, ValueError):
            log.exception("engine request unreadable; connection closed")
            return None

    def send(self, answered: Answered) -> bool:
        """Sends without blocking; returns false if some of it is left for `flush`."""
        self._unsent += frame_answered(answered)
        return self.flush()

    def flush(self) -> bool:
        """Sends buffered data without blocking; returns true if none is left."""
        try:
            while self._unsent:
                del self._unsent[: self.connection.send(self._unsent)]
        except BlockingIOError:
            return False
        except OSError:
            # The peer has closed the connection; `receive` reports that.
            self._unsent.clear()
        return True
