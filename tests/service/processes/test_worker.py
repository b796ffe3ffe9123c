"""A worker process that is told something else than to work."""

import contextlib
import socket
import subprocess
import sys


def told(message: bytes) -> "subprocess.CompletedProcess[str]":
    """How a worker ends to whom a supervisor says this, and nothing more."""
    with contextlib.ExitStack() as sockets:
        pairs = [socket.socketpair() for _ in range(5)]
        for pair in pairs:
            for one in pair:
                sockets.enter_context(one)
        inherited = [theirs.fileno() for _, theirs in pairs]
        pairs[0][0].sendall(message)
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
