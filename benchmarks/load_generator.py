"""Load on a service: many kept connections from one lean process, so that the service is what is measured.

Requests are bytes made beforehand; of an answer only status, length and, where needed, the serial are read.
The first part of each run warms up: what happens in it is checked and counted, but not timed.
"""

import asyncio
import gc
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import cast

import msgspec
import uvloop

from benchmarks.child_process import HOST
from benchmarks.population import COMPONENT_TOKEN
from benchmarks.wire import ISSUE_PATH

WARM_UP_SHARE = 0.2
LEAST_WARM_UP_SECONDS = 0.3
GRACE_SECONDS = 30.0
END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length: "
SERIAL = b'{"serial":'
ISSUED = b'"status":201'
ACCEPT_BODY = b'{"accept":""}'
ACCEPT = (
    f"POST {ISSUE_PATH}/%d/action HTTP/1.1\r\nHost: {HOST}\r\nAccept: application/json\r\n"
    f"X-Auth-Token: {COMPONENT_TOKEN}\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(ACCEPT_BODY)}\r\n\r\n"
).encode("ascii") + ACCEPT_BODY


class Pairs(msgspec.Struct, tag=True):
    """Issues a commission, accepts it; again with the next of these requests."""

    issues: list[bytes]


class Reads(msgspec.Struct, tag=True):
    """Sends these requests in turn, each of which has one right answer."""

    requests: list[bytes]
    answers: list[bytes]


class Issues(msgspec.Struct, tag=True):
    """Sends these requests in turn, each of which issues so many commissions, at once or in one bulk."""

    requests: list[bytes]
    size: int


class Plan(msgspec.Struct):
    """What to do, on how many connections, for how long; they are shared out to the ports."""

    ports: Sequence[int]
    connections: int
    seconds: float
    work: Pairs | Reads | Issues


class Outcome(msgspec.Struct):
    """What came of it.

    Attributes:
        per_second: pairs or reads.
        median, percentile_99: seconds that one call (of two in a pair) took.
        done: how often each of the plan's requests was carried through, the warm-up included.
    """

    per_second: float
    median: float
    percentile_99: float
    done: list[int]


class WrongAnswerError(Exception):
    """The service answered something else than it had to; there is nothing to measure."""


def generate(plan: Plan) -> Outcome:
    """Carries out a plan in a process of its own."""
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.load_generator"],
        input=msgspec.json.encode(plan),
        stdout=subprocess.PIPE,
        timeout=plan.seconds + 2 * GRACE_SECONDS,
        check=True,
    )
    return msgspec.json.decode(process.stdout, type=Outcome)


