"""How an asynchronous client carries its calls: conversations on the caller's event loop."""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING, Self, TypeVar

from astakosclient.core.conversation import TROUBLE, Attempt, Conversations
from astakosclient.core.synchronous import with_options

if TYPE_CHECKING:
    from astakosclient.calls.call import Call, Parts
    from astakosclient.core.exchange import AsyncTransport, Timeout
    from astakosclient.http1.aio.async_transport import AsyncHttpTransport
    from astakosclient.retry import Retry

T = TypeVar("T")


class Asynchronous:
    """What every asynchronous client has: where it calls, how, and over what."""

    _conversations: Conversations
    _transport: AsyncTransport
    _own_transport: AsyncHttpTransport | None

    def with_options(
        self, *, timeout: float | Timeout | None = None, retry: int | Retry | None = None
    ) -> Self:
        """The same client with another time or policy for its calls; it shares all connections.

        Args:
            timeout: the seconds that a whole call may take, or a `Timeout`.
            retry: how often a call may be repeated, or a `Retry`.

        Raises:
            BadValue: an argument cannot be right.
        """
        other = copy.copy(self)
        other._conversations = with_options(self._conversations, timeout, retry)  # noqa: SLF001 - one of its own
        return other

    async def aclose(self) -> None:
        """Close the kept connections. Closing again does nothing; a later call opens a new connection."""
        if self._own_transport is not None:
            await self._own_transport.aclose()

    async def __aenter__(self) -> Self:
        """The client itself, which is closed at the end of the ``async with`` block."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close the kept connections."""
        await self.aclose()

    def __repr__(self) -> str:
        """Where the service is, and nothing secret."""
        return f"<{type(self).__name__} of {self._conversations.address}>"

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
