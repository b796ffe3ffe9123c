"""Connections to PostgreSQL: statements in the form that all databases share, errors by what they mean.

No wait is endless. The server ends statements that take too long, the system notices a peer that is gone, and
a server that is there but does not answer is given up; what the URL itself says about any of it counts more.
"""

import functools
import os
import re
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.types.numeric import Int8Dumper

from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.errors import TransactionLostError
from astakos.storage.protocol import Rows

PARAMETERS: Mapping[str, str] = {
    "application_name": "astakos",
    "client_encoding": "utf8",
    "connect_timeout": "3",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
STATEMENT_SECONDS = 15
OPTIONS = (
    f"-c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s"
)
READ_ONLY = "-c default_transaction_read_only=on"
QUICK_STATEMENT_SECONDS = 4
QUICK = (
    f"-c statement_timeout={QUICK_STATEMENT_SECONDS}s -c lock_timeout=3s "
    "-c idle_in_transaction_session_timeout=5s"
)
"""For the ledger's engines, since all have to wait for what one of them has locked, however it has ended; and
for reads of a few rows."""
PATIENT = "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0"
GRACE_SECONDS = 2.0
"""For so long after it should have ended a statement by itself the server may be silent."""
PREPARE_AFTER = 5
"""A statement that a connection has carried out so often is prepared; PgBouncer follows that from 1.22 on."""

STATEMENT_TIMEOUT = re.compile(r"statement_timeout\s*=\s*'?(\d+)\s*(ms|s|min|h)?")
UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, None: 0.001}

LOST = {"40001", "40P01"}
"""Serialization failures and deadlocks."""
NOT_NOW_CLASSES = ("08", "53", "57", "58")
"""Connection exceptions, insufficient resources, operator intervention, errors of the system."""
NOT_NOW = {"25006", "25P03", "25P04", "26000", "40003", "55P03"}
"""A standby, too long a transaction (idle, or altogether), a prepared statement that something between has
lost, an outcome not known, a lock not to be had."""

T = TypeVar("T")


class _Bounded(psycopg.Connection[tuple[Any, ...]]):
    """A connection that is given up when the server has been silent for too long."""

    longest_silence: float | None = STATEMENT_SECONDS + GRACE_SECONDS

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Carry out a piece of the protocol."""
        if self.longest_silence is not None:
            gen = self._bounded(gen, self.longest_silence)
        return super().wait(gen, interval, timeout)

    def _bounded(self, gen: PQGen[T], longest_silence: float) -> Generator[Any, Any, T]:
        heard = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                now = time.monotonic()
                if ready:
                    heard = now
                elif now - heard > longest_silence:
                    self.pgconn.finish()
                    raise psycopg.OperationalError("the server does not answer")
                wanted = gen.send(ready)
        except StopIteration as ended:
            answer: T = ended.value
            return answer


class PostgreSQLConnection:
    """A connection as `astakos.storage.protocol.Connection` describes it.

    Attributes:
        raw: the driver's, in autocommit mode.
    """

    def __init__(self, raw: psycopg.Connection[tuple[Any, ...]]) -> None:
        """Wrap the driver's connection."""
        self.raw = raw

    @property
    def is_lost(self) -> bool:
        """Whether it is known to be of no use any more."""
        return self.raw.closed

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction has been begun and not ended."""
        return self.raw.info.transaction_status != psycopg.pq.TransactionStatus.IDLE

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Carry out a statement."""
        try:
            return self.raw.execute(driver_form(statement), parameters)
        except psycopg.Error as error:
            raise recognized(error) from error

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> None:
        """Carry out a statement for each row of parameters, sent together."""
        try:
            with self.raw.cursor() as cursor:
                cursor.executemany(driver_form(statement), rows)
        except psycopg.Error as error:
            raise recognized(error) from error

    def close(self) -> None:
        """Let go of it; a transaction that is under way is undone."""
        self.raw.close()


@functools.lru_cache(maxsize=512)
def driver_form(statement: str) -> bytes:
    """A statement as the driver wants it: `%s` where a parameter goes."""
    return statement.replace("%", "%%").replace("?", "%s").encode()


def recognized(error: psycopg.Error) -> Exception:
    """What an error of the driver means to whoever wanted something; itself if it is nobody's misfortune."""
    state = error.sqlstate
    if state in LOST:
        return TransactionLostError(f"another transaction was in the way: {first_line(error)}")
    if state is None:
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return StorageUnavailableError("the connection to the database was lost")
    elif state in NOT_NOW or state.startswith(NOT_NOW_CLASSES):
        return StorageUnavailableError(f"the database can not do this now: {first_line(error)}")
    return error


def first_line(error: psycopg.Error) -> str:
    """What an error says, without the details, in which there may be values."""
    return error.diag.message_primary or " ".join(str(error).split())


def connect(
    parameters: Mapping[str, Any], *, read_only: bool = False, patient: bool = False, quick: bool = False
) -> PostgreSQLConnection:
    """A new connection by libpq's parameters.

    Args:
        parameters: what the URL says.
        read_only: whether it can only read.
        patient: whether a statement, and what comes between two, may take as long as it takes.
        quick: whether statements must not take long, so that a server that is gone is soon noticed.

    Raises:
        StorageUnavailableError: there is none to be had now.
    """
    own = {
        name: value
        for name, value in PARAMETERS.items()
        if name not in parameters and ENVIRONMENT.get(name, "") not in os.environ
    }
    # Of several settings of the same name the last one counts.
    given = str(parameters.get("options") or os.environ.get("PGOPTIONS", ""))
    wanted = (
        OPTIONS,
        QUICK if quick else "",
        READ_ONLY if read_only else "",
        given,
        PATIENT if patient else "",
    )
    options = " ".join(filter(None, wanted))
    if read_only and _session_attributes(parameters) == "read-write":
        # A session that is to read only would never do.
        own["target_session_attrs"] = "primary"
    try:
        raw = _Bounded.connect(
            **{**parameters, **own, "options": options}, autocommit=True, prepare_threshold=PREPARE_AFTER
        )
    except psycopg.Error as error:
        raise StorageUnavailableError("the database can not be reached") from error
    raw.longest_silence = _longest_silence(options)
    # Numbers of one type only: each combination of types would be prepared by itself.
    raw.adapters.register_dumper(int, Int8Dumper)
    return PostgreSQLConnection(raw)


def _session_attributes(parameters: Mapping[str, Any]) -> str:
    return str(parameters.get("target_session_attrs") or os.environ.get("PGTARGETSESSIONATTRS", ""))


ENVIRONMENT = {
    "application_name": "PGAPPNAME",
    "client_encoding": "PGCLIENTENCODING",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}


def _longest_silence(options: str) -> float | None:
    given = STATEMENT_TIMEOUT.findall(options)
    if not given:
        return STATEMENT_SECONDS + GRACE_SECONDS
    number, unit = given[-1]
    return int(number) * UNITS[unit or None] + GRACE_SECONDS if int(number) else None
