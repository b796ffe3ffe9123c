"""Several prepared statements in one round trip, by libpq's pipeline mode.

The driver has this, too, but talks to the server with every statement, and turns lists into arrays slowly:
a batch of the ledger has a dozen of both.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import pq
from psycopg.waiting import Ready, Wait

Raw = psycopg.Connection[tuple[Any, ...]]


class Statement(NamedTuple):
    """What is prepared once on each connection: a name of its own, and SQL with `$1`, `$2` and so on."""

    name: bytes
    sql: bytes


Query = tuple[Statement, Sequence[bytes | None]]
"""A statement with its parameters."""


def statement(name: str, sql: str) -> Statement:
    """A statement under a name that is not used for another."""
    return Statement(f"astakos_{name}".encode(), sql.encode())


class Result:
    """What a statement has found, as text."""

    def __init__(self, result: pq.abc.PGresult) -> None:
        """Read a result of libpq."""
        self._result = result

    @property
    def changed(self) -> int:
        """How many rows it has changed."""
        return self._result.command_tuples or 0

    @property
    def command(self) -> bytes:
        """What it has done."""
        return self._result.command_status or b""

    def rows(self) -> list[tuple[bytes, ...]]:
        """All rows; null reads like an empty text."""
        value = self._result.get_value
        columns = range(self._result.nfields)
        return [
            tuple([value(row, column) or b"" for column in columns]) for row in range(self._result.ntuples)
        ]


class Pipelining:
    """A connection's way of carrying out statements together.

    Attributes:
        warning: what the server warned of while it carried out the last ones.
    """

    def __init__(self, raw: Raw) -> None:
        """Work on a connection that is in no transaction of the driver."""
        self._raw = raw
        self._prepared: set[bytes] = set()
        self.warning: str | None = None
        raw.add_notice_handler(self._heed)

    def run(self, *queries: Query) -> list[Result]:
        """Carry out statements one after the other, with one result for each.

        After one has failed, those behind it are not carried out.

        Raises:
            psycopg.Error: one has failed, or the connection.
        """
        self.warning = None
        connection = self._raw.pgconn
        preparing = [query for query, _ in queries if query.name not in self._prepared]
        connection.enter_pipeline_mode()
        try:
            for name, sql in preparing:
                connection.send_prepare(name, sql)
            for query, parameters in queries:
                connection.send_query_prepared(query.name, parameters)
            connection.pipeline_sync()
            results = self._raw.wait(_receive(connection))
        finally:
            if connection.status == pq.ConnStatus.OK:
                connection.exit_pipeline_mode()
        for query, result in zip(preparing, results, strict=False):
            if result.status == pq.ExecStatus.COMMAND_OK:
                self._prepared.add(query.name)
        for result in results:
            if result.status == pq.ExecStatus.FATAL_ERROR:
                raise psycopg.errors.error_from_result(result)
        return [Result(result) for result in results[len(preparing) :]]

    def _heed(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            self.warning = notice.message_primary


def _receive(connection: pq.abc.PGconn) -> Generator[Wait, Ready | int, list[pq.abc.PGresult]]:
    results: list[pq.abc.PGresult] = []
    sending = connection.flush() != 0
    while True:
        ready = yield Wait.RW if sending else Wait.R
        if ready & Ready.R:
            connection.consume_input()
        if sending:
            sending = connection.flush() != 0
        while not connection.is_busy():
            result = connection.get_result()
            if result is None:
                # The end of one statement's results; a second one in a row would be the end of all.
                continue
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                return results
            results.append(result)


def number(value: int) -> bytes:
    """A number as a parameter."""
    return b"%d" % value


def arrays(kinds: str, rows: Iterable[Sequence[Any]]) -> list[bytes]:
    """Each column of some rows, at least one, as a parameter for `unnest`.

    Args:
        kinds: a letter for each column: `n` for numbers, which may be missing, `t` for texts, `b` for bytes.
        rows: the rows.
    """
    return [ARRAYS[kind](column) for kind, column in zip(kinds, zip(*rows, strict=True), strict=True)]


def array_of_numbers(values: Iterable[int | None]) -> bytes:
    """An array of numbers as a parameter."""
    return f"{{{','.join(['NULL' if value is None else f'{value:d}' for value in values])}}}".encode()


def _array_of_texts(values: Iterable[str]) -> bytes:
    joined = '","'.join([value.replace("\\", "\\\\").replace('"', '\\"') for value in values])
    return f'{{"{joined}"}}'.encode()


def _array_of_bytes(values: Iterable[bytes]) -> bytes:
    return _array_of_texts([f"\\x{value.hex()}" for value in values])


ARRAYS: Mapping[str, Callable[[Iterable[Any]], bytes]] = {
    "n": array_of_numbers,
    "t": _array_of_texts,
    "b": _array_of_bytes,
}
