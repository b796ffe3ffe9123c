"""A flood: one process that repeats requests on many connections, without a pause, until it is told to end.

Answers are counted by status. A connection that the service closes is opened again after a pause.
"""

import asyncio
import contextlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import msgspec
import uvloop

from benchmarks.child_process import HOST

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length: "
PAUSE_SECONDS = 0.05
END_SECONDS = 10.0


class Flood(msgspec.Struct):
    """What to send to which port, on how many connections; each connection begins with another request."""

    port: int
    connections: int
    requests: list[bytes]


@contextlib.contextmanager
def flooding(flood: Flood) -> Iterator[Counter[int]]:
    """Keeps the flood up while the context lasts; afterwards the counter holds the answers by status."""
    answers: Counter[int] = Counter()
    command = [sys.executable, "-m", "benchmarks.flood"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        plan = msgspec.json.encode(flood)
        process.stdin.write(len(plan).to_bytes(8, "big") + plan)
        process.stdin.flush()
        try:
            yield answers
        finally:
            process.stdin.close()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            answers.update(msgspec.json.decode(process.stdout.read(), type=dict[int, int]))


async def _repeat(flood: Flood, first: int, answers: Counter[int]) -> None:
    number = first
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection(HOST, flood.port)
            try:
                while True:
                    writer.write(flood.requests[number % len(flood.requests)])
                    number += 1
                    head = await reader.readuntil(END_OF_HEAD)
                    status = int(head[9:12])
                    at = head.find(LENGTH)
                    if at >= 0:
                        at += len(LENGTH)
                        await reader.readexactly(int(head[at : head.index(b"\r\n", at)]))
                    answers[status] += 1
                    if at < 0 or b"connection: close" in head:
                        break
            finally:
                writer.close()
        await asyncio.sleep(PAUSE_SECONDS)


async def _keep_up(flood: Flood) -> Counter[int]:
    answers: Counter[int] = Counter()
    callers = [
        asyncio.create_task(_repeat(flood, connection, answers)) for connection in range(flood.connections)
    ]
    # The standard input ends when the flood is to end.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    return answers


def main() -> None:
    """Read what to do, do it until the standard input ends, write the counts."""
    length = int.from_bytes(sys.stdin.buffer.read(8), "big")
    flood = msgspec.json.decode(sys.stdin.buffer.read(length), type=Flood)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_keep_up(flood))))


if __name__ == "__main__":
    main()
