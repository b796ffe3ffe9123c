"""Questions that a process asks the one that has the engine, such as for metrics, over a connection.

A question is one byte. Its answer is its length, four bytes in big-endian order, and a text.
"""

import asyncio
import math
import socket
import time
from collections.abc import Callable
from typing import Final

QUESTION: Final = b"?"
LENGTH_BYTES: Final = 4
PATIENCE_SECONDS: Final = 10.0
"""How long to wait for an answer."""
PAUSE_SECONDS: Final = 0.2
"""The shortest time from one question to the next."""


def answer_questions(asker: socket.socket, answer: Callable[[], bytes]) -> None:
    """Answers one question after the other until the peer has ended."""
    while True:
        try:
            if not asker.recv(1):
                return
            found = answer()
            asker.sendall(len(found).to_bytes(LENGTH_BYTES, "big") + found)
        except OSError:
            return


class Asker:
    """Asks one question at a time, a few times a second at most, however many want to know."""

    _answers: asyncio.StreamReader
    _questions: asyncio.StreamWriter
    _told: "asyncio.Future[bytes]"

    def __init__(self, connection: socket.socket, ended: Callable[[], object]) -> None:
        """Asks over a connection; `ended` is called when the peer has ended."""
        self._connection = connection
        self._ended = ended
        self._asked = -math.inf
        self._asking: asyncio.Task[bytes] | None = None
        self._hearing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to listen to the peer, before the first question or with it."""
        loop = asyncio.get_running_loop()
        self._told = loop.create_future()
        self._answers, self._questions = await asyncio.open_unix_connection(sock=self._connection)
        self._hearing = loop.create_task(self._hear())

    async def ask(self) -> bytes:
        """Returns the answer. Those who ask while one is awaited share it.

        Raises:
            TimeoutError: there is none in time.
        """
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def recent(self) -> bytes:
        """Returns the last answer if the next question could not be asked yet, so that nobody waits for that.

        Raises:
            TimeoutError: there is no answer in time.
        """
        last = self._asking
        is_recent = time.monotonic() < self._asked + PAUSE_SECONDS
        if is_recent and last is not None and last.done() and last.exception() is None:
            return last.result()
        return await self.ask()

    async def _ask(self) -> bytes:
        # Here, where only one is at a time: several may want to know when nobody listens yet.
        if self._hearing is None:
            await self.start()
        await asyncio.sleep(self._asked + PAUSE_SECONDS - time.monotonic())
        self._asked = time.monotonic()
        self._told = asyncio.get_running_loop().create_future()
        self._questions.write(QUESTION)
        return await asyncio.wait_for(self._told, PATIENCE_SECONDS)

    async def _hear(self) -> None:
        """Takes the answers, as long as the peer lives."""
        try:
            while True:
                length = int.from_bytes(await self._answers.readexactly(LENGTH_BYTES), "big")
                found = await self._answers.readexactly(length)
                if not self._told.done():
                    self._told.set_result(found)
        except (asyncio.IncompleteReadError, OSError):
            self._ended()
