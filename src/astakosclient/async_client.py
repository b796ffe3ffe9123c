"""The asynchronous client: one method per call of the API, the token first, each to be awaited."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Self, TypeVar

from astakosclient import calls
from astakosclient.address import parse_base_url
from astakosclient.async_transport import DEFAULT_POOL_SIZE, AsyncHttpTransport
from astakosclient.conversation import TROUBLE, Attempt, Conversations
from astakosclient.exchange import Timeout
from astakosclient.retry import Retry

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping

    from astakosclient.calls import Call
    from astakosclient.exchange import AsyncTransport

T = TypeVar("T")


class AsyncAstakosClient:
    """An `AstakosClient` for programs that run on asyncio: the same calls, awaited.

    One client can be shared by all tasks, by event loops one after the other, and by event loops in several
    threads. A call may be cancelled at any time; that never affects another call. What a cancelled call did
    at the server is not known: a commission may have been issued.

    Every call either returns what it says or raises an `AstakosClientException` (see `astakosclient.errors`);
    arguments that cannot be right raise `BadValue` before anything is sent.

    A client that has connections open must be closed, by ``async with`` or `aclose`; else it warns of that
    with a `ResourceWarning` when it is dropped, and closes them.

    Example:
        .. code-block:: python

            from astakosclient import AsyncAstakosClient


            async def greet(token: str) -> None:
                async with AsyncAstakosClient("https://accounts.example.com", retry=2) as client:
                    user_info = await client.get_user_info(token)
                    print(user_info["username"])
    """

    def __init__(
        self,
        astakos_url: str,
        retry: int | Retry = 0,
        *,
        pool_size: int = DEFAULT_POOL_SIZE,
        logger: logging.Logger | None = None,
        timeout: float | Timeout | None = None,
        ssl_context: ssl.SSLContext | None = None,
        transport: AsyncTransport | None = None,
    ) -> None:
        """Prepare a client; nothing is sent yet, and no event loop is needed.

        Args:
            astakos_url: the base URL of the service, ``http`` or ``https``; a path is kept as a prefix.
            retry: how often a call may be repeated, or a `Retry`, which says what is repeated and when.
            pool_size: how many connections one event loop may have open; further calls wait, within their
                time, until one is free.
            logger: who is told of each attempt (debug) and each repetition (warning), instead of the
                logger ``astakosclient``. Records never hold a token.
            timeout: the seconds that a whole call may take, or a `Timeout`; by default 60, of which 5 for
                connecting.
            ssl_context: how to verify the server; by default against the system's authorities.
            transport: another way to carry requests. The client does not close it; ``pool_size`` and
                ``ssl_context`` are then without effect.

        Raises:
            BadValue: an argument cannot be right.
        """
        address = parse_base_url(astakos_url)
        self._conversations = Conversations(
            address=address,
            retry=retry if isinstance(retry, Retry) else Retry(retry),
            timeout=_timeout(timeout),
            logger=logging.getLogger("astakosclient") if logger is None else logger,
        )
        self._own_transport: AsyncHttpTransport | None = None
        if transport is None:
            transport = self._own_transport = AsyncHttpTransport(
                address, pool_size=pool_size, ssl_context=ssl_context
            )
        self._transport = transport

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
        return f"<AsyncAstakosClient of {self._conversations.address}>"

    async def _run(self, call: Call[T]) -> T:
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
            # When cancelled, it is in the middle of something.
            conversation.close()

    async def get_user_info(self, token: str | None, usage: bool = False) -> dict[str, Any]:
        """Who holds this token; see `AstakosClient.get_user_info`."""
        return await self._run(calls.get_user_info(token, usage))

    async def get_usernames(self, token: str | None, uuids: Iterable[str] | None) -> dict[str, str]:
        """The user names of several users, by UUID; see `AstakosClient.get_usernames`."""
        return await self._run(calls.get_usernames(token, uuids, calls.USER_CATALOGS))

    async def get_quotas(self, token: str | None) -> dict[str, Any]:
        """The user's own quotas; see `AstakosClient.get_quotas`."""
        return await self._run(calls.get_quotas(token))

    async def issue_commission(self, token: str | None, request: Mapping[str, Any]) -> int:
        """Ask for quantities, as a service; see `AstakosClient.issue_commission`."""
        return await self._run(calls.issue_commission(token, request))

    async def accept_commission(
        self, token: str | None, serial: int, *, quantities: Iterable[Mapping[str, Any]] | None = None
    ) -> None:
        """Accept a pending commission; see `AstakosClient.accept_commission`."""
        await self._run(calls.commission_action(token, serial, "accept", quantities))


def _timeout(timeout: float | Timeout | None) -> Timeout:
    if timeout is None:
        return Timeout()
    return timeout if isinstance(timeout, Timeout) else Timeout(total=timeout)
