"""The ledger's storage on PostgreSQL: what is lost is done again, and comes true once.

A transaction that was lost to another one, or with its connection, is done again as a whole. Each engine has
a row in `engines`, in which each of its transactions first writes its number. When one is done again and
finds its own number there, it had come through after all; and while the lost one is still at work somewhere,
that holds the lock of the row.

What was found to have come through may be on this server alone: a commit that no longer waits for a standby,
because it was interrupted, is visible although it would be lost with the server. So a commit of its own is
made durable before anybody is told of what was found, and takes all earlier ones with it.
"""

import contextlib
import logging
import random
import time
import uuid
from collections.abc import Callable

import psycopg

from astakos.clock import DAY
from astakos.ledger.ports import LedgerTransaction, StorageUnavailableError
from astakos.storage.errors import TransactionLostError
from astakos.storage.postgresql.connection import PostgreSQLConnection, recognized
from astakos.storage.postgresql.pipeline import Pipelining
from astakos.storage.postgresql.postgresql_batch import HasCommittedError, Known, PostgreSQLTransaction
from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase, writing
from astakos.storage.tables import retention

UNHARMED_BY = {"23505", "40001", "40P01", "55P03"}
"""After these errors a connection is as good as before; they come from other transactions."""
PATIENCE_SECONDS = 8.0
"""How long a lost transaction is repeated: shorter than its commissions wait for an answer."""
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5
ENGINES_KEPT = 30 * DAY
"""Only the row of an engine that has ended may be forgotten, however wrong a host's clock is."""
FORGET_ENGINES = "DELETE FROM engines WHERE time < ?"

# A plan that was made while a table was empty is kept for some minutes after it has filled; so it must be one
# that uses indexes. All statements are such that there is no better plan for other parameters.
PLANNING = ("SET enable_seqscan = off", "SET plan_cache_mode = force_generic_plan")

log = logging.getLogger("astakos.storage")


class PostgreSQLLedger:
    """The ledger's storage on one connection, for one thread at a time."""

    def __init__(self, database: PostgreSQLDatabase) -> None:
        """Connect when first used."""
        self.repeats = 0
        self._database = database
        self._connection: PostgreSQLConnection | None = None
        self._pipelining: Pipelining | None = None
        self._known = Known()
        self._engine = uuid.uuid4().hex
        self._batch = 0

    def transact(self, work: Callable[[LedgerTransaction], None]) -> None:
        """One durable transaction; see `astakos.ledger.ports.LedgerStorage`."""
        self._batch += 1
        self._known.forget_if_too_much()
        deadline = time.monotonic() + PATIENCE_SECONDS
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                self._attempt(work)
            except StorageUnavailableError as error:
                if time.monotonic() + pause > deadline:
                    raise
                log.debug("a batch is done again, since %s", error)
            else:
                return
            self.repeats += 1
            # Those that met must not meet again.
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - nothing secret
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _attempt(self, work: Callable[[LedgerTransaction], None]) -> None:
        connection, pipelining = self._connected()
        transaction = PostgreSQLTransaction(
            connection, pipelining, self._known, self._engine.encode(), self._batch
        )
        try:
            try:
                work(transaction)
                transaction.commit()
            except HasCommittedError:
                transaction.confirm()
                log.warning("a batch whose connection was lost had been committed")
        except psycopg.Error as error:
            self._roll_back()
            meaning = self._recognized(error)
            if error.sqlstate not in UNHARMED_BY:
                # It may be this server, or something between, that a new connection would not meet.
                self.close()
            raise meaning from error
        except BaseException:
            self._roll_back()
            raise

    def _recognized(self, error: psycopg.Error) -> Exception:
        if isinstance(error, psycopg.errors.UniqueViolation):
            # Another engine has just issued with the same idempotency key: done again, this one will find it.
            return TransactionLostError("the same key was used at the same time")
        if self._connection is None:
            return StorageUnavailableError("the connection to the database was lost")
        return recognized(error)

    def _connected(self) -> tuple[PostgreSQLConnection, Pipelining]:
        if self._connection is None or self._pipelining is None or self._connection.is_lost:
            self.close()
            self._connection = self._database.connect(quick=True)
            _set_planning(self._connection)
            # It may lead to another server, or to what was restored there.
            self._known = Known()
            self._pipelining = Pipelining(self._connection.raw)
        return self._connection, self._pipelining

    def _roll_back(self) -> None:
        """Leave the transaction; a connection that can not even do that is of no use any more."""
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

    def tidy(self, now: int) -> bool:
        """Forget some of what is too old; true if there is more of it."""
        connection, _ = self._connected()
        with writing(connection):
            connection.execute(FORGET_ENGINES, (now - ENGINES_KEPT,))
            return retention.forget(connection, now)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()


def _set_planning(connection: PostgreSQLConnection) -> None:
    for setting in PLANNING:
        # They are about PostgreSQL's own planner; a database that has another one need not know them.
        with contextlib.suppress(psycopg.Error):
            connection.execute(setting)
