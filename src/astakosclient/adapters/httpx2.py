"""Transports on top of httpx2, for HTTP/2, SOCKS proxies and custom connection settings."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import math
import os
import time
import weakref
from typing import TYPE_CHECKING, Self

from astakosclient.core.address import parse_base_url
from astakosclient.core.exchange import Answer
from astakosclient.errors import ConnectionError  # noqa: A004 - the documented name
from astakosclient.http1.decoding import UnusableAnswer, body_of
from astakosclient.http1.name_lookups import resolve
from astakosclient.http1.sync.deadline_socket import remaining
from astakosclient.http1.sync.transport import LARGEST_ANSWER

try:
    import httpcore2
    import httpx2
except ImportError as error:
    raise ImportError('httpx2 is not installed: pip install "astakos[httpx2]"') from error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from astakosclient.core.exchange import Request, Timeout
    from astakosclient.http1.decoding import Body

_deadline: contextvars.ContextVar[float] = contextvars.ContextVar("deadline", default=math.inf)
"""When the exchange of the current thread must end, on the monotonic clock."""
_untried: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar("untried", default=None)
"""The addresses of the host that the exchange of the current thread has not tried to connect to yet."""

LEAST_CONNECT_SECONDS = 0.001
"""The shortest timeout of a connection: 0 would mean not to wait at all."""

NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
TROUBLE = (httpx2.HTTPError, UnusableAnswer, TimeoutError)


class Httpx2Transport:
    """Sends requests through httpx2, with one httpx2 transport per process. Fork-safe.

    Uses httpx2 transports directly, because `httpx2.Client` follows redirects, stores cookies and logs URLs.
    Limitations:

    * The total timeout is not strict: it applies separately to the TLS handshake and to sending. Looking up
      the name, connecting and reading the response end at the deadline.
    * Proxies set in the environment are ignored; pass ``proxy=`` to the httpx2 transport.

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
        """Stores the arguments; creates no httpx2 transport yet.

        Args:
            make: creates the httpx2 transport of a process.
            largest_answer: maximum size of a response body, in bytes, before and after decompression.
        """
        self._make = make
        self._largest_answer = largest_answer
        # After a fork, the parent's transport stays here unused: closing or collecting it would disturb the
        # parent's connections.
        self._made: dict[int, httpx2.BaseTransport] = {}

    def send(self, request: Request, timeout: Timeout) -> Answer:
        """Sends a request and returns the response; see `astakosclient.Transport`."""
        try:
            return self._exchange(request, timeout)
        except TROUBLE as error:
            failure = _failure(error)
        # Raised outside the handler: the httpx2 exception, as __context__, would hold the request's token.
        raise failure

    def close(self) -> None:
        """Closes this process's connections; a later request opens new ones."""
        made = self._made.pop(os.getpid(), None)
        if made is not None:
            made.close()

    def __enter__(self) -> Self:
        """Returns the transport; leaving the ``with`` block closes it."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Closes this process's connections."""
        self.close()

    def _exchange(self, request: Request, timeout: Timeout) -> Answer:
        deadline = time.monotonic() + timeout.total
        made = self._made.get(os.getpid()) or self._made.setdefault(os.getpid(), self._make())
        translated = _translated(request, timeout)
        translated.extensions["trace"] = _bound_step
        untried: list[str] = []
        before, before_untried = _deadline.set(deadline), _untried.set(untried)
        try:
            while True:
                try:
                    return self._received(made.handle_request(translated), deadline)
                except (httpx2.ConnectError, httpx2.ConnectTimeout):
                    if not untried:
                        raise
        finally:
            _deadline.reset(before)
            _untried.reset(before_untried)

    def _received(self, response: httpx2.Response, deadline: float) -> Answer:
        with contextlib.closing(response):
            body = _body(response, self._largest_answer)
            for block in response.iter_raw():
                remaining(deadline)
                body.add(block)
                while body.is_behind:
                    remaining(deadline)
                    body.go_on()
        return _answer(response, body)


