"""Stands between the server and the service: records each request, and makes some fail if a test says so."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from astakos.http.faults import Fault
from astakos.http.request import BODY_LIMIT, Answer
from astakos.server.answers import LastBytes
from astakos.testing.failures import FinishedAnswer
from astakos.testing.seen_requests import SeenRequest, TokenNames
from astakos.testing.switches import Switchboard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astakos.http.request import Request
    from astakos.server.site import Site

CONTENT_TYPE = b"content-type"
CONTENT_LENGTH = b"content-length"


class Interception:
    """Sees every request of one service; a site in front of the service's own."""

    def __init__(self, site: Site) -> None:
        """Stands in front of a site, with no requests and no switches."""
        self.requests: list[SeenRequest] = []
        self.switchboard = Switchboard()
        self.tokens = TokenNames()
        self.ending = asyncio.Event()
        self._site = site

    async def respond(self, request: Request) -> Answer | LastBytes:
        """Lets the site answer, or lets what goes wrong happen."""
        headers = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.items()
        ]
        path = "" if request.is_outside else request.path
        seen = self.tokens.see(request.method, path, request.raw_query, headers, _body_of(request))
        self.requests.append(seen)
        failure = self.switchboard.take(seen.method, path)
        if failure is None:
            answer: Answer | LastBytes = await self._site.respond(request)
        else:
            exchange = _Exchange(self, request)
            await failure.happen(exchange)
            answer = exchange.outcome
        if isinstance(answer, Answer):
            seen.status = answer.status
        return answer

    def body_limit(self, _request: Request) -> int:
        """All bodies are recorded, also those that the service does not need."""
        return BODY_LIMIT

    @property
    def is_ending(self) -> bool:
        """Whether the site is."""
        return self._site.is_ending

    async def start(self) -> None:
        """Starts the site."""
        await self._site.start()

    def prepare_to_stop(self) -> None:
        """Prepares the site."""
        self._site.prepare_to_stop()

    async def stop(self) -> None:
        """Stops the site."""
        await self._site.stop()

    def request_of(
        self, method: str, target: bytes, headers: Mapping[bytes, bytes], peer: tuple[str, int] | None
    ) -> Request:
        """As the site makes it."""
        return self._site.request_of(method, target, headers, peer)

    def note_gone(self, request: Request) -> None:
        """As the site notes it."""
        self._site.note_gone(request)

    def refusal_of(self, status: int, message: str) -> tuple[Answer, str]:
        """As the site refuses."""
        return self._site.refusal_of(status, message)

    def defect(self, request: Request, error: BaseException) -> Answer:
        """As the site answers."""
        return self._site.defect(request, error)

    async def carry_out(self, request: Request) -> FinishedAnswer:
        """What the site answers."""
        answer = await self._site.respond(request)
        if isinstance(answer, LastBytes):
            raise TypeError("the site answers in whole answers")
        media_type = answer.media_type or request.media_type
        headers = [
            (CONTENT_TYPE, media_type.encode("latin-1")),
            (CONTENT_LENGTH, b"%d" % len(answer.body)),
            *((name.encode("ascii"), value.encode("latin-1")) for name, value in answer.headers.items()),
        ]
        return FinishedAnswer(answer.status, headers, answer.body)


def _body_of(request: Request) -> bytes:
    try:
        return request.body
    except Fault:
        return b""


class _Exchange:
    """One request that something goes wrong with."""

    def __init__(self, interception: Interception, request: Request) -> None:
        self._interception = interception
        self._request = request
        self._gone = asyncio.Event()
        request.when_gone(self._gone.set)
        self.outcome: Answer | LastBytes = LastBytes(b"")

    async def carry_out(self) -> FinishedAnswer:
        return await self._interception.carry_out(self._request)

    async def answer(self, answer: FinishedAnswer) -> None:
        own = dict(answer.headers)
        media_type = own.pop(CONTENT_TYPE, b"").decode("latin-1")
        own.pop(CONTENT_LENGTH, None)
        headers = {name.decode("ascii"): value.decode("latin-1") for name, value in own.items()}
        self.outcome = Answer(answer.status, answer.body, media_type, headers)

    async def cut(self, last_bytes: bytes = b"") -> None:
        self.outcome = LastBytes(last_bytes)

    async def pause(self, seconds: float) -> bool:
        gone = asyncio.ensure_future(self._gone.wait())
        ending = asyncio.ensure_future(self._interception.ending.wait())
        longest = None if math.isinf(seconds) else seconds
        await asyncio.wait((gone, ending), timeout=longest, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        ending.cancel()
        return not (self._gone.is_set() or self._interception.ending.is_set())
