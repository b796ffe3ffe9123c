"""Opening a connection on an event loop: the host's addresses in turn, a proxy's tunnel, TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

from astakosclient.errors import ConnectionError  # noqa: A004 - the documented name
from astakosclient.http1.aio.async_connection import AsyncConnection

if TYPE_CHECKING:
    from collections.abc import Callable

    from astakosclient.core.exchange import Answer
    from astakosclient.http1.route import Route

OK = 200


async def open_connection(route: Route, context: ssl.SSLContext | None, deadline: float) -> AsyncConnection:
    """A connection to the end of a route, over TLS if there is a context.

    Args:
        route: where to.
        context: how to verify the server; None for plain HTTP.
        deadline: when to give up, on the monotonic clock.

    Raises:
        ConnectionError: that was not possible, or not in time. Nothing of a request has been sent.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            opened = await _opened(loop, route, deadline)
            if context is not None:
                if route.proxy is not None:
                    opened = await _tunnel(loop, route, opened, deadline)
                opened = await _secured(loop, opened, context, route.address.host)
    except OSError as error:
        trouble = error if str(error) else TimeoutError("timed out")
        raise ConnectionError(trouble, sent=False, peer=route.peer) from error
    return AsyncConnection(loop, opened, route.peer)


async def _opened(loop: asyncio.AbstractEventLoop, route: Route, deadline: float) -> socket.socket:
    """A connection to one of the first hop's addresses, the first that answers."""
    addresses = await _addresses(loop, route.first.host, route.first.port)
    trouble = OSError("the host has no address")
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        # Each gets its share of the time, so that one that never answers does not use up that of all.
        share = (deadline - time.monotonic()) / (len(addresses) - position)
        candidate = socket.socket(family, kind, protocol)
        try:
            candidate.setblocking(False)
            async with asyncio.timeout(share):
                await loop.sock_connect(candidate, address)
            candidate.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            candidate.close()
            trouble = error
        except BaseException:
            candidate.close()
            raise
        else:
            return candidate
    raise trouble


async def _addresses(loop: asyncio.AbstractEventLoop, host: str, port: int) -> list[Any]:
    try:
        # An address that is given as numbers needs no look-up, which takes a thread.
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except UnicodeError as error:
        raise OSError(f"{host!r} is not a valid host name") from error
    except socket.gaierror:
        return await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)


async def _tunnel(
    loop: asyncio.AbstractEventLoop, route: Route, opened: socket.socket, deadline: float
) -> socket.socket:
    """Ask a proxy for a tunnel, and return the socket at its near end."""
    proxy = AsyncConnection(loop, opened, str(route.proxy))
    try:
        answer = await proxy.exchange("CONNECT", route.request_for_tunnel(), deadline, 0)
        _check_tunnel(answer, proxy.peer)
        return proxy.release()
    except ConnectionError as error:
        proxy.close()
        raise OSError(f"the proxy {proxy.peer} does not answer as a proxy: {error}") from error
    except BaseException:
        proxy.close()
        raise


def _check_tunnel(answer: Answer, proxy: str) -> None:
    if answer.status != OK:
        raise OSError(f"the proxy {proxy} refuses: {answer.status} {answer.reason}")


async def _secured(
    loop: asyncio.AbstractEventLoop, opened: socket.socket, context: ssl.SSLContext, host: str
) -> socket.socket:
    try:
        secured = context.wrap_socket(opened, server_hostname=host, do_handshake_on_connect=False)
    except BaseException:
        opened.close()
        raise
    try:
        while True:
            try:
                secured.do_handshake()
            except ssl.SSLWantReadError:
                await _ready(loop, secured, loop.add_reader, loop.remove_reader)
            except ssl.SSLWantWriteError:
                await _ready(loop, secured, loop.add_writer, loop.remove_writer)
            else:
                return secured
    except BaseException:
        secured.close()
        raise


async def _ready(
    loop: asyncio.AbstractEventLoop,
    waited_for: socket.socket,
    add: Callable[..., None],
    remove: Callable[[int], bool],
) -> None:
    ready: asyncio.Future[None] = loop.create_future()
    number = waited_for.fileno()
    add(number, _set, ready)
    try:
        await ready
    finally:
        remove(number)


def _set(ready: asyncio.Future[None]) -> None:
    # The loop may tell of it again before whoever waits goes on.
    if not ready.done():
        ready.set_result(None)
