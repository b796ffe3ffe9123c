"""Applications on real servers, and a client that counts what it asks."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import uvicorn

from astakos.processes.listening import LOOPBACK, listen
from astakosclient import AstakosClient, HttpTransport
from astakosclient.core.address import parse_base_url
from service.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import WSGIApplication

    from astakosclient import Answer, Request, Timeout

PATIENCE_SECONDS = 20


class CountedTransport:
    """Carries requests as ever, remembers them, and can be held up."""

    def __init__(self, url: str) -> None:
        self._transport = HttpTransport(parse_base_url(url), pool_size=8)
        self.requests: list[Request] = []
        self.open = threading.Event()
        self.open.set()

    def send(self, request: Request, timeout: Timeout) -> Answer:
        self.requests.append(request)
        assert self.open.wait(PATIENCE_SECONDS)
        return self._transport.send(request, timeout)

    def close(self) -> None:
        self._transport.close()


class Asking:
    """A client of a service, and how often it has asked."""

    def __init__(self, url: str) -> None:
        self.transport = CountedTransport(url)
        self.client = AstakosClient(url, transport=self.transport)

    @property
    def times(self) -> int:
        return len(self.transport.requests)


@contextlib.contextmanager
def asking(url: str) -> Iterator[Asking]:
    made = Asking(url)
    try:
        yield made
    finally:
        made.transport.close()


class AwaitedClient:
    """A client whose calls are awaited."""

    def __init__(self, client: AstakosClient) -> None:
        self._client = client
        self.loops: set[asyncio.AbstractEventLoop] = set()

    async def get_user_info(self, token: str, **options: Any) -> Any:
        self.loops.add(asyncio.get_running_loop())
        return await asyncio.to_thread(self._client.get_user_info, token, **options)

    async def get_endpoints(self, token: str, **options: Any) -> Any:
        return await asyncio.to_thread(self._client.get_endpoints, token, **options)

    async def introspect_token(self, token: str, subject: str, **options: Any) -> Any:
        return await asyncio.to_thread(self._client.introspect_token, token, subject, **options)


@contextlib.contextmanager
def asgi_served(application: Any) -> Iterator[Caller]:
    """An ASGI application on a real server."""
    with listen(LOOPBACK, 0) as listener:
        config = uvicorn.Config(
            application, ws="websockets-sansio", log_config=None, access_log=False, proxy_headers=False
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            await_that(lambda: server.started)
            yield Caller(f"http://{LOOPBACK}:{listener.getsockname()[1]}")
        finally:
            server.should_exit = True
            thread.join(PATIENCE_SECONDS)


class _ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
        pass


@contextlib.contextmanager
def wsgi_served(application: WSGIApplication) -> Iterator[Caller]:
    """A WSGI application on a real server, each request in a thread of its own."""
    with make_server(LOOPBACK, 0, application, _ThreadingServer, _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield Caller(f"http://{LOOPBACK}:{server.server_port}")
        finally:
            server.shutdown()
            thread.join(PATIENCE_SECONDS)


def await_that(condition: Any) -> None:
    """Waits until something has come true; fails if it does not."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
