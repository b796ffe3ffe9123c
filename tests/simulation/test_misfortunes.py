"""What else befalls a database: the service answers within its bounds, and goes on by itself."""

import functools
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tools.postgres_server import PostgresServer, own_server

from astakos.ledger.batch import perform
from astakos.ledger.embedded_engine import EmbeddedLedger
from astakos.ledger.operations import Issued
from astakos.ledger.ports import LedgerTransaction
from astakos.service import service
from astakos.service.ttl_cache import KEPT_SECONDS
from astakos.storage.postgresql import connection
from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase
from astakos.storage.postgresql.postgresql_ledger import PostgreSQLLedger
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, Caller, Reply
from service.command import astakos
from service.engines import PostgreSQLEngine, changed_url
from service.installation import holdings, running
from service.proxy import Network, Proxy, proxy_to
from service.world import ALICE, COMPUTE_TOKEN, member_key
from simulation.comparison import make_issue
from simulation.failover import load_on
from simulation.postgresql_worlds import filled, set_limits_of
from simulation.worlds import START, USER_1

pytestmark = pytest.mark.postgresql

U = member_key(ALICE)
ROLE = "astakos_service"
PATIENCE = 20.0


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with own_server({"synchronous_commit": "on"}) as server:
        server.execute(f"CREATE ROLE {ROLE} LOGIN")
        yield server


@pytest.fixture
def database(server: PostgresServer, tmp_path: Path) -> Iterator[Database]:
    """The world, on a server that may fail."""
    engine = PostgreSQLEngine(server.url)
    database = engine.world(tmp_path)
    yield database
    engine.discard(database)
    engine.close()


@pytest.fixture
def proxy(server: PostgresServer) -> Iterator[Proxy]:
    with proxy_to(str(server.folder), 5432) as proxy:
        yield proxy


@pytest.fixture
def load_database(server: PostgresServer, tmp_path: Path) -> Iterator[Database]:
    engine = PostgreSQLEngine(server.url)
    database = engine.new(tmp_path)
    yield database
    # The server may have been started anew meanwhile.
    engine.close()
    engine = PostgreSQLEngine(server.url)
    engine.discard(database)
    engine.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """All bounds as they are, but shorter."""
    monkeypatch.setattr(
        "astakos.service.service.EmbeddedLedger", functools.partial(EmbeddedLedger, longest_wait=0.5)
    )
    for bounds in ("QUICK_READS", "LONG_READS", "WRITES"):
        monkeypatch.setattr(service, bounds, getattr(service, bounds)._replace(seconds=0.5))
    monkeypatch.setattr(service, "LONGEST_READ_SECONDS", 0.5)
    quick = "-c statement_timeout=300ms -c lock_timeout=300ms -c idle_in_transaction_session_timeout=600ms"
    monkeypatch.setattr(connection, "QUICK", quick)
    monkeypatch.setattr(connection, "GRACE_SECONDS", 0.2)


def through(proxy: Proxy, database: Database) -> PostgreSQLDatabase:
    return PostgreSQLDatabase(changed_url(database.url, host="127.0.0.1", port=str(proxy.port)))


def unavailable(reply: Reply) -> bool:
    return _told(reply) == (503, "serviceUnavailable", "1", "not-carried-out")


def unanswered(reply: Reply) -> bool:
    """Whether the ledger has not answered in time."""
    return _told(reply) == (503, "outcomeUnknown", "1", "unknown")


def _told(reply: Reply) -> tuple[int, str, str, str]:
    return reply.status, reply.fault, reply.headers["retry-after"], reply.headers["astakos-outcome"]


