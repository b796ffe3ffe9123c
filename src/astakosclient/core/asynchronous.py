"""Base class of the asynchronous clients: runs calls on the caller's event loop."""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING, NoReturn, Self, TypeVar

from astakosclient.core.conversation import TROUBLE, Attempt, Conversations
from astakosclient.core.synchronous import copy_of, refuse_to_be_pickled, with_options
from astakosclient.errors import AstakosClientException

if TYPE_CHECKING:
    from collections.abc import Callable

    from astakosclient.calls.call import Call, Parts
    from astakosclient.core.background import Background
    from astakosclient.core.exchange import AsyncTransport, Timeout
    from astakosclient.http1.aio.async_transport import AsyncHttpTransport
    from astakosclient.retry import Retry

T = TypeVar("T")


class Asynchronous:
    """Base class of the asynchronous clients: options, transport and lifecycle."""

    _conversations: Conversations
    _transport: AsyncTransport
    _own_transport: AsyncHttpTransport | None
    _background: Background

    def with_options(
        self, *, timeout: float | Timeout | None = None, retry: int | Retry | None = None
    ) -> Self:
        """Returns a copy of the client with another timeout or retry policy. It shares all connections.

        Args:
            timeout: limit for a whole call, in seconds, or a `Timeout`; None keeps the current one.
            retry: maximum number of retries, or a `Retry`; None keeps the current policy.

        Raises:
            BadValue: an argument is invalid.
        """
        other = copy.copy(self)
        other._conversations = with_options(self._conversations, timeout, retry)  # noqa: SLF001 - own class
        return other

    async def aclose(self) -> None:
        """Closes the client's connections. Safe to call twice; a later call opens a new connection.

        First waits for the commissions whose blocks were cancelled to be settled or rejected, up to the
        client's timeout. Blocks that are open have a moment to end.
        """
        try:
            await self._background.finish(self._conversations.timeout.total)
        finally:
            if self._own_transport is not None:
                await self._own_transport.aclose()

    async def __aenter__(self) -> Self:
        """Returns the client; leaving the ``async with`` block closes it."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Closes the client's connections."""
        await self.aclose()

    def __copy__(self) -> Self:
        """Returns another object for the same client, with the same connections."""
        return copy_of(self)

    def __getstate__(self) -> NoReturn:
        """Refuses to be pickled or deep-copied."""
        refuse_to_be_pickled(self)

    def __repr__(self) -> str:
        """Returns the class and the base URL, without secrets."""
        return f"<{type(self).__name__} of {self._conversations.address}>"

    async def _run_despite_cancellation(
        self, call: Call[T], trouble: str, undo: Callable[[T], Call[None]] | None = None
    ) -> T:
        """Runs a call that goes on in the background if the caller is cancelled meanwhile.

        Args:
            call: the call.
            trouble: what to log if the call then fails.
            undo: takes the result of a call whose caller has gone, and returns the call that undoes it.
        """
        running = asyncio.get_running_loop().create_task(self._run(call))
        try:
            # anyio cancels again and again, so that a caller that is cancelled could send nothing by itself.
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if not running.cancelled():
                self._background.start(self._finish(running, trouble, undo))
            raise

    async def _finish(
        self, running: asyncio.Task[T], trouble: str, undo: Callable[[T], Call[None]] | None
    ) -> None:
        try:
            result = await running
            if undo is not None:
                await self._run(undo(result))
        except AstakosClientException as error:
            self._conversations.logger.warning("%s: %s", trouble, error)

    async def _run(self, call: Call[T] | Parts[T]) -> T:
        conversation = self._conversations.hold(call)
        try:
            step = next(conversation)
            while True:
                if isinstance(step, Attempt):
                    try:
                        answer = await self._transport.send(step.request, step.timeout)
                    except TROUBLE as trouble:
                        step = conversation.throw(trouble)
                    else:
                        step = conversation.send(answer)
                else:
                    await asyncio.sleep(step.seconds)
                    step = next(conversation)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            conversation.close()
