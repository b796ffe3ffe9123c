"""The command `astakos`, in the test's own process or in one of its own."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from astakos.cli import main
from astakos.storage.protocol import Database
from service.asking_warm import run_warm
from service.caller import Caller
from service.nursery import name_of
from service.warm_command import warm_server
from service.warm_process import WarmProcess

EXECUTABLE = Path(sysconfig.get_path("scripts"), "astakos")
READY = re.compile(r"astakos is ready at (\S+)(?: \(listening on (\S+)\))?\n")
DATABASE = re.compile(r"the database is (.+)\n")
METRICS = re.compile(r"metrics are at (\S+)\n")
TIMEOUT_SECONDS = 30
NO_WORKERS = (None, "nursery", "deliveries.work", "metrics.front")
"""The names of other processes of a service, if they are forked."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    output: str
    errors: str

    @property
    def document(self) -> Any:
        return json.loads(self.output)


def astakos(database: Database | str, *arguments: str, stdin: str | None = None) -> Ended:
    """Runs the command on a database; nothing but an exit may come out of it."""
    url = database if isinstance(database, str) else database.url
    result = CliRunner().invoke(main, arguments, input=stdin, env={"ASTAKOS_DATABASE": url})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


def refused(database: Database | str, *arguments: str, stdin: str | None = None) -> str:
    """Runs a command that must be refused: with status 1, one line, and nothing else; returns the line."""
    ended = astakos(database, *arguments, stdin=stdin)
    assert (ended.status, ended.output) == (1, "")
    return only_line(ended.errors)


def created(database: Database) -> str:
    """What a command says that has made a database."""
    return f"Created a new database: {database.name}\n"


def only_line(errors: str) -> str:
    (line,) = errors.splitlines()
    assert line.startswith("Error: ")
    return line.removeprefix("Error: ")


def environment(database: Database) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASTAKOS_")}
    return kept | {"ASTAKOS_DATABASE": database.url}


def ended(database: Database, *arguments: str, **more: str) -> Ended:
    """Runs the command in a process of its own, forked from a warm one."""
    with (
        Path(os.devnull).open() as nothing,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
    ):
        streams = [stream.fileno() for stream in (nothing, output, errors)]
        status = run_warm(
            warm_server(), arguments, environment(database) | more, streams, seconds=TIMEOUT_SECONDS
        )
        output.seek(0)
        errors.seek(0)
        return Ended(status, output.read().decode(), errors.read().decode())


def ended_from_the_start(database: Database, *arguments: str, **more: str) -> Ended:
    """Runs the command in a process of its own that reads Python's settings, such as `PYTHONIOENCODING`."""
    done = subprocess.run(
        [EXECUTABLE, *arguments],
        env=environment(database) | more,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Serving:
    """A process that serves."""

    process: "WarmProcess | subprocess.Popen[str]"
    base_url: str
    address: str
    database_name: str
    metrics_url: str = ""

    @property
    def caller(self) -> Caller:
        return Caller(self.address + "/astakos")

    def workers(self) -> list[int]:
        """Its processes that answer HTTP."""
        number = self.process.pid
        children = map(int, Path(f"/proc/{number}/task/{number}/children").read_text().split())
        return [child for child in children if name_of(child) not in NO_WORKERS]

    def end(self, number: signal.Signals = signal.SIGTERM) -> Ended:
        """Sends a signal and waits for the end; returns what came after the line that it is ready."""
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=TIMEOUT_SECONDS)
        return Ended(self.process.wait(), output, errors)


def beginning(database: Database, *arguments: str, **more: str) -> "subprocess.Popen[str]":
    """`astakos serve` in a process of its own, which may not be ready yet."""
    return subprocess.Popen(
        [EXECUTABLE, "serve", "--port", "0", *arguments],
        env=environment(database) | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def serving(database: Database, *arguments: str, **more: str) -> Iterator[Serving]:
    """`astakos serve` in processes of its own, forked from warm ones, from when it is ready.

    It is killed if it still runs at the end.
    """
    process = WarmProcess(["serve", "--port", "0", *arguments], environment(database) | more)
    with _ready(process, arguments) as served:
        yield served


@contextlib.contextmanager
def serving_from_the_start(database: Database, *arguments: str, **more: str) -> Iterator[Serving]:
    """The same, but each process starts Python: for tests of how processes start, and of their memory."""
    with _ready(beginning(database, *arguments, **more), arguments) as served:
        yield served


@contextlib.contextmanager
def _ready(process: "WarmProcess | subprocess.Popen[str]", arguments: tuple[str, ...]) -> Iterator[Serving]:
    with process:
        try:
            assert process.stdout is not None
            found = READY.fullmatch(process.stdout.readline())
            assert found is not None
            named = DATABASE.fullmatch(process.stdout.readline())
            assert named is not None
            metrics_url = ""
            if "--metrics-port" in arguments:
                told = METRICS.fullmatch(process.stdout.readline())
                assert told is not None
                metrics_url = told[1]
            yield Serving(process, found[1], found[2] or found[1], named[1], metrics_url)
        finally:
            if process.poll() is None:
                process.kill()