def works_again(caller: Caller) -> bool:
    """Both kinds of calls do, in the end."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        read = caller.get(f"{ACCOUNT}/quotas", ALICE.token)
        written = caller.issue(COMPUTE_TOKEN, (U, 0))
        if (read.status, written.status) == (200, 201):
            return True
        assert {read.status, written.status} <= {200, 201, 503}
        time.sleep(0.05)
    return False


def answers_what_needs_no_database(caller: Caller) -> bool:
    statuses = [caller.get(path).status for path in ("/healthz", "/nothing", f"{ACCOUNT}/quotas")]
    return statuses == [200, 404, 401]


def test_without_connections_to_be_had_calls_are_to_be_repeated_until_there_are(
    server: PostgresServer, database: Database
) -> None:
    server.execute(f"GRANT postgres TO {ROLE}")
    limited = changed_url(database.url, user=ROLE, options="-c role=postgres")
    with running(PostgreSQLDatabase(limited)) as caller:
        assert works_again(caller)
        server.execute(f"ALTER ROLE {ROLE} CONNECTION LIMIT 0")
        server.execute(
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{ROLE}'"
        )
        assert unavailable(caller.get(f"{ACCOUNT}/authenticate", ALICE.token))
        time.sleep(KEPT_SECONDS)
        assert unavailable(caller.issue(COMPUTE_TOKEN, (U, 1)))
        assert answers_what_needs_no_database(caller)
        server.execute(f"ALTER ROLE {ROLE} CONNECTION LIMIT -1")
        assert works_again(caller)
    assert holdings(database)[U].usage_max == 0


@pytest.mark.usefixtures("impatient")
def test_while_the_server_stands_still_calls_are_answered_in_time_and_then_all_goes_on(
    server: PostgresServer, database: Database
) -> None:
    with running(database) as caller:
        assert works_again(caller)
        frozen = server.freeze()
        try:
            written = caller.issue(COMPUTE_TOKEN, (U, 1))
            assert unanswered(written)
            assert unavailable(caller.get(f"{ACCOUNT}/authenticate", ALICE.token))
            assert answers_what_needs_no_database(caller)
        finally:
            server.thaw(frozen)
        assert works_again(caller)


@pytest.mark.usefixtures("impatient")
def test_while_bytes_vanish_calls_are_answered_in_time_and_then_all_goes_on(
    proxy: Proxy, database: Database
) -> None:
    with running(through(proxy, database)) as caller:
        assert works_again(caller)
        proxy.state = Network.SILENT
        assert unanswered(caller.issue(COMPUTE_TOKEN, (U, 1)))
        assert unavailable(caller.get(f"{ACCOUNT}/authenticate", ALICE.token))
        assert answers_what_needs_no_database(caller)
        proxy.state = Network.WHOLE
        assert works_again(caller)


@pytest.mark.usefixtures("impatient")
def test_what_a_connection_that_has_fallen_silent_has_locked_is_free_in_time(
    proxy: Proxy, server: PostgresServer, tmp_path: Path
) -> None:
    """The server is not told that its client is gone: it gives up a transaction in which nothing comes."""
    engine = PostgreSQLEngine(server.url)
    database = filled(engine, tmp_path)
    set_limits_of(database, {USER_1: 10})
    attempts = []

    class Falling(PostgreSQLLedger):
        def transact(self, work: Callable[[LedgerTransaction], None], *, is_awaited: bool = True) -> None:
            def fall_silent(transaction: LedgerTransaction) -> None:
                work(transaction)
                attempts.append(1)
                if len(attempts) == 1:
                    proxy.mute()

            super().transact(fall_silent, is_awaited=is_awaited)

    store = Falling(through(proxy, database))
    (outcome,) = perform(store, [make_issue(1, [(USER_1, 1)])], START)
    assert isinstance(outcome, Issued)
    assert len(attempts) == 2
    store.close()
    assert holdings(database)[USER_1].usage_max == 1
    engine.discard(database)
    engine.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_the_server_is_started_anew_under_load_fast_or_at_once(
    server: PostgresServer, load_database: Database, how: signal.Signals
) -> None:
    def restart() -> None:
        server.stop(how)
        server.start()

    with load_on(load_database.url, seed=how) as load:
        assert load.endure(restart).acknowledged > 10


def test_the_server_stands_still_for_a_moment_under_load(
    server: PostgresServer, load_database: Database
) -> None:
    def stall() -> None:
        frozen = server.freeze()
        time.sleep(1.5)
        server.thaw(frozen)

    with load_on(load_database.url, seed=2) as load:
        assert load.endure(stall).acknowledged > 10


def test_the_network_is_cut_under_load(proxy: Proxy, load_database: Database) -> None:
    def cut() -> None:
        proxy.state = Network.CUT
        time.sleep(0.5)
        proxy.state = Network.WHOLE

    with load_on(through(proxy, load_database).url, seed=3) as load:
        assert load.endure(cut).acknowledged > 10


def test_a_server_that_takes_no_writes_is_not_kept_to(server: PostgresServer, tmp_path: Path) -> None:
    """After a switch-over the old primary may stay, as a standby: a new connection finds the new one."""
    engine = PostgreSQLEngine(server.url)
    database = filled(engine, tmp_path)
    set_limits_of(database, {USER_1: 10})
    assert isinstance(database, PostgreSQLDatabase)
    store = PostgreSQLLedger(database)
    perform(store, [], START)
    assert store._connection is not None
    before = store._connection.raw.info.backend_pid
    server.set("default_transaction_read_only", "on")
    allow = threading.Timer(0.3, server.set, ("default_transaction_read_only", "off"))
    allow.start()
    perform(store, [make_issue(1, [(USER_1, 1)])], START)
    allow.join()
    assert store._connection.raw.info.backend_pid != before
    store.close()
    engine.discard(database)
    engine.close()


@pytest.mark.parametrize("kind", ["component", "user"])
def test_a_token_that_is_withdrawn_by_one_service_is_refused_by_the_other_within_a_second(
    database: Database, kind: str
) -> None:
    name, token, path = {
        "component": ("compute", COMPUTE_TOKEN, f"{ACCOUNT}/commissions"),
        "user": (ALICE.email, ALICE.token, f"{ACCOUNT}/quotas"),
    }[kind]
    with running(database) as one, running(PostgreSQLDatabase(database.url)) as other:
        assert [caller.get(path, token).status for caller in (one, other)] == [200, 200]
        ended = astakos(database, kind, "token", name)
        assert ended.status == 0, ended.errors
        time.sleep(KEPT_SECONDS)
        assert [caller.get(path, token).status for caller in (one, other)] == [401, 401]
