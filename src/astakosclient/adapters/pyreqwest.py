"""Requests carried by pyreqwest: many at once, outside of Python, in processes that do not fork."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from astakosclient.core.exchange import Answer
from astakosclient.errors import ConnectionError  # noqa: A004 - the documented name
from astakosclient.http1.decoding import UnusableAnswer, check_size
from astakosclient.http1.sync.transport import LARGEST_ANSWER

try:
    from pyreqwest.client import ClientBuilder, SyncClientBuilder
    from pyreqwest.exceptions import DetailedPyreqwestError, PoolTimeoutError, PyreqwestError
except ImportError as error:
    raise ImportError('pyreqwest is not installed: pip install "astakosclient[pyreqwest]"') from error

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyreqwest.client import BaseClientBuilder
    from pyreqwest.exceptions import Cause
    from pyreqwest.request import BaseRequestBuilder
    from pyreqwest.response import BaseResponse

    from astakosclient.core.exchange import Request, Timeout

Client = TypeVar("Client")
Builder = TypeVar("Builder", bound="BaseClientBuilder")
RequestBuilder = TypeVar("RequestBuilder", bound="BaseRequestBuilder")

CONNECT_SECONDS = 5.0
_NOT_CONNECTED = "client error (Connect)"
"""Among the causes, the proof that nothing was sent. `ConnectError` is none: it is also raised afterwards."""

_PROCESS_OF_THREADS: set[int] = set()
"""Where the threads of pyreqwest run, if they do: the one process that may use it."""


class ForkedError(Exception):
    """This process has none of the threads that pyreqwest needs."""


TROUBLE = (PyreqwestError, ValueError, UnusableAnswer, ForkedError)
"""ValueError is how it refuses headers and URLs."""


class PyreqwestTransport:
    """Carries requests through a client of pyreqwest, made when it is first needed.

    Its own threads send and read while Python goes on. One call at a time is quicker with
    `astakosclient.HttpTransport`, which needs no hand-over between threads. Limits:

    * A process that was forked after pyreqwest was used (by anybody) can not use it: its threads are the
      parent's, and a call would never end. If it was used here, that is noticed and refused, with a
      `ConnectionError`. Pre-fork servers want `astakosclient.HttpTransport`.
    * The time for connecting is that of the constructor; of a call's own `Timeout`, the total counts.
    * A token with characters beyond ASCII goes out in UTF-8, where HTTP and all others say Latin-1.
    * Reason phrases are not told.

    Example:
        .. code-block:: python

            transport = PyreqwestTransport(lambda: SyncClientBuilder().add_root_certificate_pem(authority))
            client = AstakosClient("https://accounts.example.com", transport=transport)
    """

    def __init__(
        self,
        make: Callable[[], SyncClientBuilder] = SyncClientBuilder,
        *,
        connect: float = CONNECT_SECONDS,
        largest_answer: int = LARGEST_ANSWER,
    ) -> None:
        """Prepare; nothing is made yet, so that the process may still fork.

        Args:
            make: makes the builder of the client: proxies, certificates and so on are set there.
            connect: seconds for opening a connection.
            largest_answer: the most bytes an answer may have once it is unpacked.
        """
        self._client = _Lazily(lambda: _configured(make(), connect).build())
        self._largest_answer = largest_answer

    def send(self, request: Request, timeout: Timeout) -> Answer:
        """Send the request, return the answer; see `astakosclient.Transport`."""
        try:
            client = self._client.get()
            started = _translated(client.request(request.method, request.url), request, timeout)
            with started.build_streamed() as response:
                body = bytearray()
                while block := response.body_reader.read_chunk():
                    body += block
                    check_size(body, self._largest_answer)
            return _answer(response, body)
        except TROUBLE as error:
            failure = _failure(error)
        # Here, so that it does not refer to the exception of pyreqwest, which shows the URL with its secrets.
        raise failure

    def close(self) -> None:
        """Close the connections; a later request makes new ones."""
        client = self._client.drop()
        if client is not None:
            client.close()

    def __enter__(self) -> Self:
        """The transport itself, which is closed at the end of the ``with`` block."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the connections."""
        self.close()


