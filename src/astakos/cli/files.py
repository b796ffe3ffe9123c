"""The files that commands read and write; `-` means standard input or output."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import click

from astakos.administration.state_document import StateError
from astakos.cli.standard_streams import OUTPUT, abandon_output

STANDARD = "-"
BUFFER_BYTES = 2**20


class FileName(click.Path):
    """The name of a file, which is not that of a folder."""

    def __init__(self, *, allow_dash: bool = False) -> None:
        """Sets whether `-` means standard input or output."""
        super().__init__(path_type=Path, dir_okay=False, allow_dash=allow_dash)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Checks a file name. An empty one would become `.`, the current folder."""
        if not str(value):
            self.fail("the file name is empty", param, ctx)
        return super().convert(value, param, ctx)


@contextlib.contextmanager
def reading(file: Path) -> Iterator[tuple[IO[bytes], str]]:
    """Opens a file for reading; yields the stream and the file's name for messages.

    Raises:
        StateError: the file cannot be read.
    """
    name = "standard input" if str(file) == STANDARD else str(file)
    try:
        if str(file) == STANDARD:
            yield sys.stdin.buffer, name
        else:
            with file.open("rb", BUFFER_BYTES) as stream:
                yield stream, name
    except OSError as error:
        raise StateError(f"{name} cannot be read: {error.strerror}") from error


@contextlib.contextmanager
def writing(file: Path) -> Iterator[IO[bytes]]:
    """Creates a file that only its owner can read, for writing; on an error, removes it.

    Raises:
        StateError: the file exists, or cannot be written.
    """
    name = OUTPUT if str(file) == STANDARD else str(file)
    try:
        if str(file) == STANDARD:
            yield sys.stdout.buffer
        else:
            with _new_file(file) as stream:
                yield stream
    except FileExistsError as error:
        raise StateError(f"{name} already exists; name another file") from error
    except OSError as error:
        if name == OUTPUT:
            abandon_output()
        raise StateError(f"{name} cannot be written: {error.strerror}") from error


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
