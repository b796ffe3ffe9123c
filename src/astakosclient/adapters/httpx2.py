"""Requests carried by httpx2: for HTTP/2, SOCKS, and policies of one's own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
import weakref
from typing import TYPE_CHECKING, Self

from astakosclient.core.exchange import Answer
from astakosclient.errors import ConnectionError  # noqa: A004 - the documented name
from astakosclient.http1.decoding import UnusableAnswer, check_size
from astakosclient.http1.sync.deadline_socket import remaining
from astakosclient.http1.sync.transport import LARGEST_ANSWER

try:
    import httpx2
except ImportError as error:
    raise ImportError('httpx2 is not installed: pip install "astakosclient[httpx2]"') from error

if TYPE_CHECKING:
    from collections.abc import Callable

    from astakosclient.core.exchange import Request, Timeout

NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
TROUBLE = (httpx2.HTTPError, UnusableAnswer, TimeoutError)


class Httpx2Transport:
    """Carries requests through transports of httpx2, one in each process, so that it goes on after a fork.

    It uses them below `httpx2.Client`, which would follow redirects, keep cookies, and log URLs. Limits:

    * The parts of a call have the time of the whole each: connecting, sending, each piece of an answer's
      head. The total is looked at between the pieces of the body. So a peer that sends its head in drops
      can make a call longer than its time.
    * Proxies of the environment are not used; a transport can be made with ``proxy=``.

    Example:
        .. code-block:: python

            transport = Httpx2Transport(lambda: httpx2.HTTPTransport(http2=True, proxy="socks5://10.0.0.1"))
            client = AstakosClient("https://accounts.example.com", transport=transport)
    """

    def __init__(
        self,
        make: Callable[[], httpx2.BaseTransport] = httpx2.HTTPTransport,
        *,
        largest_answer: int = LARGEST_ANSWER,
    ) -> None:
        """Prepare; nothing is made yet.

        Args:
            make: makes the transport that is used in a process.
            largest_answer: the most bytes an answer may have once it is unpacked.
        """
        self._make = make
        self._largest_answer = largest_answer
        # The parent's stays here, unused: closing or collecting it would be felt on the parent's connections.
        self._made: dict[int, httpx2.BaseTransport] = {}

    def send(self, request: Request, timeout: Timeout) -> Answer:
        """Send the request, return the answer; see `astakosclient.Transport`."""
        try:
            return self._exchange(request, timeout)
        except TROUBLE as error:
            failure = _failure(error)
        # Here, so that it does not refer to the exception of httpx2, which holds the request with its token.
        raise failure

    def close(self) -> None:
        """Close this process's connections; a later request makes new ones."""
        made = self._made.pop(os.getpid(), None)
        if made is not None:
            made.close()

    def __enter__(self) -> Self:
        """The transport itself, which is closed at the end of the ``with`` block."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close this process's connections."""
        self.close()

    def _exchange(self, request: Request, timeout: Timeout) -> Answer:
        deadline = time.monotonic() + timeout.total
        made = self._made.get(os.getpid()) or self._made.setdefault(os.getpid(), self._make())
        with contextlib.closing(made.handle_request(_translated(request, timeout))) as response:
            body = bytearray()
            for block in response.iter_bytes():
                body += block
                check_size(body, self._largest_answer)
                remaining(deadline)
        return _answer(response, body)


class AsyncHttpx2Transport:
    """As `Httpx2Transport`, awaited: one transport for each event loop, and the whole call in time."""

    def __init__(
        self,
        make: Callable[[], httpx2.AsyncBaseTransport] = httpx2.AsyncHTTPTransport,
        *,
        largest_answer: int = LARGEST_ANSWER,
    ) -> None:
        """As of `Httpx2Transport`, with a transport that is awaited."""
        self._make = make
        self._largest_answer = largest_answer
        self._made: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncBaseTransport] = (
            weakref.WeakKeyDictionary()
        )

    async def send(self, request: Request, timeout: Timeout) -> Answer:  # noqa: ASYNC109 - of the protocol
        """As `Httpx2Transport.send`."""
        try:
            async with asyncio.timeout(timeout.total):
                return await self._exchange(request, timeout)
        except TROUBLE as error:
            failure = _failure(error)
        raise failure

    async def aclose(self) -> None:
        """Close the connections of this event loop; a later request makes new ones."""
        made = self._made.pop(asyncio.get_running_loop(), None)
        if made is not None:
            await made.aclose()

    async def __aenter__(self) -> Self:
        """The transport itself, which is closed at the end of the ``async with`` block."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close the connections of this event loop."""
        await self.aclose()

    async def _exchange(self, request: Request, timeout: Timeout) -> Answer:  # noqa: ASYNC109 - of the protocol
        loop = asyncio.get_running_loop()
        made = self._made.get(loop) or self._made.setdefault(loop, self._make())
        response = await made.handle_async_request(_translated(request, timeout))
        async with contextlib.aclosing(response):
            body = bytearray()
            async for block in response.aiter_bytes():
                body += block
                check_size(body, self._largest_answer)
        return _answer(response, body)


def _translated(request: Request, timeout: Timeout) -> httpx2.Request:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers]
    return httpx2.Request(
        request.method,
        request.url,
        headers=[*headers, (b"Accept-Encoding", b"gzip")],
        content=request.body,
        extensions={"timeout": httpx2.Timeout(timeout.total, connect=timeout.connect).as_dict()},
    )


def _answer(response: httpx2.Response, body: bytearray) -> Answer:
    # Names are in lower case already, and values of one name joined by commas.
    return Answer(response.status_code, response.reason_phrase, dict(response.headers), bytes(body))


def _failure(error: Exception) -> ConnectionError:
    # What httpx2 will not send it quotes, and that may be the token.
    text = (
        "the request is not one that can be sent"
        if isinstance(error, httpx2.LocalProtocolError)
        else str(error)
    )
    late = isinstance(error, httpx2.TimeoutException | TimeoutError)
    cause = TimeoutError(text or "timed out") if late else OSError(text or type(error).__name__)
    return ConnectionError(cause, sent=not isinstance(error, NOT_SENT))
