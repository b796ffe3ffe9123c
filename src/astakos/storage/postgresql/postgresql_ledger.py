"""The ledger's storage on PostgreSQL: retries lost transactions, and applies each batch exactly once.

A transaction that is lost to a conflict or with its connection is retried as a whole. Each engine has a row
in `engines`, to which each of its transactions first writes its batch number. A retry that finds its own
number there knows that the lost transaction was committed after all. While a lost transaction is still
running on the server, its lock on the row makes the retry wait.

A commit found this way may exist on this server only: if the wait for a standby is interrupted, the commit is
visible, but would be lost with the server. So before the outcome is reported, the retry makes a commit of its
own durable, which covers all earlier ones.

If retries end before it is known whether a lost transaction was committed, the outcome is unknown, whatever
the last retry failed with.
"""

import contextlib
import logging
import random
import time
import uuid
from collections.abc import Callable

import psycopg

from astakos import clock
from astakos.clock import DAY
from astakos.ledger.clock_guard import ClockAnchor, ClockRecord
from astakos.ledger.ports import (
    LedgerTransaction,
    NotCarriedOutError,
    OutcomeUnknownError,
    StorageUnavailableError,
)
from astakos.storage.errors import TransactionLostError
from astakos.storage.postgresql.connection import PostgreSQLConnection, recognized, recognized_at_commit
from astakos.storage.postgresql.known import Known
from astakos.storage.postgresql.pipeline import Pipelining, Query
from astakos.storage.postgresql.pooling import query_that_sets
from astakos.storage.postgresql.postgresql_batch import (
    HasCommittedError,
    PostgreSQLTransaction,
    ServerChangedError,
)
from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase, writing
from astakos.storage.postgresql.postgresql_retention import delete_together
from astakos.storage.tables import clock_records, write_proof
from astakos.storage.tables.retention import Retention

UNHARMED_BY = {"23505", "40001", "40P01", "55P03"}
"""Errors that other transactions cause and that leave the connection usable."""
PATIENCE_SECONDS = 8.0
"""How long a lost transaction is retried: shorter than the timeout of its operations."""
UNAWAITED_SECONDS = 1.0
"""How long one is retried that no caller waits for: a conflict, or a connection that was lost in silence, do
not make it fail, but a server that is gone does."""
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5
ENGINES_KEPT = 30 * DAY
"""How long an engine's row is kept: long enough that no running engine loses it, even if clocks differ."""
FORGET_ENGINES = "DELETE FROM engines WHERE time < ?"

# A plan made while a table was empty stays cached for minutes after the table has filled, so it must use
# indexes. No statement has a better plan for other parameters.
PLANNING = {"enable_seqscan": "off", "plan_cache_mode": "force_generic_plan"}

log = logging.getLogger("astakos.storage")


