"""Standard input and output as a command finds them: closed, full, or unable to show every character."""

import os
import sys

STDIN, STDOUT, STDERR = 0, 1, 2
OUTPUT = "standard output"


def prepare_streams() -> None:
    """Makes the standard streams usable: what they cannot show is replaced, and closed ones are opened.

    A closed descriptor would be given to the next file that is opened, for example the database.
    """
    for descriptor in (STDIN, STDOUT, STDERR):
        _open_if_closed(descriptor)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _open_if_closed(descriptor: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        # Standard output is opened for reading, so that writing to it fails instead of losing a result.
        opened = os.open(os.devnull, os.O_WRONLY if descriptor == STDERR else os.O_RDONLY)
        os.set_inheritable(opened, True)
    if descriptor == STDIN and sys.stdin is None:
        sys.stdin = os.fdopen(STDIN, encoding="utf-8", closefd=False)
    elif descriptor == STDOUT and sys.stdout is None:
        sys.stdout = os.fdopen(STDOUT, "w", encoding="utf-8", closefd=False)
    elif descriptor == STDERR and sys.stderr is None:
        sys.stderr = os.fdopen(STDERR, "w", encoding="utf-8", closefd=False)


def abandon_output() -> None:
    """Discards what could not be written, so that the interpreter does not fail on it again when it exits."""
    discarding = os.open(os.devnull, os.O_WRONLY)
    os.dup2(discarding, STDOUT)
    os.close(discarding)
