"""Lost transactions that are still at work, and the records by which they are known: all is done once."""

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from tools.postgres_server import PostgresServer

from astakos.clock import DAY
from astakos.ledger.operations import Issued, Resolve, Resolved
from astakos.ledger.ports import (
    LedgerTransaction,
    NotCarriedOutError,
    OutcomeUnknownError,
    StorageUnavailableError,
)
from astakos.storage.postgresql import postgresql_ledger
from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase
from astakos.storage.postgresql.postgresql_ledger import ENGINES_KEPT, PostgreSQLLedger
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import settings
from service.engines import changed_url
from service.installation import rows
from service.proxy import Network, proxy_to
from simulation.comparison import make_issue
from simulation.postgresql_worlds import PATIENCE, answered, count, do, issue, new_store
from simulation.worlds import START, USER_1

pytestmark = pytest.mark.postgresql

WAITING_FOR_STANDBY = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


class Waiting:
    """Commits wait for a standby that is not there, until they are let go."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server

    def __enter__(self) -> "Waiting":
        self.server.set("synchronous_standby_names", "nobody")
        try:
            while not self._does_a_commit_wait():
                pass
        except BaseException:
            self.let_go()
            raise
        return self

    def let_go(self) -> None:
        self.server.set("synchronous_standby_names", "")

    def __exit__(self, *_: object) -> None:
        self.let_go()

    def _does_a_commit_wait(self) -> bool:
        """Whether one of our own does: it is the checkpointer that tells commits to, and it may be busy."""
        with contextlib.closing(psycopg.connect(self.server.url, autocommit=True)) as probe:
            process = probe.info.backend_pid
            probe.pgconn.send_query(b"SELECT pg_logical_emit_message(true, 'probe', '')")
            while True:
                probe.pgconn.consume_input()
                if not probe.pgconn.is_busy():
                    return False
                if self.server.execute(f"{WAITING_FOR_STANDBY} AND pid = {process}"):
                    self.server.execute(f"SELECT pg_terminate_backend({process}, 1000)")
                    return True

    def next_after(self, *known: int) -> int:
        """The process of the next commit that waits."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for (process,) in self.server.execute(WAITING_FOR_STANDBY):
                if process not in known:
                    return int(process)
            assert time.monotonic() < deadline, "no commit waits"
            time.sleep(0.01)


