"""What goes wrong, and when: one fault after the other, at intervals.

Those that end the service come in the first quarter. In the second one its processes warm up: allocators take
what the largest answers of a while need, and caches fill. In the second half they show whether they grow.
"""

import asyncio
import http.client
import itertools
import time
from collections.abc import Mapping
from contextlib import closing
from typing import NamedTuple

from benchmarks.child_process import HOST
from benchmarks.soak.callers import Soak
from benchmarks.soak.service import Service
from benchmarks.soak.storage import Fault

KILLED, RESTARTED = "service killed", "service restarted"
RECOVERY_SECONDS = 60.0
LATER = 2
"""So many times as rare the others are once the service is left running."""


class Disturbance(NamedTuple):
    """A fault that has happened.

    Attributes:
        at: seconds since the run began.
        recovery: seconds from its end until the service was ready again.
    """

    name: str
    at: float
    recovery: float


class Disturber:
    """Causes faults until the soak ends, and keeps a list of them."""

    def __init__(
        self, soak: Soak, service: Service, faults: Mapping[str, Fault], left_running: float
    ) -> None:
        """Prepares.

        Args:
            soak: whose tally is told.
            service: that is killed and restarted.
            faults: what else can happen.
            left_running: from so many seconds after the start, the service is not ended any more.
        """
        self.done: list[Disturbance] = []
        self._soak = soak
        self._left_running = left_running
        self._others = dict(faults)
        self._all = {
            KILLED: _then_start(service.kill, service),
            RESTARTED: _then_start(service.stop, service),
        }
        self._all.update(faults)

    async def disturb(self, interval: float) -> None:
        """Causes a fault after each interval of so many seconds."""
        for name in itertools.cycle(self._all):
            if self._soak.tally.elapsed > self._left_running - interval:
                break
            if await self._ends_within(interval):
                return
            await self._cause(name)
        for name in itertools.cycle(self._others):
            if await self._ends_within(LATER * interval):
                return
            await self._cause(name)

    async def _ends_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._soak.ending.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _cause(self, name: str) -> None:
        at = self._soak.tally.elapsed
        self._soak.tally.begin_fault(name)
        await asyncio.to_thread(self._all[name])
        recovery = await asyncio.to_thread(_wait_until_ready, self._soak.port)
        self._soak.tally.end_fault()
        self.done.append(Disturbance(name, at, recovery))
        if recovery >= RECOVERY_SECONDS:
            self._soak.tally.problem(f"{name}: not ready again within {RECOVERY_SECONDS:.0f} s")


def _then_start(end: Fault, service: Service) -> Fault:
    def fault() -> None:
        end()
        service.start()

    return fault


def _wait_until_ready(port: int) -> float:
    began = time.monotonic()
    while not _is_ready(port) and time.monotonic() - began < RECOVERY_SECONDS:
        time.sleep(0.05)
    return time.monotonic() - began


def _is_ready(port: int) -> bool:
    with closing(http.client.HTTPConnection(HOST, port, timeout=5)) as connection:
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
