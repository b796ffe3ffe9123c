"""Running a coroutine without a task: most handlers finish at once, or wait for one future.

A task costs three turns of the event loop and as many allocations before the first line of the handler runs.
Here the handler runs where its request was read, up to where it really has to wait. What runs like this has
no current task, so whatever needs one (`asyncio.timeout`, `asyncio.TaskGroup`) has to begin one for itself.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Steps(Generic[T]):
    """One coroutine on its way to its result."""

    __slots__ = ("_context", "_coroutine", "_done", "_failed", "_loop")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Prepares to run it; `done` or `failed` is called once, perhaps before `run` returns."""
        self._loop = loop
        self._coroutine = coroutine
        self._done = done
        self._failed = failed
        self._context = contextvars.copy_context()

    def run(self) -> None:
        """Runs it as far as it goes now; it goes on by itself."""
        self._context.run(self._step)

    def _step(self, _waited: object = None) -> None:
        try:
            future = self._coroutine.send(None)
        except StopIteration as end:
            self._done(end.value)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it ends this request and nothing else
            self._failed(error)
        else:
            if future is None:
                self._loop.call_soon(self._step, context=self._context)
            else:
                # What a task does, too: tells the future that it is waited for in the right way.
                future._asyncio_future_blocking = False  # noqa: SLF001
                future.add_done_callback(self._step, context=self._context)
