"""The process that answers Prometheus: it keeps connections and their cost away from the ledger's engine.

It asks the process of the engine for the metrics, a few times a second at most, however many ask for them.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST

from astakos.http.dialects.newest import NEWEST
from astakos.http.request import Answer, Request
from astakos.processes.questions import Asker
from astakos.server.limits import Limits
from astakos.server.running import new_event_loop
from astakos.server.server import Server

PATH: Final = "/metrics"
PLAIN: Final = "text/plain; charset=utf-8"
LIMITS: Final = Limits(connections=32, body_bytes=1, idle_seconds=75.0, grace_seconds=1.0)


class MetricsSite:
    """Answers `GET /metrics`, and nothing else."""

    def __init__(self, engine: socket.socket) -> None:
        """Asks through a connection to the process of the engine."""
        self._asker = Asker(engine, lambda: os._exit(0))

    is_ending: Final = False
    """It answers for as long as the process of the engine lives."""

    async def start(self) -> None:
        """Begins to listen to the process of the engine."""
        await self._asker.start()

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
        try:
            metrics = await self._asker.ask()
        except TimeoutError:
            metrics = b""
        if not metrics:
            return Answer(503, b"The metrics cannot be collected now.\n", PLAIN, {"Retry-After": "1"})
        return Answer(200, metrics, CONTENT_TYPE_LATEST)

    def note_gone(self, _request: Request) -> None:
        """Nobody counts these requests."""

    def refusal_of(self, status: int, message: str) -> tuple[Answer, str]:
        """Returns the answer to what is not an acceptable request."""
        return Answer(status, f"{message}\n".encode(), PLAIN), ""

    def defect(self, _request: Request, _error: BaseException) -> Answer:
        """Returns the answer to a request that met a defect of the code."""
        return Answer(500, b"The metrics cannot be shown.\n", PLAIN)


def answer(engine: socket.socket, listener: socket.socket) -> None:
    """Answers until the process of the engine has ended; signals to end are for that process."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server = Server(MetricsSite(engine), listener, lambda: None, LIMITS)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(server.serve())


if __name__ == "__main__":
    answer(*(socket.socket(fileno=int(number)) for number in sys.argv[1:]))
