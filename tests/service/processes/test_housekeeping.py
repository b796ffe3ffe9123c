"""What is due by the clock is done by the running service."""

import contextlib
import queue
import time
from collections.abc import Callable, Iterator

import pytest

from astakos.administration.load import load
from astakos.administration.state_document import Settings, StateDocument
from astakos.ledger.ports import StorageUnavailableError
from astakos.processes.housekeeping import PERIOD, Housekeeping
from astakos.storage.protocol import Database
from astakos.storage.tables import clock_records
from service.command import serving
from service.installation import rows
from service.world import LAB, LOADED

SECONDS = 10


def end(housekeeping: Housekeeping) -> None:
    housekeeping.begin_to_end()
    deadline = time.monotonic() + SECONDS
    while not housekeeping.has_ended:
        assert time.monotonic() < deadline
        time.sleep(0.001)


@contextlib.contextmanager
def working(work: Callable[[int], object]) -> Iterator[Housekeeping]:
    housekeeping = Housekeeping(lambda now, _: work(now))
    housekeeping.start()
    try:
        yield housekeeping
    finally:
        end(housekeeping)


def test_it_takes_a_turn_at_once_and_then_once_a_minute_of_the_clock() -> None:
    turns: queue.Queue[int] = queue.Queue()
    with working(turns.put) as housekeeping:
        told = [0, 1, PERIOD - 1, PERIOD, PERIOD + 1, 2 * PERIOD, 5]
        for now in told:
            housekeeping.tell_time(now)
            if now in (0, PERIOD, 2 * PERIOD, 5):
                assert turns.get(timeout=SECONDS) == now
        assert turns.empty()


@pytest.mark.parametrize("error", [ValueError("odd"), StorageUnavailableError("locked")])
def test_it_tries_again_in_the_next_turn(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    turns: queue.Queue[int] = queue.Queue()

    def failing(now: int) -> None:
        turns.put(now)
        raise error

    with working(failing) as housekeeping:
        for now in (0, PERIOD):
            housekeeping.tell_time(now)
            assert turns.get(timeout=SECONDS) == now
    assert caplog.text.count("will retry") == 2


def test_it_ends_between_two_changes() -> None:
    begun: queue.Queue[bool] = queue.Queue()

    def work(_: int, is_stopped: Callable[[], bool]) -> None:
        begun.put(True)
        while not is_stopped():
            pass

    housekeeping = Housekeeping(work, work)
    housekeeping.start()
    housekeeping.tell_time(0)
    assert begun.get(timeout=SECONDS)
    end(housekeeping)
    # Nor does it begin with what would have come next.
    assert begun.empty()


def state(database: Database) -> object:
    return rows(database, "SELECT state FROM projects WHERE uuid = ?", LAB)[0][0]


def ends(database: Database) -> None:
    deadline = time.monotonic() + SECONDS
    while state(database) != "terminated":
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.every_engine
def test_a_service_ends_what_was_over_before_it_started_unless_the_clock_is_held(database: Database) -> None:
    load(database, StateDocument(settings=Settings(end_projects=True)), LOADED)
    rows(database, "UPDATE projects SET end_date = 1 WHERE uuid = ?", LAB)
    database.change(lambda connection: clock_records.save(connection, anchor=None, is_held=True))
    with serving(database) as served:
        assert served.caller.get("/readyz").status == 200
        assert state(database) == "active"
        database.change(clock_records.accept)
        ends(database)
        assert served.end().status == 0
