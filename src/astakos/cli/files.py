"""The files that a command reads and writes; `-` stands for standard input and output."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from astakos.administration.state_document import StateError

STANDARD = "-"
BUFFER_BYTES = 2**20


@contextlib.contextmanager
def reading(file: Path) -> Iterator[tuple[IO[bytes], str]]:
    """A file to be read, and its name for messages.

    Raises:
        StateError: it can not be read.
    """
    name = "standard input" if str(file) == STANDARD else str(file)
    try:
        if str(file) == STANDARD:
            yield sys.stdin.buffer, name
        else:
            with file.open("rb", BUFFER_BYTES) as stream:
                yield stream, name
    except OSError as error:
        raise StateError(f"{name} can not be read: {error.strerror}") from error


@contextlib.contextmanager
def writing(file: Path) -> Iterator[IO[bytes]]:
    """A file to be written, which is made, for its owner alone; if it can not be finished, it is removed.

    Raises:
        StateError: it is there already, or can not be written.
    """
    name = "standard output" if str(file) == STANDARD else str(file)
    try:
        if str(file) == STANDARD:
            yield sys.stdout.buffer
        else:
            with _new_file(file) as stream:
                yield stream
    except FileExistsError as error:
        raise StateError(f"{name} is there already, and is not overwritten; name another file") from error
    except OSError as error:
        raise StateError(f"{name} can not be written: {error.strerror}") from error


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb", BUFFER_BYTES) as stream:  # noqa: PTH123
        try:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
