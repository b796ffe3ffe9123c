"""One kept connection to the service, from asyncio: requests out, answers in."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmarks.child_process import HOST

ANSWER_SECONDS = 40.0
LARGEST_HEAD = 2**20
LOST = (OSError, asyncio.IncompleteReadError, TimeoutError)
"""No answer: the connection could not be made, was cut, or nothing came."""


class Answer(NamedTuple):
    """An answer; the names of its headers are in lower case, and of those with one name the last is there."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()

    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class HTTPConnection:
    """Opened when it is needed, and again after it was lost."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchange(self, request: bytes) -> Answer:
        """Sends a request and reads the answer.

        Raises:
            OSError, asyncio.IncompleteReadError, TimeoutError: there is none.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await self.streams()
                writer.write(request)
                await writer.drain()
                answer = await read_answer(reader)
        except LOST:
            self.close()
            raise
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    async def streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The two ends of the connection, for what is out of the ordinary."""
        if self._streams is not None and self._streams[0].at_eof():
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(HOST, self._port, limit=LARGEST_HEAD)
        return self._streams

    def close(self) -> None:
        """Closes it, whatever is still under way."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Reads one answer with a Content-Length, or without a body."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    headers = dict(fields)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    cookies = tuple(value for name, value in fields if name == "set-cookie")
    return Answer(int(first.split()[1]), headers, body, cookies)


def request_bytes(
    method: str, path: str, headers: Mapping[str, str], body: bytes = b"", kind: str = "application/json"
) -> bytes:
    """A complete request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
