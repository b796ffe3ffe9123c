"""A connection without a socket: what is fed to it, what it writes, and the turns that it takes."""

import asyncio
from collections.abc import Generator, Mapping
from typing import Any

from astakos.http.dialects.newest import NEWEST
from astakos.http.faults import BadRequest
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.server.connection import Connection
from astakos.server.limits import Limits
from astakos.server.server import Server


class MemoryTransport(asyncio.Transport):
    """Keeps what is written; takes it at once, or not at all."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.7", 5000)})
        self.written = bytearray()
        self.untaken = 0
        self.is_paused = False
        self.is_closed = False
        self.is_aborted = False
        self.is_half_closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.untaken

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.is_half_closed = True

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed or self.is_aborted

    def abort(self) -> None:
        self.is_aborted = True


class Turns:
    """Stands for the event loop: calls wait until the test lets a turn begin."""

    def __init__(self) -> None:
        self.moment = 1000.0
        self.calls: list[tuple[Any, Any]] = []

    def time(self) -> float:
        return self.moment

    def call_soon(self, call: Any, *arguments: Any, context: Any = None) -> None:
        self.calls.append((call, arguments))

    def turn(self) -> int:
        """Lets all that waits have its turn; how much that was."""
        waiting, self.calls = self.calls, []
        for call, arguments in waiting:
            call(*arguments)
        return len(waiting)


class Never:
    """What a handler waits for that is never answered."""

    _asyncio_future_blocking = True

    def __await__(self) -> Generator["Never", None, None]:
        yield self

    def add_done_callback(self, call: Any, *, context: Any = None) -> None: ...


class EchoSite:
    """Answers each request with what it has understood of it; those to /wait wait."""

    is_ending = False

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bytes]] = []
        self.gone: list[str] = []
        self.limits: dict[str, int] = {}

    async def start(self) -> None: ...

    def prepare_to_stop(self) -> None: ...

    async def stop(self) -> None: ...

    def request_of(
        self, method: str, target: bytes, headers: Mapping[bytes, bytes], peer: tuple[str, int] | None
    ) -> Request:
        return Request(method, target, headers, NEWEST, peer=peer, request_id="7")

    def body_limit(self, request: Request) -> int:
        return self.limits.get(request.path, 1000)

    async def respond(self, request: Request) -> Answer:
        if request.path == "/wait":
            await Never()
        try:
            body = request.body
        except Exception as error:  # noqa: BLE001 - it is what the test looks at
            return Answer(413, str(error).encode(), "text/plain")
        self.seen.append((request.method, request.path, body))
        status = 204 if request.path == "/nothing" else 200
        return Answer(status, to_json([request.method, request.path, len(body)]), "application/json")

    def note_gone(self, request: Request) -> None:
        self.gone.append(request.path)

    def refusal_of(self, status: int, message: str) -> tuple[Answer, str]:
        return Answer(status, to_json(BadRequest(message).envelope()), "application/json"), "8"

    def defect(self, request: Request, error: BaseException) -> Answer:
        raise error


class Wire:
    """One connection to a site, without sockets."""

    def __init__(self, limits: Limits | None = None, server: Server | None = None) -> None:
        self.site = EchoSite()
        self.turns = Turns()
        self.server = server or Server(self.site, None, lambda: None, limits)  # type: ignore[arg-type]
        self.server._loop = self.turns  # type: ignore[assignment]
        self.connection = Connection(self.server)
        self.transport = MemoryTransport()
        self.connection.connection_made(self.transport)

    def send(self, data: bytes, *, turns: bool = True) -> None:
        self.connection.data_received(data)
        while turns and self.turns.turn():
            pass

    @property
    def statuses(self) -> list[int]:
        """Those of all answers that were written."""
        return statuses_of(bytes(self.transport.written))

    @property
    def is_over(self) -> bool:
        """Whether no more requests are read."""
        return self.transport.is_half_closed or self.transport.is_closed or self.transport.is_aborted


def statuses_of(written: bytes) -> list[int]:
    """The statuses of answers that follow each other, each taken for as long as it says that it is."""
    found: list[int] = []
    while written:
        head, separator, rest = written.partition(b"\r\n\r\n")
        assert separator, written
        lines = head.split(b"\r\n")
        status = int(lines[0].split(b" ")[1])
        found.append(status)
        fields = {name.lower(): value for name, _, value in (line.partition(b": ") for line in lines[1:])}
        length = int(fields.get(b"content-length", b"0"))
        written = rest[length:]
    return found
