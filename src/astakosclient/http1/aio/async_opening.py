"""Opens connections on an event loop: resolves the host, connects, tunnels through a proxy, starts TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

from astakosclient.errors import ConnectionError  # noqa: A004 - the documented name
from astakosclient.http1.aio.async_connection import AsyncConnection
from astakosclient.http1.name_lookups import begin_addresses
from astakosclient.http1.schemes import in_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from astakosclient.core.exchange import Answer
    from astakosclient.http1.route import Route

OK = 200


async def open_connection(route: Route, context: ssl.SSLContext | None, deadline: float) -> AsyncConnection:
    """Opens a connection to the server of a route.

    Args:
        route: the route to the server.
        context: TLS settings; None for plain HTTP.
        deadline: when to give up, on the monotonic clock.

    Raises:
        ConnectionError: connecting failed or took too long; ``sent`` is False.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            opened = await _opened(loop, route, deadline)
            if context is not None:
                if route.proxy is not None:
                    opened = await _tunnel(loop, route, opened, deadline)
                opened = await _secured(loop, opened, context, route.address.host.rstrip("."))
    except OSError as error:
        trouble = in_words(error) if str(error) else TimeoutError("timed out")
        raise ConnectionError(trouble, sent=False, peer=route.peer) from error
    return AsyncConnection(loop, opened, route.peer)


async def _opened(loop: asyncio.AbstractEventLoop, route: Route, deadline: float) -> socket.socket:
    """Connects to the first hop's addresses in turn and returns the first socket that connects."""
    addresses = await _addresses(route.first.resolvable, route.first.port)
    trouble = OSError("the host has no address")
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        # Split the time, so that an unresponsive address leaves some for the others.
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
    try:
        raise trouble
    finally:
        # Its traceback leads to this frame. In a cycle, it would wait for the garbage collector.
        del trouble


async def _addresses(host: str, port: int) -> list[Any]:
    try:
        # Not on the loop's threads: a silent name server would use them up and keep the process from exiting.
        lookup = begin_addresses(host, port)
        try:
            return await asyncio.wrap_future(lookup.answer)
        except asyncio.CancelledError:
            lookup.give_up()
            raise
    except UnicodeError as error:
        raise OSError(f"{host!r} is not a valid host name") from error


async def _tunnel(
    loop: asyncio.AbstractEventLoop, route: Route, opened: socket.socket, deadline: float
) -> socket.socket:
    """Opens a tunnel through a proxy and returns the socket."""
    proxy = AsyncConnection(loop, opened, str(route.proxy))
    try:
        answer = await proxy.exchange("CONNECT", route.request_for_tunnel(), deadline, 0)
        _check_tunnel(answer, proxy.peer)
        return proxy.release()
    except ConnectionError as error:
        proxy.close()
        raise OSError(f"the proxy {proxy.peer} sent no valid response to CONNECT: {error}") from error
    except BaseException:
        proxy.close()
        raise


def _check_tunnel(answer: Answer, proxy: str) -> None:
    if answer.status != OK:
        raise OSError(f"the proxy {proxy} refused the tunnel: {answer.status} {answer.reason}")


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
    # The loop may call this again before the waiting coroutine resumes.
    if not ready.done():
        ready.set_result(None)
