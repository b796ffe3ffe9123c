"""The asynchronous clients for asyncio: `AsyncAstakosClient` and its form bound to one token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astakosclient.core.address import parse_service_url
from astakosclient.core.background import Background
from astakosclient.core.conversation import Conversations
from astakosclient.core.synchronous import as_logger, as_retry, as_timeout, as_transport
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
    """The asyncio version of `AstakosClient`: the same calls as coroutines.

    Tasks can share a client, and so can event loops, in sequence or in several threads. You can cancel a call
    at any time without affecting other calls. The server may still carry out a cancelled call: for example,
    it may issue the commission. The block of `commission` takes care of that by itself (see
    `AsyncCommission`).

    Every call either returns its documented result or raises an `AstakosClientException` (see
    `astakosclient.errors`). Invalid arguments raise `BadValue`, and the client sends nothing.

    Close the client with ``async with`` or `aclose`. If you drop it with open connections, it closes them and
    emits a `ResourceWarning`.

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
        """Creates a client; sends nothing and does not need a running event loop.

        Args:
            astakos_url: the base URL of the service, with scheme ``http`` or ``https``. A path is kept as a
                prefix.
            retry: maximum number of retries of a call, or a `Retry` policy.
            pool_size: maximum number of open connections per event loop. Further calls wait for a free one,
                up to their timeout.
            logger: logs each attempt at debug level and each retry as a warning; the default is the logger
                ``astakosclient``. Log records never contain a token.
            timeout: limit for a whole call, in seconds, or a `Timeout`; the default is 60 seconds in total
                and 5 seconds to connect.
            ssl_context: TLS settings; by default, verifies the server against the system's certificate
                authorities.
            transport: a custom `AsyncTransport`. The client does not close it, and ignores ``pool_size`` and
                ``ssl_context``.
            on_attempt: called with an `Attempted` before each attempt; can add headers.
            on_answer: called with an `Answered` after each attempt. Exceptions from hooks are logged and
                otherwise ignored.

        Raises:
            BadValue: an argument is invalid.
        """
        address = parse_service_url(astakos_url)
        self._conversations = Conversations(
            address=address,
            retry=as_retry(retry),
            timeout=as_timeout(timeout),
            logger=as_logger(logger),
            on_attempt=on_attempt,
            on_answer=on_answer,
        )
        self._background = Background()
        self._own_transport: AsyncHttpTransport | None = None
        if transport is None:
            transport = self._own_transport = AsyncHttpTransport(
                address, pool_size=pool_size, ssl_context=ssl_context
            )
        self._transport = as_transport(transport)

    def bind(self, token: str | None) -> AsyncBoundClient:
        """Returns a client bound to the token, so that its calls do not take one. Shares all connections.

        Example:
            .. code-block:: python

                me = client.bind(token)
                await me.get_quotas()
        """
        return AsyncBoundClient(self, token)


class AsyncBoundClient(AsyncBoundCalls):
    """The asynchronous client bound to one token; created by `AsyncAstakosClient.bind`."""

    def __init__(self, client: AsyncAstakosClient, token: str | None) -> None:
        """Shares settings and connections with ``client``."""
        self._conversations = client._conversations  # noqa: SLF001 - same package
        self._transport = client._transport  # noqa: SLF001
        self._own_transport = client._own_transport  # noqa: SLF001
        self._background = client._background  # noqa: SLF001
        self._token = token
