"""Reads of a database that is elsewhere: the event loop does not wait for them, and none waits forever."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from astakos.ledger.ports import StorageUnavailableError
from astakos.logs import request_id
from astakos.service.admission import Bounds
from astakos.service.pool import Pool
from astakos.service.service import QUICK_READS, Service
from astakos.storage.protocol import Connection, Database
from service.caller import ACCOUNT
from service.installation import rows, running
from service.world import ALICE, BASE_URL, COMPUTE_TOKEN

PATIENCE_SECONDS = 20


@pytest.fixture
def threads() -> Iterator[Pool]:
    threads = Pool("reads", Bounds(at_once=2, of_one=2))
    yield threads
    assert threads.close(PATIENCE_SECONDS)


def test_what_a_read_answers_or_raises_comes_back(threads: Pool) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    assert asyncio.run(threads.run(lambda: 5)) == 5
    with pytest.raises(ZeroDivisionError):
        asyncio.run(threads.run(fail))


def test_a_read_knows_which_request_it_is_done_for(threads: Pool) -> None:
    async def work(name: str) -> str:
        request_id.set(name)
        return await threads.run(request_id.get)

    async def both() -> list[str]:
        return list(await asyncio.gather(work("one"), work("two")))

    assert asyncio.run(both()) == ["one", "two"]


def test_while_reads_are_slow_the_event_loop_goes_on(threads: Pool) -> None:
    may_end = threading.Event()

    async def work() -> bool:
        slow = asyncio.ensure_future(threads.run(lambda: may_end.wait(10)))
        await asyncio.sleep(0.01)
        assert await threads.run(lambda: 5) == 5
        may_end.set()
        return await slow

    assert asyncio.run(work())


def test_who_has_waited_too_long_for_a_thread_is_told_so_and_does_not_read() -> None:
    may_end = threading.Event()
    read: list[int] = []

    async def work() -> list[bool]:
        threads = Pool("reads", Bounds(at_once=2, of_one=2, seconds=0.05))
        slow = [asyncio.ensure_future(threads.run(lambda: may_end.wait(10))) for _ in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(StorageUnavailableError, match="too many reads are queued"):
            await threads.run(lambda: read.append(1))
        may_end.set()
        found = await asyncio.gather(*slow)
        assert threads.close(PATIENCE_SECONDS)
        return found

    assert asyncio.run(work()) == [True, True]
    assert read == []


def test_who_has_waited_too_long_for_a_read_is_told_so_though_it_keeps_its_thread() -> None:
    may_end = threading.Event()

    async def work() -> None:
        threads = Pool("reads", Bounds(at_once=1, of_one=1, seconds=0.05), longest=0.05)
        with pytest.raises(StorageUnavailableError, match="reads take too long"):
            await threads.run(lambda: may_end.wait(10))
        with pytest.raises(StorageUnavailableError, match="too many reads are queued"):
            await threads.run(lambda: 5)
        may_end.set()
        while True:
            try:
                assert await threads.run(lambda: 5) == 5
            except StorageUnavailableError:
                continue
            break
        assert threads.close(PATIENCE_SECONDS)

    asyncio.run(work())


def test_the_end_does_not_wait_for_work_that_hangs() -> None:
    may_end = threading.Event()

    async def work() -> None:
        threads = Pool("reads", Bounds(at_once=1, of_one=1))
        under_way = asyncio.ensure_future(threads.run(lambda: may_end.wait(60)))
        await asyncio.sleep(0)
        assert not threads.close(0)
        may_end.set()
        assert threads.close(PATIENCE_SECONDS)
        assert await under_way

    asyncio.run(work())


def test_on_sqlite_few_rows_are_read_right_where_they_are_asked_for(database: Database) -> None:
    service = Service(database, BASE_URL)

    def read(_connection: Connection) -> threading.Thread:
        return threading.current_thread()

    assert asyncio.run(service.read(read)) is threading.current_thread()
    assert asyncio.run(service.read_much(read)) is not threading.current_thread()
    service.close()


@pytest.mark.postgresql
class TestOnAServer:
    def test_all_is_read_on_few_connections_each_of_which_serves_many(self, database: Database) -> None:
        service = Service(database, BASE_URL)

        def read(connection: Connection) -> tuple[str, int]:
            (process,) = connection.execute("SELECT pg_backend_pid()").fetchone()
            return threading.current_thread().name, process

        async def work() -> list[tuple[str, int]]:
            return await asyncio.gather(*(service.read(read) for _ in range(200)))

        found = set(asyncio.run(work()))
        assert 1 <= len(found) <= QUICK_READS.at_once
        assert threading.current_thread().name not in {name for name, _ in found}
        service.close()

    def test_connections_that_were_ended_are_replaced_without_anybody_noticing(
        self, database: Database
    ) -> None:
        with running(database) as service:
            for _ in range(3):
                for path, token in (
                    ("quotas", ALICE.token),
                    ("service_quotas", COMPUTE_TOKEN),
                    ("authenticate", ALICE.token),
                ):
                    assert service.get(f"{ACCOUNT}/{path}", token).status == 200
                end = """
                SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                """
                assert rows(database, end) != [(0,)]

    def test_a_read_that_takes_too_long_is_to_be_repeated(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows(database, "ALTER TABLE user_groups RENAME TO hidden")
        rows(
            database,
            "CREATE VIEW user_groups AS SELECT user_id, group_id FROM hidden, pg_sleep(20)",
        )
        monkeypatch.setattr("astakos.storage.postgresql.connection.OPTIONS", "-c statement_timeout=200ms")
        with running(database) as service:
            reply = service.get(f"{ACCOUNT}/authenticate", ALICE.token)
            assert (reply.status, reply.fault) == (503, "serviceUnavailable")
            assert service.get(f"{ACCOUNT}/quotas", ALICE.token).status == 200