class AsyncPyreqwestTransport:
    """As `PyreqwestTransport`, awaited; with the same limits."""

    def __init__(
        self,
        make: Callable[[], ClientBuilder] = ClientBuilder,
        *,
        connect: float = CONNECT_SECONDS,
        largest_answer: int = LARGEST_ANSWER,
    ) -> None:
        """As of `PyreqwestTransport`."""
        self._client = _Lazily(lambda: _configured(make(), connect).build())
        self._largest_answer = largest_answer

    async def send(self, request: Request, timeout: Timeout) -> Answer:  # noqa: ASYNC109 - of the protocol
        """As `PyreqwestTransport.send`."""
        try:
            client = self._client.get()
            started = _translated(client.request(request.method, request.url), request, timeout)
            async with started.build_streamed() as response:
                body = bytearray()
                while block := await response.body_reader.read_chunk():
                    body += block
                    check_size(body, self._largest_answer)
            return _answer(response, body)
        except TROUBLE as error:
            failure = _failure(error)
        raise failure

    async def aclose(self) -> None:
        """Close the connections; a later request makes new ones."""
        client = self._client.drop()
        if client is not None:
            await client.close()

    async def __aenter__(self) -> Self:
        """The transport itself, which is closed at the end of the ``async with`` block."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close the connections."""
        await self.aclose()


class _Lazily(Generic[Client]):
    """A client that is made when it is first needed, and only where it can work."""

    def __init__(self, make: Callable[[], Client]) -> None:
        self._make = make
        self._made: Client | None = None
        self._lock = threading.Lock()

    def get(self) -> Client:
        """The client.

        Raises:
            ForkedError: this process can not use one.
        """
        if os.getpid() not in _PROCESS_OF_THREADS:
            if _PROCESS_OF_THREADS:
                raise ForkedError("pyreqwest was used before this process was forked and cannot work in it")
            # Before anything is made: a fork may come at any time.
            _PROCESS_OF_THREADS.add(os.getpid())
        if (made := self._made) is None:
            with self._lock:
                if (made := self._made) is None:
                    made = self._made = self._make()
        return made

    def drop(self) -> Client | None:
        """Forget the client, and return it for closing, unless it is another process's."""
        made, self._made = self._made, None
        return made if os.getpid() in _PROCESS_OF_THREADS else None


def _configured(builder: Builder, connect: float) -> Builder:
    return (
        builder.follow_redirects(False)
        .referer(False)
        .error_for_status(False)
        .brotli(False)
        .zstd(False)
        .deflate(False)
        .connect_timeout(timedelta(seconds=connect))
    )


def _translated(builder: RequestBuilder, request: Request, timeout: Timeout) -> RequestBuilder:
    builder = builder.headers(request.headers).timeout(timedelta(seconds=timeout.total))
    if request.body:
        return builder.body_bytes(request.body)
    # It says nothing of an empty body, without which some servers answer 411.
    return builder if request.method == "GET" else builder.header("Content-Length", "0")


def _answer(response: BaseResponse, body: bytearray) -> Answer:
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Answer(response.status, "", headers, bytes(body))


def _failure(error: Exception) -> ConnectionError:
    if isinstance(error, ForkedError):
        return ConnectionError(error, sent=False)
    if isinstance(error, UnusableAnswer):
        return ConnectionError(error)
    causes = [cause["message"] for cause in _causes(error)]
    # The first causes show the URL, and other texts the header that was refused; secrets may be in them.
    text = causes[-1] if len(causes) > 1 else "the request is not one that can be sent"
    cause = TimeoutError(text) if isinstance(error, TimeoutError) else OSError(text)
    connected = _NOT_CONNECTED not in causes and not isinstance(error, PoolTimeoutError)
    return ConnectionError(cause, sent=connected)


def _causes(error: Exception) -> list[Cause]:
    return (error.details["causes"] or []) if isinstance(error, DetailedPyreqwestError) else []
