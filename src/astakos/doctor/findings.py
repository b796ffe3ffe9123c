"""What a check finds, and what it is given to look at."""

from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import NamedTuple

from astakos.storage.protocol import Connection, Database

Report = Callable[[str, int, int], None]
"""Called with what is being read, how much of it has been, and how much there is."""


class Level(IntEnum):
    """How bad something is. The worst one is the exit status of the command."""

    FINE = 0
    WARNING = 1
    FAULT = 2

    @property
    def word(self) -> str:
        """Returns it in a word."""
        return self.name.lower()


class Finding(NamedTuple):
    """Something that is wrong.

    Attributes:
        level: how bad it is.
        text: what is wrong.
        remedy: what to do about it.
    """

    level: Level
    text: str
    remedy: str


class NotExaminedError(Exception):
    """Raised by a check that cannot or need not look; the message says why."""


class Examined(NamedTuple):
    """What checks look at.

    Attributes:
        database: the database; it need not be opened.
        connection: a connection on which all reads of a check see the same state.
        now: the instant by this machine's clock.
        url: where the service is to be asked; None for the base URL in the settings.
        report: told how far a long check is.
    """

    database: Database
    connection: Connection
    now: int
    url: str | None
    report: Report


Look = Callable[[Examined], Iterator[Finding]]


class Check(NamedTuple):
    """A check.

    Attributes:
        name: what people call it.
        text: what it looks at, and from when on that is wrong.
        look: yields what is wrong.
    """

    name: str
    text: str
    look: Look


def fault(text: str, remedy: str) -> Finding:
    """Returns a finding that keeps the service from doing what it promises."""
    return Finding(Level.FAULT, text, remedy)


def warning(text: str, remedy: str) -> Finding:
    """Returns a finding that can become a fault, or is one of somebody else."""
    return Finding(Level.WARNING, text, remedy)