class TestLostTransactionsAtWork:
    def test_while_it_waits_to_be_durable_it_is_not_done_again(
        self, server: PostgresServer, database: Database, pool: ThreadPoolExecutor
    ) -> None:
        """The connection is gone, the commit is not: the repetition meets its lock, and then its record."""
        with proxy_to(str(server.folder), 5432) as proxy:
            store = new_store(
                PostgreSQLDatabase(changed_url(database.url, host="127.0.0.1", port=str(proxy.port)))
            )
            do(store)
            with Waiting(server) as waiting:
                under_way = pool.submit(do, store, make_issue(1, [(USER_1, 1)], key="k"))
                lost = waiting.next_after()
                proxy.state = Network.CUT
                proxy.state = Network.WHOLE
                await_locked(server, lost)
                assert not under_way.done()
                waiting.let_go()
                outcome = answered(under_way)
            assert isinstance(outcome, Issued)
            assert not outcome.repeated
            assert do(store, make_issue(1, [(USER_1, 1)], key="k")) == [Issued(outcome.serial, repeated=True)]
            assert count(database) == 1
            store.close()

    def test_if_it_cannot_be_found_out_in_time_the_outcome_is_unknown(
        self,
        server: PostgresServer,
        database: Database,
        pool: ThreadPoolExecutor,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Attempts after the lost one fail before they change anything; that says nothing about it."""
        monkeypatch.setattr(postgresql_ledger, "PATIENCE_SECONDS", 0.2)
        with proxy_to(str(server.folder), 5432) as proxy:
            store = new_store(
                PostgreSQLDatabase(changed_url(database.url, host="127.0.0.1", port=str(proxy.port)))
            )
            do(store)
            with Waiting(server) as waiting:
                under_way = pool.submit(do, store, make_issue(1, [(USER_1, 1)], key="k"))
                waiting.next_after()
                proxy.state = Network.CUT
                with pytest.raises(OutcomeUnknownError, match="an earlier attempt was not confirmed"):
                    answered(under_way)
                with pytest.raises(NotCarriedOutError):
                    do(store, make_issue(1, [(USER_1, 1)]))
            proxy.state = Network.WHOLE
            (outcome,) = do(store, make_issue(1, [(USER_1, 1)], key="k"))
            assert isinstance(outcome, Issued)
            assert outcome.repeated
            assert count(database) == 1
            store.close()

    def test_a_change_whose_commit_is_lost_has_an_unknown_outcome(
        self, server: PostgresServer, database: Database, pool: ThreadPoolExecutor
    ) -> None:
        def change(connection: Connection) -> None:
            settings.save(connection, "brand", "new")

        def change_in_vain(connection: Connection) -> None:
            proxy.state = Network.CUT
            change(connection)

        with proxy_to(str(server.folder), 5432) as proxy:
            distant = PostgreSQLDatabase(changed_url(database.url, host="127.0.0.1", port=str(proxy.port)))
            with Waiting(server) as waiting:
                under_way = pool.submit(distant.change, change)
                waiting.next_after()
                proxy.state = Network.CUT
                with pytest.raises(OutcomeUnknownError):
                    under_way.result(PATIENCE)
            with pytest.raises(NotCarriedOutError):
                distant.change(change)
            proxy.state = Network.WHOLE
            with pytest.raises(NotCarriedOutError):
                distant.change(change_in_vain)
            distant.close()

    def test_a_change_whose_wait_for_a_standby_is_ended_has_an_unknown_outcome(
        self, server: PostgresServer, database: Database, pool: ThreadPoolExecutor
    ) -> None:
        """The server says that it has committed, and warns that this may be lost with it."""
        with Waiting(server) as waiting:
            under_way = pool.submit(
                database.change, lambda connection: settings.save(connection, "brand", "new")
            )
            server.execute(f"SELECT pg_cancel_backend({waiting.next_after()})")
            with pytest.raises(OutcomeUnknownError, match="synchronous replication"):
                under_way.result(PATIENCE)

    @pytest.mark.parametrize("how", ["terminate", "cancel"])
    def test_what_is_not_on_the_standby_yet_is_not_told_though_it_can_be_seen(
        self,
        server: PostgresServer,
        database: Database,
        store: PostgreSQLLedger,
        pool: ThreadPoolExecutor,
        how: str,
    ) -> None:
        """Who ends the waiting of a commit makes it visible; should this server die now, it would be lost."""
        do(store)
        with Waiting(server) as waiting:
            under_way = pool.submit(do, store, make_issue(1, [(USER_1, 1)]))
            process = waiting.next_after()
            server.execute(f"SELECT pg_{how}_backend({process})")
            await_seen(database)
            if how == "terminate":
                waiting.next_after(process)
            else:
                waiting.next_after()
            assert not under_way.done()
            waiting.let_go()
            assert isinstance(answered(under_way), Issued)
        assert count(database) == 1

    def test_a_repetition_by_another_engine_is_not_told_either_before_it_is_on_the_standby(
        self,
        server: PostgresServer,
        database: Database,
        store: PostgreSQLLedger,
        other_store: PostgreSQLLedger,
        pool: ThreadPoolExecutor,
    ) -> None:
        keyed = make_issue(1, [(USER_1, 1)], key="k")
        serial = issue(store)
        resolve = Resolve(1, accept=frozenset([serial]))
        do(other_store)
        with Waiting(server) as waiting:
            lost = pool.submit(do, store, keyed, resolve)
            process = waiting.next_after()
            server.execute(f"SELECT pg_terminate_backend({process})")
            second = waiting.next_after(process)
            server.execute(f"SELECT pg_terminate_backend({second})")
            third = waiting.next_after(process, second)
            repeated = pool.submit(do, other_store, keyed)
            waiting.next_after(process, second, third)
            assert not repeated.done()
            waiting.let_go()
            outcome = answered(repeated)
            first, resolved = lost.result(PATIENCE)
        assert isinstance(outcome, Issued)
        assert isinstance(first, Issued)
        assert outcome == Issued(first.serial, repeated=True)
        assert resolved == Resolved(accepted=(serial,))
        assert count(database) == 2

    def test_that_a_commission_is_resolved_already_is_not_told_before_it_is_on_the_standby(
        self, server: PostgresServer, store: PostgreSQLLedger, pool: ThreadPoolExecutor
    ) -> None:
        serial = issue(store)
        resolve = Resolve(1, accept=frozenset([serial]))
        do(store, resolve)
        with Waiting(server) as waiting:
            again = pool.submit(do, store, resolve)
            waiting.next_after()
            assert not again.done()
            waiting.let_go()
            assert answered(again) == Resolved(not_found=(serial,))


def await_locked(server: PostgresServer, by: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while not server.execute(f"SELECT 1 FROM pg_stat_activity WHERE {by} = ANY (pg_blocking_pids(pid))"):
        assert time.monotonic() < deadline, "nobody waits for it"
        time.sleep(0.01)


def await_seen(database: Database) -> None:
    deadline = time.monotonic() + PATIENCE
    while not count(database):
        assert time.monotonic() < deadline, "it has not come through"
        time.sleep(0.01)


class TestRecords:
    def test_an_engine_whose_record_is_gone_goes_on(
        self, database: Database, store: PostgreSQLLedger
    ) -> None:
        first = issue(store)
        rows(database, "DELETE FROM engines")
        assert issue(store) > first
        assert count(database) == 2

    def test_no_clock_makes_others_forget_the_record_of_an_engine_that_is_at_work(
        self, database: Database, store: PostgreSQLLedger, other_store: PostgreSQLLedger
    ) -> None:
        """Its commit has come through, its connection is lost, and a host two days ahead tidies up."""
        attempts = []

        class Lossy(PostgreSQLLedger):
            def _attempt(self, work: Callable[[LedgerTransaction], None]) -> None:
                attempts.append(1)
                super()._attempt(work)
                if len(attempts) == 1:
                    other_store.tidy(START + 2 * DAY)
                    raise StorageUnavailableError("the connection was lost")

        assert isinstance(database, PostgreSQLDatabase)
        lossy = Lossy(database)
        issue(lossy)
        lossy.close()
        assert len(attempts) == 2
        assert count(database) == 1

    def test_those_of_engines_long_gone_are_forgotten(
        self, database: Database, store: PostgreSQLLedger, other_store: PostgreSQLLedger
    ) -> None:
        issue(store)
        other_store.tidy(START + ENGINES_KEPT)
        assert rows(database, "SELECT count(*) FROM engines") == [(1,)]
        other_store.tidy(START + ENGINES_KEPT + 1)
        assert rows(database, "SELECT count(*) FROM engines") == [(0,)]
