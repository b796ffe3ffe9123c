"""The asynchronous clients: the documented one, its calls awaited, and its form with a bound token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astakosclient.core.address import parse_base_url
from astakosclient.core.conversation import Conversations
from astakosclient.core.synchronous import as_logger, as_retry, as_timeout
from astakosclient.http1.aio.async_transport import DEFAULT_POOL_SIZE, AsyncHttpTransport
from astakosclient.methods.async_bound_methods import AsyncBoundCalls
from astakosclient.methods.async_methods import AsyncCalls

if TYPE_CHECKING:
    import logging
    import ssl
    from collections.abc import Callable

    from astakosclient.core.exchange import AsyncTransport, Timeout
    from astakosclient.events import Answered, Attempted
    from astakosclient.retry import Retry


class AsyncAstakosClient(AsyncCalls):
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
        on_attempt: Callable[[Attempted], None] | None = None,
        on_answer: Callable[[Answered], None] | None = None,
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
            on_attempt: called with an `Attempted` before each attempt; it may add headers.
            on_answer: called with an `Answered` after each attempt. What a hook raises is logged only.

        Raises:
            BadValue: an argument cannot be right.
        """
        address = parse_base_url(astakos_url)
        self._conversations = Conversations(
            address=address,
            retry=as_retry(retry),
            timeout=as_timeout(timeout),
            logger=as_logger(logger),
            on_attempt=on_attempt,
            on_answer=on_answer,
        )
        self._own_transport: AsyncHttpTransport | None = None
        if transport is None:
            transport = self._own_transport = AsyncHttpTransport(
                address, pool_size=pool_size, ssl_context=ssl_context
            )
        self._transport = transport

    def bind(self, token: str | None) -> AsyncBoundClient:
        """The same calls without their first argument; it shares all connections with this client.

        Example:
            .. code-block:: python

                me = client.bind(token)
                await me.get_quotas()
        """
        return AsyncBoundClient(self, token)


class AsyncBoundClient(AsyncBoundCalls):
    """An asynchronous client with a token that all its calls use; made by `AsyncAstakosClient.bind`."""

    def __init__(self, client: AsyncAstakosClient, token: str | None) -> None:
        """Share everything with a client."""
        self._conversations = client._conversations  # noqa: SLF001 - of one package
        self._transport = client._transport  # noqa: SLF001
        self._own_transport = client._own_transport  # noqa: SLF001
        self._token = token
