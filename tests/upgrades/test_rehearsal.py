"""From this version to the next, as operators do it: with the service stopped, and process by process."""

import contextlib
import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from astakos.storage.protocol import Database
from astakosclient import AstakosClient
from service.command import ended_from_the_start, serving, serving_from_the_start
from service.installation import holdings, rows
from service.world import ALICE, BASE_URL, COMPUTE_TOKEN, VM, member_key
from upgrades.next_version import NEXT, make_next_version

U = member_key(ALICE)
RETRIES = 20
LEAST_CHARGES = 5
"""How many commissions there are at least between two steps of an upgrade."""


class Load:
    """Charges and releases, through whichever processes are at work, until it is told to stop."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.acknowledged: list[int] = []
        self._enough = threading.Event()
        self._next = threading.Condition()
        self._failed = False

    def run(self) -> None:
        for number in itertools.count():
            if self._enough.is_set():
                return
            address = self.addresses[number % len(self.addresses)]
            with AstakosClient(f"{address}/astakos", retry=RETRIES) as client:
                quantity = -1 if number % 2 else 1
                serial = client.issue_one_commission(
                    COMPUTE_TOKEN, U.holder, str(U.source), {VM: quantity}, auto_accept=True
                )
            with self._next:
                self.acknowledged.append(serial)
                self._next.notify_all()

    def go_on(self) -> None:
        """Waits until it has done some more."""
        with self._next:
            enough = len(self.acknowledged) + LEAST_CHARGES
            self._next.wait_for(lambda: self._failed or len(self.acknowledged) >= enough, timeout=60)
            assert len(self.acknowledged) >= enough

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(self.run)
            done.add_done_callback(self._tell)
            try:
                self.go_on()
                yield
            finally:
                self._enough.set()
                done.result(60)

    def _tell(self, _done: "Future[None]") -> None:
        with self._next:
            self._failed = True
            self._next.notify_all()


def all_resolved(database: Database) -> list[int]:
    return [
        int(str(serial)) for (serial,) in rows(database, "SELECT serial FROM resolved_commissions ORDER BY 1")
    ]


@pytest.mark.postgresql
def test_processes_are_replaced_one_by_one_while_the_service_goes_on(
    database: Database, tmp_path: Path
) -> None:
    following = make_next_version(tmp_path, beside_old_processes=True)
    with contextlib.ExitStack() as stack:
        first, second = (stack.enter_context(serving(database, "--base-url", BASE_URL)) for _ in range(2))
        load = Load(first.address, second.address)
        with load.running():
            planned = ended_from_the_start(database, "migrate", "--plan", **following.environment)
            assert "Processes of the older version can run on meanwhile" in planned.output
            load.go_on()
            migrated = ended_from_the_start(database, "migrate", **following.environment)
            assert (migrated.status, migrated.errors) == (0, "")
            load.go_on()
            for old in (first, second):
                new = stack.enter_context(
                    serving_from_the_start(database, "--base-url", BASE_URL, **following.environment)
                )
                load.addresses.append(new.address)
                load.go_on()
                load.addresses.remove(old.address)
                load.go_on()
                assert old.end().status == 0
                load.go_on()
        assert rows(database, "SELECT version_num FROM alembic_version") == [(NEXT,)]
        assert all_resolved(database) == sorted(load.acknowledged)
    examined = ended_from_the_start(database, "doctor", "--json", **following.environment).document
    found = {check["check"]: check["level"] for check in examined["checks"]}
    assert [found[name] for name in ("holdings", "audit log")] == ["fine"] * 2
    assert holdings(database)[U].usage_max == len(load.acknowledged) % 2


@pytest.mark.every_engine
def test_what_an_older_process_cannot_live_with_waits_until_the_service_is_stopped(
    database: Database, tmp_path: Path
) -> None:
    following = make_next_version(tmp_path, beside_old_processes=False)
    with serving(database, "--base-url", BASE_URL) as old:
        serial = old.caller.issued(COMPUTE_TOKEN, (U, 1))
        refused = ended_from_the_start(database, "migrate", **following.environment)
        assert refused.status == 1
        assert f"step {NEXT} cannot run beside processes of the older version" in refused.errors
        assert old.caller.act(COMPUTE_TOKEN, serial, "accept") == 200
        pending = old.caller.issued(COMPUTE_TOKEN, (U, 1))
        assert old.end().status == 0
    started = ended_from_the_start(database, "serve", "--port", "0", **following.environment)
    assert started.status == 1
    assert "run `astakos migrate`" in started.errors
    assert ended_from_the_start(database, "migrate", **following.environment).status == 0
    with serving_from_the_start(database, "--base-url", BASE_URL, **following.environment) as new:
        assert new.caller.act(COMPUTE_TOKEN, pending, "accept") == 200
        assert new.end().status == 0
    assert holdings(database)[U].usage_min == 2
    behind = ended_from_the_start(database, "serve", "--port", "0")
    assert (behind.status, "use the version that created it" in behind.errors) == (1, True)
