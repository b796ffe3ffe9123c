"""A caller: makes one call after the other at the pace of the run, and repeats what got no answer."""

import asyncio
import json
import random
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.population import COMPONENT_TOKEN
from benchmarks.soak.book import Book
from benchmarks.soak.http_connection import LOST, Answer, HTTPConnection, request_bytes
from benchmarks.soak.tally import CALM, Tally

PATIENCE_SECONDS = 120.0
"""How long a call is repeated, which is far longer than any fault lasts."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0
TRY_AGAIN = frozenset([429, 503])
OF_FAULTS = frozenset([503])
"""What the service may answer while something is wrong with what it stands on."""


class Pace:
    """Spreads calls evenly over time; what a stall has held up is not made up for."""

    def __init__(self, rate: float) -> None:
        self._pause = 1 / rate
        self._next = 0.0

    async def turn(self) -> None:
        """Waits until the next call may be made."""
        now = time.monotonic()
        self._next = max(self._next, now) + self._pause
        await asyncio.sleep(self._next - self._pause - now)


@dataclass
class Soak:
    """What all callers share."""

    port: int
    pace: Pace
    tally: Tally
    book: Book
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when nothing new is to be begun."""


class Caller:
    """One at a time, on one connection."""

    def __init__(self, soak: Soak, seed: int) -> None:
        self.soak = soak
        self.book = soak.book
        self.tally = soak.tally
        self.random = random.Random(seed)
        self.connection = HTTPConnection(soak.port)

    async def call(
        self,
        kind: str,
        method: str,
        path: str,
        document: Any = None,
        *,
        token: str = COMPONENT_TOKEN,
        right: Collection[int] = (200,),
        once_more: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Answer | None:
        """Makes a call until it is answered; None if that never happened.

        Args:
            kind: under which it is counted.
            method: of HTTP.
            path: with the query.
            document: the body, as JSON.
            token: of a user or of the component; empty for none.
            right: the statuses that are not errors.
            once_more: those that are none either if the call is repeated, since it may have taken effect.
            headers: further ones.
        """
        body = b"" if document is None else json.dumps(document).encode("ascii")
        lines = {
            "Accept": "application/json",
            **({"X-Auth-Token": token} if token else {}),
            **(headers or {}),
        }
        request = request_bytes(method, path, lines, body)
        return await self.send(kind, request, right, once_more)

    async def send(
        self, kind: str, request: bytes, right: Collection[int] = (200,), once_more: Collection[int] = ()
    ) -> Answer | None:
        """The same, for a request that is ready."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        pause = FIRST_PAUSE
        accepted = right
        while time.monotonic() < deadline:
            await self.soak.pace.turn()
            fault = self.tally.fault
            began = time.perf_counter()
            try:
                answer = await self.connection.exchange(request)
            except LOST as error:
                self.tally.error(kind, f"no answer: {type(error).__name__}", fault)
            else:
                self.tally.answered(kind, time.perf_counter() - began, fault)
                if answer.status in accepted:
                    return answer
                self._note(kind, answer, fault)
                if answer.status not in TRY_AGAIN:
                    return None
            accepted = {*right, *once_more}
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        self.tally.problem(f"{kind}: not answered for {PATIENCE_SECONDS:.0f} s")
        return None

    def _note(self, kind: str, answer: Answer, fault: str) -> None:
        self.tally.error(kind, str(answer.status), fault)
        if answer.status not in OF_FAULTS or CALM == fault == self.tally.fault:
            said = answer.body[:300].decode("utf-8", "replace")
            self.tally.problem(f"{kind}: {answer.status} ({fault}) {said}")
