"""Connections to PostgreSQL: translates the shared form of statements, and the driver's errors.

Every wait is bounded: the server cancels statements that take too long, TCP keepalives detect a peer that is
gone, and a connection is closed if its server stops responding. Settings in the URL take precedence.
"""

import functools
import math
import os
import re
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import timeout_from_conninfo
from psycopg.types.numeric import Int8Dumper

from astakos.ledger.ports import NotCarriedOutError, OutcomeUnknownError
from astakos.storage.errors import TransactionLostError
from astakos.storage.postgresql.host_addresses import names_service, with_addresses
from astakos.storage.postgresql.pooling import is_pooled, settings_in, statement_that_sets
from astakos.storage.postgresql.service_connection import connect_in_time
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
"""For reads of a few rows, and for the ledger's engines: all of them wait for rows that one has locked, even
if that one has died."""
PATIENT = "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0"
GRACE_SECONDS = 2.0
"""How long the server may stay silent after the statement timeout, when it should have reported an error."""
NAME_SECONDS = 6.0
"""How long names may be looked up, if nobody waits for a quick answer: just longer than the system's resolver
waits for its first name server before it asks the second one."""
LEAST_CONNECT_SECONDS = 2
"""The driver's shortest timeout."""
PREPARE_AFTER = 5
"""After how many executions a connection prepares a statement, unless there is a pooler in between."""

STATEMENT_TIMEOUT = re.compile(r"statement_timeout\s*=\s*'?(\d+)\s*(ms|s|min|h)?")
UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, None: 0.001}

LOST = {"40001", "40P01"}
"""Serialization failures and deadlocks."""
NOT_NOW_CLASSES = ("08", "53", "57", "58")
"""Connection exceptions, insufficient resources, operator intervention, system errors."""
NOT_NOW = {"25006", "25P03", "25P04", "26000", "40003", "55P03"}
"""Read-only standby, idle-in-transaction timeout, transaction timeout, a prepared statement lost by a pooler,
statement completion unknown, lock not available."""
UNKNOWN = {"40003", "08007"}
"""Statement completion unknown, transaction resolution unknown."""

EVERY_FAILURE = "All failures were:\n"
"""What the driver writes between the last failure and a list of all of them."""
HINT = re.compile(r"\s+Is the server running ")
BEFORE_FAILURE = re.compile(r"(- host: .*?, hostaddr: \S+: )?(connection failed: |connection is bad: )?")

UNSUPPORTED = "unsupported startup parameter"
POOLER_HINT = "PgBouncer needs ignore_startup_parameters = options; see docs/high-availability.md"

T = TypeVar("T")


class _Bounded(psycopg.Connection[tuple[Any, ...]]):
    """A connection that closes itself if the server stays silent for too long."""

    longest_silence: float | None = STATEMENT_SECONDS + GRACE_SECONDS

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Runs one step of the protocol, for at most `longest_silence` without any data from the server."""
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
                    raise psycopg.OperationalError("the server is not responding")
                wanted = gen.send(ready)
        except StopIteration as ended:
            answer: T = ended.value
            return answer


SERVER_CLOCK = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"


class PostgreSQLConnection:
    """Implements `astakos.storage.protocol.Connection`.

    Attributes:
        raw: the driver's connection, in autocommit mode.
        pooled_settings: what each transaction has to set by itself, because there is a pooler in between
            (`pooling.py`); None if there is none.
    """

    def __init__(
        self,
        raw: psycopg.Connection[tuple[Any, ...]],
        pooled_settings: Mapping[str, str] | None = None,
    ) -> None:
        """Wraps the driver's connection."""
        self.raw = raw
        self.pooled_settings = pooled_settings

    @property
    def is_lost(self) -> bool:
        """Whether the connection is known to be closed."""
        return self.raw.closed

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.raw.info.transaction_status != psycopg.pq.TransactionStatus.IDLE

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Executes a statement."""
        try:
            return self.raw.execute(driver_form(statement), parameters)
        except psycopg.Error as error:
            raise recognized(error) from error

    def set_in_transaction(self) -> None:
        """Applies the settings to the transaction that has just begun, if a pooler has kept them away."""
        if self.pooled_settings:
            self.execute(*statement_that_sets(self.pooled_settings))

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> None:
        """Executes a statement once for each row of parameters, sent together."""
        try:
            with self.raw.cursor() as cursor:
                cursor.executemany(driver_form(statement), rows)
        except psycopg.Error as error:
            raise recognized(error) from error

    def read_clock(self) -> int:
        """Returns the instant by the server's clock."""
        (time,) = self.execute(SERVER_CLOCK).fetchone()
        return int(time)

    def commit(self) -> None:
        """Commits the open transaction.

        Raises:
            NotCarriedOutError: the transaction was rolled back.
            OutcomeUnknownError: the server has not said whether it committed.
        """
        warnings: list[str] = []

        def heed(notice: psycopg.errors.Diagnostic) -> None:
            if notice.severity_nonlocalized == "WARNING":
                warnings.append(str(notice.message_primary))

        self.raw.add_notice_handler(heed)
        try:
            status = self.raw.execute("COMMIT").statusmessage
        except psycopg.Error as error:
            raise recognized_at_commit(error) from error
        finally:
            self.raw.remove_notice_handler(heed)
        if status != "COMMIT":
            raise NotCarriedOutError("the transaction could not be committed")
        if warnings:
            # The wait for the standby was ended: it is committed here, but would be lost with this server.
            raise OutcomeUnknownError(f"the commit returned a warning: {warnings[-1]}")

    def close(self) -> None:
        """Closes the connection; an open transaction is rolled back."""
        self.raw.close()


