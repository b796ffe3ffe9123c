"""nginx and HAProxy in front of two services, with their lines of the documentation."""

import contextlib
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import pytest

from astakos.processes.listening import LOOPBACK, listen
from docs.test_nginx import ALL, lines_of_the_page

ROOT = Path(__file__).parents[2]
HAPROXY_FILE = ROOT / "deploy" / "high-availability" / "haproxy.cfg"
TO_START_SECONDS = 20.0
ASKED: Final = "x-asked"
"""The header of answers that says which service was asked, by its port."""


def _program(name: str) -> str:
    program = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if program is None:
        pytest.skip(f"there is no {name}")
    return program


@contextlib.contextmanager
def _running(command: list[str], port: int) -> Iterator[int]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + TO_START_SECONDS
        while True:
            assert process.poll() is None, command
            assert time.monotonic() < until, f"{command[0]} does not listen"
            with contextlib.suppress(OSError):
                socket.create_connection((LOOPBACK, port), timeout=1).close()
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(TO_START_SECONDS)


def _free_port() -> int:
    with listen(LOOPBACK, 0) as free:
        return int(free.getsockname()[1])


@contextlib.contextmanager
def nginx(services: tuple[int, int], folder: Path) -> Iterator[int]:
    """Runs nginx in front of services on these ports; returns its own."""
    program, port = _program("nginx"), _free_port()
    lines = lines_of_the_page(port, services, folder)
    assert lines.count("proxy_http_version 1.1;") == 1
    told = f"add_header {ASKED} $upstream_addr always;"
    lines = lines.replace("proxy_http_version 1.1;", f"proxy_http_version 1.1; {told}")
    file = folder / "nginx.conf"
    file.write_text(ALL.format(folder=folder, lines=lines), encoding="utf-8")
    with _running([program, "-e", str(folder / "start.log"), "-c", str(file)], port):
        yield port


@contextlib.contextmanager
def haproxy(services: tuple[int, int], folder: Path) -> Iterator[int]:
    """Runs HAProxy in front of services on these ports; returns its own."""
    program, port = _program("haproxy"), _free_port()
    text = HAPROXY_FILE.read_text(encoding="utf-8")
    text = text[: text.index("# PgBouncer")]
    for written, ours in (
        ("bind :8000", f"bind {LOOPBACK}:{port}\n    http-response set-header {ASKED} %si:%sp"),
        ("app1:8000", f"{LOOPBACK}:{services[0]}"),
        ("app2:8000", f"{LOOPBACK}:{services[1]}"),
        ("GET /readyz", "GET /astakos/readyz"),
    ):
        text, count = re.subn(re.escape(written), ours, text)
        assert count == 1, written
    file = folder / "haproxy.cfg"
    file.write_text(text, encoding="utf-8")
    with _running([program, "-db", "-f", str(file)], port):
        yield port


BALANCERS: Final[Mapping[str, Callable[[tuple[int, int], Path], AbstractContextManager[int]]]] = {
    "nginx": nginx,
    "haproxy": haproxy,
}
