"""Sends bad requests to a service, and watches what they do to it.

By hand, for as long as you like:

    $ PYTHONPATH=src:tests python -m fuzzing.fuzzer --requests 1000000 --seed 1

The seed sends the same again. Heads, calls and bodies are drawn by themselves and put together at random, or
such as fit each other; after each group of requests the tables are as before, but for what was not refused.
"""

import argparse
import functools
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, given, seed, settings

from astakos.storage.protocol import Database
from astakos.storage.schema.whole_tables import LEFT_OUT
from fuzzing.bodies import bodies
from fuzzing.calls import calls, fitting, heads
from fuzzing.streams import streams
from fuzzing.subject import errors_in, turn_all_on
from fuzzing.wire import Sent, Wire, throw
from service.command import Serving, serving_from_the_start
from service.installation import all_rows, database_at, make_world
from service.world import BASE_URL

WILD_IN_A_GROUP, SOUND_IN_A_GROUP, STREAMS_IN_A_GROUP = 70, 30, 20
DRAWN = 400
"""How many heads, calls, bodies and streams are drawn at once, to be put together."""
DRAWN_FOR_A_GROUP = 16
READING = (b"GET", b"HEAD", b"OPTIONS", b"TRACE")
OPTIONS = ("--base-url", BASE_URL, "--log-level", "error")

T = TypeVar("T")
Tables = Mapping[str, list[tuple[object, ...]]]


@functools.lru_cache(maxsize=16)
def drawn(strategy: st.SearchStrategy[T], number: int, count: int) -> Sequence[T]:
    """Values of a strategy, at most `count`, the same for the same seed.

    Making them takes most of the time of a run, so the last are kept: for a run on another database.
    """
    found: list[T] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def note(value: T) -> None:
        found.append(value)

    note()
    return found


@dataclass
class Tally:
    """What came of a run.

    Attributes:
        sent: how many requests.
        compared: how many of them were refused in groups after which all tables were as before.
        resident: the memory of the service in bytes, after each half.
        slowest: the longest time that an answer took, in seconds.
    """

    sent: int = 0
    compared: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    resident: list[int] = field(default_factory=list)
    slowest: float = 0.0


COUNTING = {"login_attempts"}
"""Tables that count refused requests; engines, in one of `LEFT_OUT`, count batches for themselves."""
FOLLOWING = {"destinations", "deliveries"}
"""Tables of the process that delivers what the audit log tells: it follows when it has time."""


def differences(before: Tables, after: Tables) -> Tables:
    """The rows that there are only before or only after, by table."""
    changed = {
        name: [
            row
            for one, other in ((before, after), (after, before))
            for row in one[name]
            if row not in other[name]
        ]
        for name in before.keys() - LEFT_OUT - COUNTING - FOLLOWING
    }
    return {name: rows for name, rows in changed.items() if rows}


class Fuzzer:
    """Sends to one service."""

    def __init__(self, database: Database, service: Serving, drawn_at_once: int = DRAWN) -> None:
        self._drawn_at_once = drawn_at_once
        parts = urlsplit(service.address)
        self._address = parts.hostname or "", parts.port or 0
        self._database = database
        self._service = service
        self.tally = Tally()

    def run(self, requests: int, number: int) -> None:
        """Sends at least so many requests, made of a seed."""
        chance = random.Random(number)
        for half in (1, 2):
            while self.tally.sent < requests * half // 2:
                self._send_drawn(chance)
            self.tally.resident.append(sum(map(_resident_bytes, self._processes())))

    def _send_drawn(self, chance: random.Random) -> None:
        """Draws, and sends some groups of that."""
        count = self._drawn_at_once
        wild: list[Sequence[Any]] = [
            drawn(strategy, chance.getrandbits(32), count) for strategy in (calls, heads, bodies)
        ]
        sound = drawn(fitting, chance.getrandbits(32), count)
        thrown = drawn(streams, chance.getrandbits(32), count)
        for _ in range(count // DRAWN_FOR_A_GROUP):
            parts: list[Any] = [tuple(map(chance.choice, wild)) for _ in range(WILD_IN_A_GROUP)]
            parts += chance.choices(sound, k=SOUND_IN_A_GROUP)
            chance.shuffle(parts)
            self._ask_all([Sent(call[0], call[1], head, body) for call, head, body in parts])
            self._throw_all(chance.choices(thrown, k=STREAMS_IN_A_GROUP))

    def _ask_all(self, requests: Sequence[Sent]) -> None:
        before = all_rows(self._database)
        refused = self._refused(requests)
        if any(request.method not in READING for request in requests if request not in refused):
            # Some may have changed something, and rightly so: those that were refused come once more, alone.
            before = all_rows(self._database)
            requests = refused
            refused = self._refused(requests)
        if len(refused) == len(requests):
            assert differences(before, all_rows(self._database)) == {}
            self.tally.compared += len(refused)

    def _refused(self, requests: Sequence[Sent]) -> list[Sent]:
        with Wire(self._address) as wire:
            refused = [request for request in requests if self._is_refused(wire, request)]
            assert wire.ask(Sent(b"GET", b"/astakos/healthz", (), None)) == 200
            self.tally.slowest = max(self.tally.slowest, wire.slowest)
        return refused

    def _is_refused(self, wire: Wire, request: Sent) -> bool:
        status = wire.ask(request)
        self.tally.sent += 1
        self.tally.statuses[status] += 1
        assert status < 500, (status, bytes(request)[:3000])
        return status >= 400

    def _throw_all(self, streams: Sequence[bytes]) -> None:
        before = all_rows(self._database)
        statuses = throw(self._address, streams)
        self.tally.sent += len(streams)
        self.tally.statuses.update(statuses)
        # 505 is the right answer to another version of HTTP.
        wrong = [status for status in statuses if status >= 500 and status != 505]
        assert not wrong, (
            statuses,
            [stream[:300] for stream in streams],
        )
        assert differences(before, all_rows(self._database)) == {}, [stream[:300] for stream in streams]
        self.tally.compared += len(streams)

    def _processes(self) -> list[int]:
        return [self._service.process.pid, *self._service.workers()]


def _resident_bytes(process: int) -> int:
    pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Run it by hand."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=random.getrandbits(32))
    options = parser.parse_args()
    sys.stdout.write(f"seed {options.seed}\n")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "world.db")
        make_world(path)
        database = database_at(path)
        turn_all_on(database)
        with serving_from_the_start(database, *OPTIONS) as service:
            fuzzer = Fuzzer(database, service)
            fuzzer.run(options.requests, options.seed)
            errors = errors_in(service.end().errors)
        database.close()
    sys.stdout.write("\n".join([str(fuzzer.tally), *errors, ""]))
    sys.exit(bool(errors))


if __name__ == "__main__":
    main()
