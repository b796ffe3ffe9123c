"""A process that has imported the command, and forks for each call of it: starting Python costs much more.

Each call has a process of its own, with the arguments, environment, folder and standard streams of whoever
asked for it. So have the processes of `astakos serve`; see `service.nursery`. What the interpreter does when
it starts is not repeated, so tests of `PYTHONIOENCODING`, closed streams, signals and the like start the real
command.
"""

import atexit
import functools
import gc
import importlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from astakos.cli import main as command
from service import asking_warm
from service.asking_warm import LENGTH_OF_A_NUMBER, SEPARATOR, STREAMS
from service.nursery import begin_nursery

IMPORT_SECONDS = 120
"""Of a loaded machine. Whoever runs a command has a deadline for that alone."""
LONGEST_SECONDS = 60
"""Whoever asks gives up before."""
SERVE = "serve"
"""The command that runs until it is told to end, by whoever asked for it."""
IMPORTED_WHEN_USED = (
    "astakos.deliveries.worker",
    "astakos.metrics.front",
    "astakos.metrics.serving",
    "astakos.processes.worker",
    "astakos.storage.postgresql.postgresql_database",
    "astakos.storage.postgresql.postgresql_ledger",
    "astakos.storage.sqlite.sqlite_database",
    "astakos.storage.sqlite.sqlite_ledger",
)
WARM = b"."
TESTS = Path(__file__).parents[1]
# A module that is run would give its name to the command, in what that says of its use.
PROGRAM = "from service.warm_command import run; run()"


@functools.cache
def warm_server() -> str:
    """Starts the process, one for each process of tests; returns the path of its socket once it is warm."""
    folder = tempfile.mkdtemp(prefix="astakos-warm-")
    path = f"{folder}/socket"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    reading, writing = os.pipe()
    # It ends with its standard input, and so with this process.
    server = subprocess.Popen(
        [sys.executable, "-P", "-c", PROGRAM, str(listener.fileno()), str(writing)],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        pass_fds=[listener.fileno(), writing],
    )
    listener.close()
    os.close(writing)
    atexit.register(server.communicate)
    with os.fdopen(reading, "rb", buffering=0) as told:
        assert select.select([told], [], [], IMPORT_SECONDS)[0], "the warm process is not ready in time"
        assert told.read(len(WARM)) == WARM, "the warm process has ended"
    return path


@functools.cache
def warm_folder() -> Path:
    """A folder for `PATH` whose `astakos` asks the warm process."""
    server = Path(warm_server())
    file = server.parent / "astakos"
    file.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{asking_warm.__file__}" "{server}" "$@"\n')
    file.chmod(0o700)
    return file.parent


def _import_all(group: click.Group) -> None:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            _import_all(found)


def _wait_for_a_call(listener: socket.socket) -> socket.socket:
    """Returns in a new process for each call; ends when the tests have ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        readable, _, _ = select.select([listener.fileno(), 0], [], [])
        if 0 in readable:
            shutil.rmtree(Path(listener.getsockname()).parent, ignore_errors=True)
            os._exit(0)
        connection, _ = listener.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            return connection
        connection.close()


def _become_the_command(connection: socket.socket) -> None:
    """Returns in the process of the command; its parent tells how it has ended."""
    _, streams, _, _ = socket.recv_fds(connection, 1, STREAMS)
    parts = connection.makefile("rb").read().split(SEPARATOR)
    if child := os.fork():
        for stream in streams:
            os.close(stream)
        connection.sendall(b"%*d" % (LENGTH_OF_A_NUMBER, child))
        _, status = os.waitpid(child, 0)
        connection.sendall(b"%d" % os.waitstatus_to_exitcode(status))
        os._exit(0)
    connection.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # Those that Python has made know how the first ones could be read and written.
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    folder, count, *more = parts
    arguments, variables = more[: int(count)], more[int(count) :]
    os.chdir(folder)
    os.environb.clear()
    for variable in variables:
        name, _, value = variable.partition(b"=")
        os.environb[name] = value
    sys.argv = ["astakos", *map(os.fsdecode, arguments)]
    if sys.argv[1:2] == [SERVE]:
        begin_nursery()
    else:
        signal.alarm(LONGEST_SECONDS)


def run() -> None:
    """Waits for calls; in the process of each, becomes the command."""
    _import_all(command)
    for module in IMPORTED_WHEN_USED:
        importlib.import_module(module)
    gc.freeze()
    listener, told = map(int, sys.argv[1:])
    os.write(told, WARM)
    os.close(told)
    _become_the_command(_wait_for_a_call(socket.socket(fileno=listener)))
    command()