class _Run:
    """What the connections of one run share: the clock, and the book."""

    def __init__(self, plan: Plan, requests: int) -> None:
        self.begin = time.perf_counter() + max(LEAST_WARM_UP_SECONDS, plan.seconds * WARM_UP_SHARE)
        self.end = self.begin + plan.seconds
        self.latencies: list[float] = []
        self.turns = 0
        self.done = [0] * requests

    def outcome(self) -> Outcome:
        latencies = sorted(self.latencies)
        if not latencies:
            raise WrongAnswerError("no call ended in the time of the measurement")
        return Outcome(
            per_second=self.turns / (self.end - self.begin),
            median=latencies[len(latencies) // 2],
            percentile_99=latencies[len(latencies) * 99 // 100],
            done=self.done,
        )


class _Caller(asyncio.Protocol):
    """One connection, on which one call follows the other; a turn is what is repeated."""

    transport: asyncio.Transport

    def __init__(self, run: _Run, mine: Sequence[int]) -> None:
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.run = run
        self.mine = mine
        self.position = 0
        self._sent = 0.0
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self.transport = cast("asyncio.Transport", transport)
        self.turn(self.mine[0])

    def turn(self, number: int) -> None:
        """Begins a turn with the request of that number."""
        raise NotImplementedError

    def answered(self, number: int, status: int, body: bytes) -> bool:
        """Takes an answer; true if the turn ends with it."""
        raise NotImplementedError

    def send(self, request: bytes) -> None:
        self._sent = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        try:
            self._receive(self._received + data if self._received else data)
        except (ValueError, WrongAnswerError) as error:
            self._finish(error)

    def _receive(self, data: bytes) -> None:
        end = data.find(END_OF_HEAD)
        body = end + len(END_OF_HEAD)
        at = data.find(LENGTH, 0, end) + len(LENGTH)
        if end < 0 or len(data) < body + int(data[at : data.find(b"\r\n", at)]):
            self._received = data
            return
        now = time.perf_counter()
        self._received = b""
        run = self.run
        timed = run.begin <= now < run.end
        if timed:
            run.latencies.append(now - self._sent)
        number = self.mine[self.position]
        if self.answered(number, int(data[9:12]), data[body:]):
            run.done[number] += 1
            run.turns += timed
            if now >= run.end:
                self._finish(None)
                return
            self.position = (self.position + 1) % len(self.mine)
            self.turn(self.mine[self.position])

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(exc or ConnectionResetError("the service closed a connection"))

    def _finish(self, error: Exception | None) -> None:
        if not self.finished.done():
            if error is None:
                self.finished.set_result(None)
            else:
                self.finished.set_exception(error)
            self.transport.close()


class _Pairing(_Caller):
    """Issues and accepts."""

    def __init__(self, run: _Run, mine: Sequence[int], work: Pairs) -> None:
        super().__init__(run, mine)
        self._issues = work.issues
        self._issuing = True

    def turn(self, number: int) -> None:
        self._issuing = True
        self.send(self._issues[number])

    def answered(self, number: int, status: int, body: bytes) -> bool:
        if not self._issuing:
            if status != 200:
                raise WrongAnswerError(f"an accept was answered {status}: {body!r}")
            return True
        if status != 201 or not body.startswith(SERIAL):
            raise WrongAnswerError(f"the issue number {number} was answered {status}: {body!r}")
        self._issuing = False
        self.send(ACCEPT % int(body[len(SERIAL) : -1]))
        return False


class _Reading(_Caller):
    """Reads."""

    def __init__(self, run: _Run, mine: Sequence[int], work: Reads) -> None:
        super().__init__(run, mine)
        self._requests = work.requests
        self._answers = work.answers

    def turn(self, number: int) -> None:
        self.send(self._requests[number])

    def answered(self, number: int, status: int, body: bytes) -> bool:
        if status != 200 or body != self._answers[number]:
            raise WrongAnswerError(f"the read number {number} was answered {status}: {body!r}")
        return True


class _Issuing(_Caller):
    """Issues only."""

    def __init__(self, run: _Run, mine: Sequence[int], work: Issues) -> None:
        super().__init__(run, mine)
        self._requests = work.requests
        self._size = work.size

    def turn(self, number: int) -> None:
        self.send(self._requests[number])

    def answered(self, number: int, status: int, body: bytes) -> bool:
        right = status == 201 if self._size == 1 else status == 200 and body.count(ISSUED) == self._size
        if not right:
            raise WrongAnswerError(f"the issue number {number} was answered {status}: {body[:500]!r}")
        return True


def _caller(run: _Run, mine: Sequence[int], work: Pairs | Reads | Issues) -> _Caller:
    match work:
        case Pairs():
            return _Pairing(run, mine, work)
        case Reads():
            return _Reading(run, mine, work)
        case Issues():
            return _Issuing(run, mine, work)


async def _carry_out(plan: Plan) -> Outcome:
    work = plan.work
    count = len(work.issues if isinstance(work, Pairs) else work.requests)
    run = _Run(plan, count)
    loop = asyncio.get_running_loop()
    callers: list[_Caller] = []
    for connection in range(plan.connections):
        # Each connection has requests of its own as long as there are enough.
        mine = range(connection, count, plan.connections) or range(connection % count, connection % count + 1)
        caller = _caller(run, mine, work)
        callers.append(caller)
        port = plan.ports[connection % len(plan.ports)]
        await loop.create_connection(lambda caller=caller: caller, HOST, port)  # type: ignore[misc]
    async with asyncio.timeout(plan.seconds + GRACE_SECONDS):
        await asyncio.gather(*(caller.finished for caller in callers))
    return run.outcome()


def main() -> None:
    """Read a plan, carry it out, write the outcome."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    # A collection would be measured as latency of the service; a bounded run does not need any.
    gc.disable()
    outcome = uvloop.run(_carry_out(plan))
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


if __name__ == "__main__":
    main()
