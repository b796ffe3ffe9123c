"""Writes to each PostgreSQL directly, as no client should: only one of them may ever acknowledge it."""

import contextlib
import itertools
import threading
import time
from typing import NamedTuple

import psycopg

from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.postgresql.connection import connect
from high_availability.installation import DATABASE_HOSTS

INSERT = "INSERT INTO marks (host, number) VALUES (?, ?)"
SILENCE_SECONDS = 3.0
PAUSE_SECONDS = 0.2


class Mark(NamedTuple):
    """A row that a server has acknowledged: where, which, when."""

    host: str
    number: int
    sent: float
    acknowledged: float


class Probes:
    """One writer for each server, until it is closed."""

    def __init__(self, password: str) -> None:
        """Starts them."""
        self._password = password
        self._ended = threading.Event()
        self.marks: list[Mark] = []
        self._threads = [
            threading.Thread(target=self._run, args=(host,), daemon=True) for host in DATABASE_HOSTS
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Ends them."""
        self._ended.set()
        for thread in self._threads:
            thread.join(4 * SILENCE_SECONDS)

    def _run(self, host: str) -> None:
        while not self._ended.wait(PAUSE_SECONDS):
            number = time.monotonic_ns()
            sent = time.monotonic()
            with contextlib.suppress(StorageUnavailableError, psycopg.Error):
                if self._write(host, number):
                    self.marks.append(Mark(host, number, sent, time.monotonic()))

    def _write(self, host: str, number: int) -> bool:
        # Without a timeout of the server's: it would end the wait for a standby, and the commit would count.
        parameters = {
            "host": host,
            "user": "postgres",
            "password": self._password,
            "dbname": "postgres",
            "connect_timeout": "2",
            "options": "-c statement_timeout=0",
        }
        warnings: list[object] = []
        with contextlib.closing(connect(parameters)) as connection:
            connection.raw.longest_silence = SILENCE_SECONDS  # type: ignore[attr-defined]
            connection.raw.add_notice_handler(warnings.append)
            connection.execute(INSERT, (host, number))
        return not warnings


def check_marks(marks: list[Mark], url: str) -> None:
    """Checks that what was acknowledged is there once, and that no two servers took turns.

    Args:
        marks: since the last change of the primary but one, at most.
        url: the database of the marks.

    Raises:
        AssertionError: a mark is lost, or two servers have acknowledged at the same time.
    """
    with psycopg.connect(url) as connection:
        there = connection.execute("SELECT host, number FROM marks").fetchall()
    assert len(set(there)) == len(there)
    lost = [mark for mark in marks if (mark.host, mark.number) not in set(there)]
    assert not lost, f"acknowledged and lost: {lost}"
    in_order = sorted(marks, key=lambda mark: mark.acknowledged)
    for host in DATABASE_HOSTS:
        own = [mark for mark in in_order if mark.host == host]
        between = [mark for mark in in_order if own and own[0].sent < mark.acknowledged < own[-1].sent]
        strangers = {mark.host for mark in between} - {host}
        assert not strangers, f"{host} and {strangers} have taken writes at the same time"


def longest_gap(moments: list[float], began: float, ended: float) -> float:
    """The longest time between two moments, or from the beginning, or to the end, in seconds."""
    inside = [began, *sorted(moment for moment in moments if began <= moment <= ended), ended]
    return max(later - earlier for earlier, later in itertools.pairwise(inside))
