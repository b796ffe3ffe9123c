"""Forks the processes that a service starts: starting Python anew for each costs much more.

A service that runs in a process forked from a warm one (`service.warm_command`) asks a nursery, which was
forked before anything began: it has no thread, no lock and no database. The new process becomes a child of
the service, as one that was started would be, with the same files, arguments and process group.
"""

import ctypes
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
LONGEST_REQUEST = 4096
MOST_DESCRIPTORS = 16
NAME_OF_NURSERY = "nursery"


def begin_nursery() -> None:
    """Lets this process, which has one thread, have its children forked from here on."""
    # What loses its parent becomes a child of this process.
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork():
        its.close()
        _Child.nursery = ours
        subprocess.Popen = _Child  # type: ignore[misc,assignment]
        return
    ours.close()
    # Ctrl-C is for the service.
    os.setpgid(0, 0)
    name_process(NAME_OF_NURSERY)
    module, *numbers = _wait_for_a_child(its)
    its.close()
    sys.argv = [module, *numbers]
    name_process(module)
    # It is run as the main module, and must not be found to be imported already.
    sys.modules.pop(module)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        os._exit(end.code if isinstance(end.code, int) else end.code is not None)
    os._exit(0)


def name_process(module: str) -> None:
    """Gives this process a name that tells what it does, as its arguments would."""
    Path("/proc/self/comm").write_text(module.removeprefix("astakos."))


def name_of(process: int) -> str | None:
    """The name of a process, which the system cuts off after 15 characters; None if it has ended."""
    try:
        return Path(f"/proc/{process}/comm").read_text().rstrip("\n")
    except OSError:
        return None


class _Child:
    """What a service uses of `subprocess.Popen`."""

    nursery: socket.socket
    _one_at_a_time = threading.Lock()

    def __init__(self, command: Sequence[str], *, pass_fds: Iterable[int], process_group: int) -> None:
        python, option, module, *numbers = command
        assert (python, option, process_group) == (sys.executable, "-m", 0)
        assert list(map(int, numbers)) == list(pass_fds)
        with self._one_at_a_time:
            socket.send_fds(self.nursery, [module.encode()], [int(number) for number in numbers])
            self.pid = int(self.nursery.recv(LONGEST_REQUEST))

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)


def _wait_for_a_child(service: socket.socket) -> list[str]:
    """Returns in a new process for each request, with the module and the numbers of its file descriptors."""
    while True:
        request, descriptors, _, _ = socket.recv_fds(service, LONGEST_REQUEST, MOST_DESCRIPTORS)
        if not request:
            os._exit(0)
        reading, writing = os.pipe()
        if (between := os.fork()) == 0:
            os.close(reading)
            if child := os.fork():
                os.write(writing, b"%d" % child)
                os._exit(0)
            os.close(writing)
            os.setpgid(0, 0)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            return [request.decode(), *map(str, descriptors)]
        os.close(writing)
        # Only when the one between has ended is the new process a child of the service.
        os.waitpid(between, 0)
        for descriptor in descriptors:
            os.close(descriptor)
        service.send(os.read(reading, LONGEST_REQUEST))
        os.close(reading)