class PostgreSQLLedger:
    """The ledger's storage on one connection, for one thread at a time."""

    closing_seconds = 1.0
    """The server rolls back whatever a process leaves behind."""

    def __init__(self, database: PostgreSQLDatabase) -> None:
        """Sets the database; the first use connects."""
        self.repeats = 0
        self._database = database
        self._connection: PostgreSQLConnection | None = None
        self._pipelining: Pipelining | None = None
        self._settings: Query | None = None
        self._known = Known()
        self._engine = uuid.uuid4().hex
        self._batch = 0
        self._may_be_committed = False
        self._retention = Retention(delete_together)
        self._offset: int | None = None

    def now(self) -> int:
        """Returns the time by the server's clock, as its last batch has read it, and what has passed since.

        Raises:
            StorageUnavailableError: it has not been read yet, and the server cannot be reached now.
        """
        if self._offset is None:
            connection, _ = self._connected()
            self._offset = connection.read_clock() - clock.elapsed()
        return clock.elapsed() + self._offset

    def transact(self, work: Callable[[LedgerTransaction], None], *, is_awaited: bool = True) -> None:
        """Runs `work` in one durable transaction; see `astakos.ledger.ports.LedgerStorage`."""
        self._batch += 1
        self._may_be_committed = False
        self._known.forget_if_too_much()
        deadline = time.monotonic() + (PATIENCE_SECONDS if is_awaited else UNAWAITED_SECONDS)
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                self._attempt(work)
            except StorageUnavailableError as error:
                if time.monotonic() + pause > deadline:
                    self._require_known(error)
                    raise
                log.debug("ledger batch retried: %s", error)
            except Exception as error:
                self._require_known(error)
                raise
            else:
                return
            self.repeats += 1
            # The jitter keeps conflicting transactions from retrying at the same moment.
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - nothing secret
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _require_known(self, error: Exception) -> None:
        """Checks that the last error of a batch tells its outcome.

        Raises:
            OutcomeUnknownError: an earlier attempt may have been committed.
        """
        if self._may_be_committed and not isinstance(error, OutcomeUnknownError):
            raise OutcomeUnknownError(f"an earlier attempt was not confirmed: {error}") from error

    def _attempt(self, work: Callable[[LedgerTransaction], None]) -> None:
        connection, pipelining = self._connected()
        transaction = PostgreSQLTransaction(
            connection, pipelining, self._known, self._engine.encode(), self._batch, self._settings
        )
        try:
            try:
                work(transaction)
                transaction.commit()
            except HasCommittedError:
                self._may_be_committed = True
                transaction.confirm()
                log.warning("ledger batch found committed after its connection was lost")
            if transaction.offset is not None:
                self._offset = transaction.offset
        except psycopg.Error as error:
            self._roll_back()
            meaning = self._recognized(error, transaction)
            self._learn(transaction, meaning)
            if error.sqlstate not in UNHARMED_BY:
                # The cause may be this server or a proxy; a new connection may reach another one.
                self.close()
            raise meaning from error
        except BaseException as error:
            self._roll_back()
            self._learn(transaction, error)
            if isinstance(error, ServerChangedError):
                self._known = Known()
            raise

    def _learn(self, transaction: PostgreSQLTransaction, error: BaseException) -> None:
        """Notes what a failed attempt tells about the fate of the batch."""
        if transaction.is_first:
            self._may_be_committed = False
        if isinstance(error, OutcomeUnknownError):
            self._may_be_committed = True

    def _recognized(self, error: psycopg.Error, transaction: PostgreSQLTransaction) -> Exception:
        if isinstance(error, psycopg.errors.UniqueViolation):
            # Another engine has just issued with the same idempotency key; a retry finds that key.
            return TransactionLostError("another request used the same idempotency key at the same time")
        if transaction.is_committing:
            return recognized_at_commit(error)
        if self._connection is None:
            return NotCarriedOutError("the connection to the database was lost")
        return recognized(error)

    def _connected(self) -> tuple[PostgreSQLConnection, Pipelining]:
        if self._connection is None or self._pipelining is None or self._connection.is_lost:
            self.close()
            self._connection = self._database.connect(quick=True)
            settings = self._connection.pooled_settings
            if settings is None:
                _set_planning(self._connection)
            self._settings = None if settings is None else query_that_sets({**settings, **PLANNING})
            # The new connection may reach another server, or a restored database.
            self._known = Known()
            self._pipelining = Pipelining(self._connection.raw, prepares=settings is None)
        return self._connection, self._pipelining

    def _roll_back(self) -> None:
        """Rolls back the open transaction; closes the connection if that fails."""
        if self._connection is None:
            return
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except (psycopg.Error, StorageUnavailableError):
            self.close()
        else:
            if self._connection.is_lost:
                self.close()

    def read_clock_record(self) -> ClockRecord:
        """Returns what is recorded about the clock."""
        connection, _ = self._connected()
        return clock_records.read(connection)

    def save_clock_record(self, *, anchor: ClockAnchor | None, is_held: bool) -> None:
        """Records what the clock has to show, and whether it is held."""
        connection, _ = self._connected()
        with writing(connection):
            clock_records.save(connection, anchor=anchor, is_held=is_held)

    def prove_writable(self) -> None:
        """Commits a change that means nothing."""
        connection, _ = self._connected()
        with writing(connection):
            write_proof.prove_writable(connection)

    def tidy(self, now: int) -> bool:
        """Deletes some records past their retention; returns true if more remain."""
        connection, _ = self._connected()
        with writing(connection):
            connection.execute(FORGET_ENGINES, (now - ENGINES_KEPT,))
            return self._retention.forget(connection, now)

    def close(self) -> None:
        """Closes the connection, if it is open."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()


def _set_planning(connection: PostgreSQLConnection) -> None:
    for name, value in PLANNING.items():
        # These settings exist only in PostgreSQL's own planner; compatible databases may reject them.
        with contextlib.suppress(psycopg.Error):
            connection.execute(f"SET {name} = {value}")