class AsyncHttpx2Transport:
    """The asynchronous `Httpx2Transport`: one httpx2 transport per event loop, with a strict timeout.

    Limitation: if a server refuses a large body before it has all of it, the call ends in `ConnectionError`
    with an unknown outcome, because httpx2 does not read the refusal. The other transports do.
    """

    def __init__(
        self,
        make: Callable[[], httpx2.AsyncBaseTransport] = httpx2.AsyncHTTPTransport,
        *,
        largest_answer: int = LARGEST_ANSWER,
    ) -> None:
        """Stores the arguments; see `Httpx2Transport`."""
        self._make = make
        self._largest_answer = largest_answer
        self._made: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncBaseTransport] = (
            weakref.WeakKeyDictionary()
        )

    async def send(self, request: Request, timeout: Timeout) -> Answer:  # noqa: ASYNC109 - of the protocol
        """Sends a request and returns the response; see `astakosclient.AsyncTransport`."""
        try:
            async with asyncio.timeout(timeout.total):
                return await self._exchange(request, timeout)
        except TROUBLE as error:
            failure = _failure(error)
        raise failure

    async def aclose(self) -> None:
        """Closes the connections of the running event loop; a later request opens new ones."""
        made = self._made.pop(asyncio.get_running_loop(), None)
        if made is not None:
            await made.aclose()

    async def __aenter__(self) -> Self:
        """Returns the transport; leaving the ``async with`` block closes it."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Closes the connections of the running event loop."""
        await self.aclose()

    async def _exchange(self, request: Request, timeout: Timeout) -> Answer:  # noqa: ASYNC109 - of the protocol
        loop = asyncio.get_running_loop()
        made = self._made.get(loop) or self._made.setdefault(loop, self._make())
        response = await made.handle_async_request(_translated(request, timeout))
        async with contextlib.aclosing(response):
            body = _body(response, self._largest_answer)
            async for block in response.aiter_raw():
                body.add(block)
                while body.is_behind:
                    # Lets other tasks run, and the timeout end this one.
                    await asyncio.sleep(0)
                    body.go_on()
        return _answer(response, body)


def _translated(request: Request, timeout: Timeout) -> httpx2.Request:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers]
    server = parse_base_url(request.origin)
    url = httpx2.URL(request.url)
    return httpx2.Request(
        request.method,
        # httpx2 passes the host to the resolver as it is, and would send it with its zone.
        url.copy_with(host=server.resolvable) if server.zone else url,
        headers=[(b"Host", server.authority.encode("ascii")), *headers, (b"Accept-Encoding", b"gzip")],
        content=request.body,
        extensions={
            "timeout": httpx2.Timeout(timeout.total, connect=timeout.connect).as_dict(),
            "sni_hostname": server.host.rstrip("."),
        },
    )


def _bound_step(step: str, info: dict[str, Any]) -> None:
    """Bounds what httpx2 does not, looking up names and reading: its "trace" hook, called for each step."""
    if step.endswith("connect_tcp.started"):
        _look_up(info)
    _make_reads_end(info)


def _look_up(info: dict[str, Any]) -> None:
    """Replaces the host that is about to be connected to, the server's or a proxy's, by its next address.

    httpx2 looks names up without a deadline, and counts its timeout from the end of that.
    """
    untried = _untried.get()
    if untried is None:
        return
    longest = info["timeout"]
    end = min(_deadline.get(), math.inf if longest is None else time.monotonic() + longest)
    try:
        if not untried:
            found = resolve(info["host"], info["port"], max(end - time.monotonic(), 0))
            untried += dict.fromkeys(str(entry[4][0]) for entry in found)
    except TimeoutError as error:
        raise httpcore2.ConnectTimeout(str(error)) from error
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(str(error)) from error
    info["host"] = untried.pop(0)
    if end < math.inf:
        # Connecting has what is left, and a moment if that is nothing.
        info["timeout"] = max(end - time.monotonic(), LEAST_CONNECT_SECONDS)


def _make_reads_end(info: Mapping[str, Any]) -> None:
    """Makes each new connection read no longer than until the deadline of the exchange it is used for.

    httpx2's own timeout restarts with each read, so that a server could go on for ever, with interim
    responses or byte by byte.
    """
    stream = info.get("return_value")
    if isinstance(stream, httpcore2.NetworkStream):
        read = stream.read

        def read_in_time(max_bytes: int, timeout: float | None = None) -> bytes:
            left = remaining(_deadline.get())
            return read(max_bytes, left if timeout is None else min(timeout, left))

        stream.read = read_in_time  # type: ignore[method-assign]  # kept connections serve later deadlines, too


def _body(response: httpx2.Response, limit: int) -> Body:
    # httpx2's own decoders have no bound on work or memory.
    return body_of(response.headers.get("content-encoding", ""), limit)


def _answer(response: httpx2.Response, body: Body) -> Answer:
    # httpx2 lowercases the names and joins repeated headers with commas.
    return Answer(response.status_code, response.reason_phrase, dict(response.headers), body.complete())


def _failure(error: Exception) -> ConnectionError:
    # A LocalProtocolError quotes the invalid header, which may be the token.
    text = (
        "httpx2 rejected the request as invalid"
        if isinstance(error, httpx2.LocalProtocolError)
        else str(error)
    )
    late = isinstance(error, httpx2.TimeoutException | TimeoutError)
    cause = TimeoutError(text or "timed out") if late else OSError(text or type(error).__name__)
    return ConnectionError(cause, sent=not isinstance(error, NOT_SENT))
