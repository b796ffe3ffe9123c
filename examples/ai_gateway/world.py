"""Everything that the gateway needs to run: servers, a service with budgets, and a process."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from subprocess import DEVNULL

import uvicorn
from starlette.applications import Starlette

from astakosclient.language_models.charge import MONEY, TOKENS
from astakosclient.language_models.estimates import SCALE
from astakosclient.pricing import quantity_of
from astakosclient.testing import Component, RunningService

UPSTREAM_KEY = "sk-of-the-gateway"
TO_START, TO_STOP = 20.0, 5.0
ROOT = Path(__file__).parents[2]


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to the program: several servers run in it."""
        yield


@contextlib.asynccontextmanager
async def serving(app: Starlette, port: int = 0) -> AsyncIterator[str]:
    """Serves an application on a loopback port, in this event loop; returns its URL."""
    listener = listening(port)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2, proxy_headers=False)
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with asyncio.timeout(TO_START):
            while not server.started:
                if running.done():
                    raise RuntimeError("the server has not started; its log says why")
                await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await asyncio.wait([running], timeout=TO_STOP)
        listener.close()


def listening(port: int) -> socket.socket:
    """Returns a socket that is bound to a loopback port."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def free_port() -> int:
    """Returns a port that nobody uses now."""
    with listening(0) as listener:
        port: int = listener.getsockname()[1]
        return port


def set_up(service: RunningService, dollars: str, *, max_debt: str | None = None) -> Component:
    """Defines the gateway's resources, so that each user who is added later has a budget."""
    gateway = service.add_service("gateway", resources=[TOKENS])
    money: dict[str, object] = {
        "name": MONEY,
        "service": "gateway",
        "unit": "USD",
        "scale": SCALE,
        "system_default": quantity_of(dollars, SCALE),
    }
    if max_debt is not None:
        money["max_debt"] = quantity_of(max_debt, SCALE)
    service.load({"resources": [money]})
    return gateway


@contextlib.asynccontextmanager
async def gateway_process(port: int, **variables: str) -> AsyncIterator["subprocess.Popen[bytes]"]:
    """Runs a gateway in a process of its own, as in production; it is killed at the end if it still runs."""
    command = [sys.executable, "-m", "uvicorn", "--factory", "examples.ai_gateway.gateway:from_environment"]
    options = ["--port", str(port), "--log-level", "warning", "--no-access-log", "--no-proxy-headers"]
    async with started([*command, *options], port, variables) as process:
        yield process


@contextlib.asynccontextmanager
async def started(
    command: Sequence[str],
    port: int,
    variables: Mapping[str, str] | None = None,
    *,
    to_start: float = TO_START,
    output: int = DEVNULL,
) -> AsyncIterator["subprocess.Popen[bytes]"]:
    """Runs a server in a process of its own, which is killed at the end.

    Args:
        command: What to run.
        port: Where it will accept connections.
        variables: Its environment, beside the present one.
        to_start: How many seconds that may take.
        output: The file for what it writes.
    """
    process = subprocess.Popen(  # noqa: ASYNC220, S603 - it starts at once
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **(variables or {})},
        stdout=output,
        stderr=output,
    )
    try:
        async with asyncio.timeout(to_start):
            while not await _accepts(port):
                if process.poll() is not None:
                    raise RuntimeError(f"the server has ended with the status {process.returncode}")
                await asyncio.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait(TO_STOP)


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
