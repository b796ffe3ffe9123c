"""Decides whose work runs now: so many at a time, the rest in turns, caller by caller, for a bounded time."""

import asyncio
from collections import Counter
from collections.abc import Hashable
from contextvars import ContextVar
from typing import NamedTuple

from astakos.ledger.ports import NotCarriedOutError
from astakos.turns import Turns

current_caller: ContextVar[Hashable] = ContextVar("current_caller", default=None)
"""Who has sent the request that is being handled: a network, then the user or component who has proven it."""


class Bounds(NamedTuple):
    """What may run and wait.

    Attributes:
        at_once: how much runs at the same time.
        of_one: how much of one caller runs at the same time; less than `at_once`, so that others need not
            wait.
        waiting: how much waits.
        waiting_of_one: how much of one caller waits.
        seconds: how long it waits.
    """

    at_once: int
    of_one: int
    waiting: int = 1024
    waiting_of_one: int = 256
    seconds: float = 5.0


class _Waiting(NamedTuple):
    caller: Hashable
    turn: "asyncio.Future[None]"


class Admission:
    """Admits work of one kind, on an event loop."""

    def __init__(self, kind: str, bounds: Bounds) -> None:
        """Sets what may run and wait.

        Args:
            kind: What the work is, in the plural, for messages.
            bounds: The bounds.
        """
        self._bounds = bounds
        self._refusal = f"too many {kind} are queued"
        self._running: Counter[Hashable] = Counter()
        self._running_count = 0
        self._waiting: Turns[_Waiting] = Turns()

    async def enter(self) -> Hashable:
        """Waits for a place for the current caller. Returns the caller, in whose name `leave` gives it back.

        Raises:
            NotCarriedOutError: Too much is waiting, or no place became free in time. Nothing was done.
        """
        caller = current_caller.get()
        if self._running_count < self._bounds.at_once and self._may_run(caller):
            self._begin(caller)
        else:
            await self._wait(caller)
        return caller

    def leave(self, caller: Hashable) -> None:
        """Gives a caller's place to whose turn it is."""
        self._running_count -= 1
        self._running[caller] -= 1
        if not self._running[caller]:
            del self._running[caller]
        while self._running_count < self._bounds.at_once:
            try:
                waiting = self._waiting.take(self._may_run)
            except LookupError:
                return
            if not waiting.turn.done():
                self._begin(waiting.caller)
                waiting.turn.set_result(None)

    def _may_run(self, caller: Hashable) -> bool:
        return self._running[caller] < self._bounds.of_one

    def _begin(self, caller: Hashable) -> None:
        self._running[caller] += 1
        self._running_count += 1

    async def _wait(self, caller: Hashable) -> None:
        bounds = self._bounds
        if self._waiting.waiting_of(caller) >= bounds.waiting_of_one or len(self._waiting) >= bounds.waiting:
            raise NotCarriedOutError(self._refusal)
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.add(caller, _Waiting(caller, turn))
        # Handlers run outside of tasks, where `asyncio.timeout` does not work.
        timer = loop.call_later(bounds.seconds, self._give_up, turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # Its task was cancelled just after it had been admitted.
                self.leave(caller)
            self._waiting.remove(caller, _Waiting(caller, turn))
            raise
        finally:
            timer.cancel()

    def _give_up(self, turn: "asyncio.Future[None]") -> None:
        if not turn.done():
            turn.set_exception(NotCarriedOutError(self._refusal))
