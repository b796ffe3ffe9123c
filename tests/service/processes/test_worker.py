"""A worker process that is told something else than to work."""

import contextlib
import json
import socket
import subprocess
import sys

import msgspec

from astakos.processes.configuration import Instructions, spoken_version
from astakos.processes.listening import LOOPBACK, begin_to_listen, bind, listen
from astakos.storage.protocol import Database
from service.world import BASE_URL

LISTENER = 2
"""The place of the socket that a worker accepts connections on, among those that it is given."""


def told(
    message: bytes, *, is_all: bool = True, listener: socket.socket | None = None
) -> "subprocess.CompletedProcess[str]":
    """How a worker ends to whom a supervisor says this, and nothing more."""
    with contextlib.ExitStack() as sockets:
        pairs = [socket.socketpair() for _ in range(5)]
        for pair in pairs:
            for one in pair:
                sockets.enter_context(one)
        inherited = [theirs.fileno() for _, theirs in pairs]
        if listener is not None:
            inherited[LISTENER] = listener.fileno()
        pairs[0][0].sendall(message)
        if is_all:
            pairs[0][0].shutdown(socket.SHUT_WR)
        return subprocess.run(
            [sys.executable, "-m", "astakos.processes.worker", *map(str, inherited)],
            pass_fds=inherited,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )


def test_a_worker_of_another_version_says_so_and_ends() -> None:
    ended = told(b'0123456789abcdef\n{"database_url": "sqlite:///never-made.db"}\n')
    assert ended.returncode == 1
    assert ended.stderr == (
        "astakos: another version was installed while the service was running; restart the service\n"
    )


def test_a_worker_whose_service_is_gone_ends_without_a_word() -> None:
    ended = told(b"")
    assert (ended.returncode, ended.stderr) == (1, "")


def test_a_worker_whose_port_is_taken_meanwhile_names_it_and_ends(database: Database) -> None:
    instructions = msgspec.json.encode(Instructions(database.url, BASE_URL, 1, "warning", "json"))
    with contextlib.ExitStack() as stack:
        address = _address_with_a_connection(stack)
        # Services that start at the same moment, after one that had connections.
        ours, other = stack.enter_context(bind(*address)), stack.enter_context(bind(*address))
        begin_to_listen(other)
        ended = told(spoken_version() + b"\n" + instructions + b"\n", is_all=False, listener=ours)
    assert ended.returncode == 1
    told_why = json.loads(ended.stderr)
    assert told_why["level"] == "critical"
    assert told_why["message"] == f"cannot listen on {LOOPBACK} port {address[1]}: Address already in use"


def _address_with_a_connection(stack: contextlib.ExitStack) -> tuple[str, int]:
    with listen(LOOPBACK, 0) as listener:
        host, port = listener.getsockname()
        stack.enter_context(socket.create_connection((host, port), timeout=20))
        stack.enter_context(listener.accept()[0])
    return host, port