@functools.lru_cache(maxsize=512)
def driver_form(statement: str) -> bytes:
    """Returns a statement in the driver's form, with `%s` for parameters."""
    return statement.replace("%", "%%").replace("?", "%s").encode()


def recognized(error: psycopg.Error) -> Exception:
    """Translates a driver error into a storage error; returns it unchanged unless it is transient.

    A transaction in which a statement has failed has no effect. If that statement is the COMMIT, see
    `recognized_at_commit`.
    """
    state = error.sqlstate
    if state in LOST:
        return TransactionLostError(f"conflict with another transaction: {first_line(error)}")
    if state is None:
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return NotCarriedOutError("the connection to the database was lost")
    elif state in NOT_NOW or state.startswith(NOT_NOW_CLASSES):
        return NotCarriedOutError(f"the database cannot do this now: {first_line(error)}")
    return error


def recognized_at_commit(error: psycopg.Error) -> Exception:
    """Translates a driver error that ended a COMMIT, or the statements that were sent with it."""
    if error.diag.severity_nonlocalized == "ERROR" and error.sqlstate not in UNKNOWN:
        # The server has rolled the transaction back. Any other end, a FATAL error for example, may have come
        # after the commit.
        return recognized(error)
    return OutcomeUnknownError(f"the commit was not confirmed: {first_line(error)}")


def first_line(error: psycopg.Error) -> str:
    """Returns the message of an error, without the details, which may contain values.

    If servers could not be reached, it names each of them once, with its port.
    """
    if error.diag.message_primary:
        return error.diag.message_primary
    text = str(error).rpartition(EVERY_FAILURE)[2]
    failures = (_failure(line) for line in text.splitlines() if line.strip() and not HINT.match(line))
    return "; ".join(dict.fromkeys(failures))


def _failure(line: str) -> str:
    """Returns what failed, without the parameters and the words that the driver puts before it."""
    reason = BEFORE_FAILURE.sub("", line.strip())
    return f"{reason} ({POOLER_HINT})" if UNSUPPORTED in reason else reason


def connect(
    parameters: Mapping[str, Any], *, read_only: bool = False, patient: bool = False, quick: bool = False
) -> PostgreSQLConnection:
    """Opens a new connection with libpq's parameters.

    Args:
        parameters: the parameters in the URL.
        read_only: whether the connection can only read.
        patient: whether statements, and pauses between them, may take any time.
        quick: whether to use short timeouts, so that a server that is gone is noticed soon.

    Raises:
        NotCarriedOutError: the server cannot be reached now.
    """
    own = {
        name: value
        for name, value in PARAMETERS.items()
        if name not in parameters and ENVIRONMENT.get(name, "") not in os.environ
    }
    # If a setting occurs more than once, the last one wins.
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
        # A read-only session never counts as read-write.
        own["target_session_attrs"] = "primary"
    try:
        raw = _connected({**parameters, **own, "options": options}, quick=quick)
    except psycopg.Error as error:
        raise NotCarriedOutError("the database cannot be reached") from error
    raw.longest_silence = _longest_silence(options)
    # All integers have one type; otherwise each combination of types would be prepared separately.
    raw.adapters.register_dumper(int, Int8Dumper)
    try:
        if not is_pooled(raw):
            return PostgreSQLConnection(raw)
    except psycopg.Error as error:
        raw.close()
        raise NotCarriedOutError("the database cannot be reached") from error
    raw.prepare_threshold = None
    return PostgreSQLConnection(raw, settings_in(options))


def _connected(parameters: dict[str, Any], *, quick: bool) -> _Bounded:
    """Opens the driver's connection: names have their time, and so has connecting."""

    def connect(**wanted: Any) -> _Bounded:
        return _Bounded.connect(**wanted, autocommit=True, prepare_threshold=PREPARE_AFTER)

    if names_service(parameters):
        seconds = timeout_from_conninfo(parameters)
        for_names = seconds if quick else max(seconds, NAME_SECONDS)
        return connect_in_time(functools.partial(connect, **parameters), for_names + seconds)
    return connect(**_resolved(parameters, quick=quick))


def _resolved(parameters: dict[str, Any], *, quick: bool) -> dict[str, Any]:
    """Returns the parameters with the addresses of the hosts; `connect_timeout` covers finding them."""
    seconds = timeout_from_conninfo(parameters)
    began = time.monotonic()
    resolved = with_addresses(parameters, seconds if quick else max(seconds, NAME_SECONDS))
    left = math.ceil(seconds - (time.monotonic() - began))
    if left < seconds:
        resolved["connect_timeout"] = str(max(left, LEAST_CONNECT_SECONDS))
    return resolved


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
