"""The process that answers Prometheus: it keeps connections and their cost away from the ledger's engine.

It asks the process of the engine for the metrics, a few times a second at most, however many ask for them.
"""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST

from astakos.http.dialects.newest import NEWEST
from astakos.http.request import Answer, Request
from astakos.metrics.questions import LENGTH_BYTES, QUESTION
from astakos.server.limits import Limits
from astakos.server.running import new_event_loop
from astakos.server.server import Server

PATH: Final = "/metrics"
PLAIN: Final = "text/plain; charset=utf-8"
LIMITS: Final = Limits(connections=32, body_bytes=1, idle_seconds=75.0, grace_seconds=1.0)
PATIENCE_SECONDS: Final = 10.0
"""How long to wait for the metrics."""
PAUSE_SECONDS: Final = 0.2
"""The shortest time from one question to the next."""


class MetricsSite:
    """Answers `GET /metrics`, and nothing else."""

    _answers: asyncio.StreamReader
    _questions: asyncio.StreamWriter
    _told: "asyncio.Future[bytes]"
    _hearing: "asyncio.Task[None]"

    def __init__(self, engine: socket.socket) -> None:
        """Asks through a connection to the process of the engine."""
        self._engine = engine
        self._asked = -PAUSE_SECONDS
        self._asking: asyncio.Task[bytes] | None = None

    async def start(self) -> None:
        """Begins to listen to the process of the engine."""
        loop = asyncio.get_running_loop()
        self._told = loop.create_future()
        self._answers, self._questions = await asyncio.open_unix_connection(sock=self._engine)
        self._hearing = loop.create_task(self._hear())

    def prepare_to_stop(self) -> None:
        """Nobody needs to be told."""

    async def stop(self) -> None:
        """Nothing needs to be stopped."""

    def request_of(
        self, method: str, target: bytes, headers: Mapping[bytes, bytes], peer: tuple[str, int] | None
    ) -> Request:
        """Returns a request whose head has arrived."""
        return Request(method, target, headers, NEWEST, peer=peer)

    def body_limit(self, _request: Request) -> int:
        """No request needs a body."""
        return 0

    async def respond(self, request: Request) -> Answer:
        """Returns the metrics. Requests that come while they are being collected share them."""
        if request.path not in (PATH, ""):
            return Answer(404, f"The metrics are at {PATH}.\n".encode(), PLAIN)
        if request.method not in ("GET", "HEAD"):
            return Answer(405, b"Use GET.\n", PLAIN, {"Allow": "GET, HEAD"})
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        try:
            metrics = await asyncio.shield(self._asking)
        except TimeoutError:
            metrics = b""
        if not metrics:
            return Answer(503, b"The metrics cannot be collected now.\n", PLAIN, {"Retry-After": "1"})
        return Answer(200, metrics, CONTENT_TYPE_LATEST)

    async def _ask(self) -> bytes:
        await asyncio.sleep(self._asked + PAUSE_SECONDS - time.monotonic())
        self._asked = time.monotonic()
        self._told = asyncio.get_running_loop().create_future()
        self._questions.write(QUESTION)
        return await asyncio.wait_for(self._told, PATIENCE_SECONDS)

    async def _hear(self) -> None:
        """Take the answers, as long as the process of the engine lives."""
        try:
            while True:
                length = int.from_bytes(await self._answers.readexactly(LENGTH_BYTES), "big")
                metrics = await self._answers.readexactly(length)
                if not self._told.done():
                    self._told.set_result(metrics)
        except (asyncio.IncompleteReadError, OSError):
            os._exit(0)

    def note_gone(self, _request: Request) -> None:
        """Nobody counts these requests."""

    def refusal_of(self, status: int, message: str) -> tuple[Answer, str]:
        """Returns the answer to what is not an acceptable request."""
        return Answer(status, f"{message}\n".encode(), PLAIN), ""

    def defect(self, _request: Request, _error: BaseException) -> Answer:
        """Returns the answer to a request that met a defect of the code."""
        return Answer(500, b"The metrics cannot be shown.\n", PLAIN)


def answer(engine: socket.socket, listener: socket.socket) -> None:
    """Answer until the process of the engine has ended; signals to end are for that process."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server = Server(MetricsSite(engine), listener, lambda: None, LIMITS)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(server.serve())


if __name__ == "__main__":
    answer(*(socket.socket(fileno=int(number)) for number in sys.argv[1:]))
