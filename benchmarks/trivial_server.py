"""A server that costs next to nothing, so that what is measured is the client that calls it.

It answers every GET and every POST with one prepared answer each, with the headers of the real service. Its
one special path, `LAST`, answers with the request before, so that one can see what a client really sends.
"""

import asyncio
import signal
import sys

import uvloop

from benchmarks.child_process import HOST

LAST = "/last"
QUOTAS = (
    b'{"00000001-0000-4000-8000-000000000000":{'
    b'"compute.vm":{"limit":20,"usage":3,"pending":1,"project_limit":20,"project_usage":3,'
    b'"project_pending":1},"compute.ram":{"limit":68719476736,"usage":8589934592,"pending":0,'
    b'"project_limit":68719476736,"project_usage":8589934592,"project_pending":0}}}'
)
ISSUED = b'{"serial":57}'

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"


def _answer(status: bytes, body: bytes) -> bytes:
    lines = (
        b"HTTP/1.1 " + status,
        b"date: Mon, 03 Feb 2031 04:05:06 GMT",
        b"content-type: application/json; charset=UTF-8",
        b"content-length: %d" % len(body),
        b"cache-control: no-cache, no-store, must-revalidate, max-age=0",
        b"expires: Mon, 03 Feb 2031 04:05:06 GMT",
        b"last-modified: Mon, 03 Feb 2031 04:05:06 GMT",
        b"vary: X-Auth-Token",
    )
    return b"\r\n".join(lines) + END_OF_HEAD + body


GET_ANSWER = _answer(b"200 OK", QUOTAS)
POST_ANSWER = _answer(b"201 Created", ISSUED)
LAST_REQUEST = b"GET " + LAST.encode("ascii") + b" "


class _Responder(asyncio.Protocol):
    last = b""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = transport.write  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        if self._received:
            data = self._received + data
        end = data.find(END_OF_HEAD)
        if end < 0 or (data.startswith(b"POST") and len(data) < end + 4 + _length(data[:end])):
            self._received = data
            return
        self._received = b""
        if data.startswith(LAST_REQUEST):
            self._write(_answer(b"200 OK", _Responder.last))
            return
        _Responder.last = data
        self._write(POST_ANSWER if data.startswith(b"POST") else GET_ANSWER)


def _length(head: bytes) -> int:
    at = head.lower().index(LENGTH) + len(LENGTH)
    return int(head[at:].partition(b"\r\n")[0])


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Responder, HOST, 0)
    sys.stdout.write(f"ready at http://{HOST}:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()


if __name__ == "__main__":
    uvloop.run(_serve())
