"""Runs several statements in one round trip, in libpq's pipeline mode.

The driver has a pipeline mode too, but it calls the server for every statement, and converts lists to arrays
slowly. A batch of the ledger has a dozen of both.
"""

import struct
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import psycopg
from psycopg import pq
from psycopg.waiting import Ready, Wait

Raw = psycopg.Connection[tuple[Any, ...]]

ARRAY_HEADER = 20
ARRAY_ELEMENT = 12
"""Bytes of an array of bigint with one dimension, in binary format."""


class Statement(NamedTuple):
    """A statement that is prepared once on each connection: a unique name, and SQL with `$1`, `$2`, …

    `returns` is the format of its result: text, unless it returns what `Result.arrays` reads.
    """

    name: bytes
    sql: bytes
    returns: pq.Format = pq.Format.TEXT


Query = tuple[Statement, Sequence[bytes | None]]
"""A statement with its parameters."""


def statement(name: str, sql: str, returns: pq.Format = pq.Format.TEXT) -> Statement:
    """Creates a statement; the name must be unique."""
    return Statement(f"astakos_{name}".encode(), sql.encode(), returns)


class Result:
    """The result of a statement."""

    def __init__(self, result: pq.abc.PGresult) -> None:
        """Wraps a result of libpq."""
        self._result = result

    @property
    def changed(self) -> int:
        """How many rows the statement has changed."""
        return self._result.command_tuples or 0

    @property
    def command(self) -> bytes:
        """The command tag, for example `COMMIT`."""
        return self._result.command_status or b""

    def rows(self) -> list[tuple[bytes, ...]]:
        """Returns all rows of a result in text format; null becomes an empty value."""
        value = self._result.get_value
        rows = range(self._result.ntuples)
        columns = [[value(row, column) or b"" for row in rows] for column in range(self._result.nfields)]
        return list(zip(*columns, strict=True))

    def arrays(self) -> list[tuple[int, ...]]:
        """Returns the only row of a result in binary format: arrays of bigint without nulls.

        This costs an eighth of `rows` with as many numbers. Null becomes an empty array.
        """
        value = self._result.get_value
        return [_numbers(value(0, column) or b"") for column in range(self._result.nfields)]


def _numbers(array: bytes) -> tuple[int, ...]:
    count = max(0, len(array) - ARRAY_HEADER) // ARRAY_ELEMENT
    return _layout(count).unpack_from(array, ARRAY_HEADER) if count else ()


@lru_cache(maxsize=4)
def _layout(count: int) -> struct.Struct:
    # Before each number stands its length.
    return struct.Struct(">" + "4xq" * count)


class Pipelining:
    """Runs statements together on one connection.

    Attributes:
        warning: the server's last warning during the most recent `run`, if there was one.
    """

    def __init__(self, raw: Raw, *, prepares: bool = True) -> None:
        """Uses a connection that has no open transaction of the driver.

        Args:
            raw: the connection.
            prepares: whether statements are prepared once; not behind a pooler (`pooling.py`).
        """
        self._raw = raw
        self._prepares = prepares
        self._prepared: set[bytes] = set()
        self.warning: str | None = None
        raw.add_notice_handler(self._heed)

    def run(self, *queries: Query) -> list[Result]:
        """Runs statements in order and returns one result for each. After a failure, the rest are skipped.

        Raises:
            psycopg.Error: a statement or the connection failed.
        """
        self.warning = None
        connection = self._raw.pgconn
        preparing = [query for query, _ in queries if self._prepares and query.name not in self._prepared]
        connection.enter_pipeline_mode()
        try:
            for query in preparing:
                connection.send_prepare(query.name, query.sql)
            for query, parameters in queries:
                if self._prepares:
                    connection.send_query_prepared(query.name, parameters, result_format=query.returns)
                else:
                    connection.send_query_params(query.sql, parameters, result_format=query.returns)
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
                # The end of one statement's results.
                continue
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                return results
            results.append(result)


def number(value: int) -> bytes:
    """Encodes a number as a parameter."""
    return b"%d" % value


def arrays(kinds: str, rows: Iterable[Sequence[Any]]) -> list[bytes]:
    """Encodes each column of some rows as an array parameter for `unnest`.

    Args:
        kinds: a letter for each column: `n` for numbers or nulls, `t` for texts, `b` for bytes.
        rows: at least one row.
    """
    return [ARRAYS[kind](column) for kind, column in zip(kinds, zip(*rows, strict=True), strict=True)]


def array_of_numbers(values: Iterable[int | None]) -> bytes:
    """Encodes an array of numbers or nulls as a parameter."""
    # Python writes a list of numbers in the same way, in half the time of a loop.
    return f"{{{str(list(values))[1:-1].replace('None', 'NULL')}}}".encode()


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
