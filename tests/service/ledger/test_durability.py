"""Batches become durable in order, each wait for the disk covers what was committed before it began."""

import select
import threading
from collections.abc import Iterator

import pytest

from astakos.ledger.durability import Durability
from astakos.ledger.ports import StorageBrokenError

PATIENCE = 20.0


class Disk:
    """Takes as long as the test wants, and fails when told to."""

    def __init__(self) -> None:
        self.waits = 0
        self.is_closed = False
        self.error: StorageBrokenError | None = None
        self._may_end = threading.Semaphore(0)

    def sync(self) -> None:
        assert self._may_end.acquire(timeout=PATIENCE)
        self.waits += 1
        if self.error is not None:
            raise self.error

    def let_end(self, count: int = 1) -> None:
        self._may_end.release(count)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def durability(disk: Disk) -> Iterator[Durability[str]]:
    made: Durability[str] = Durability(disk)
    yield made
    disk.let_end(100)
    made.close()


def finished(durability: Durability[str]) -> tuple[list[str], StorageBrokenError | None]:
    assert select.select([durability.woken], [], [], PATIENCE)[0]
    return durability.finish()


def test_one_wait_covers_all_that_was_committed_before_it_began(
    disk: Disk, durability: Durability[str]
) -> None:
    for batch in ("first", "second", "third"):
        durability.add(batch)
    assert len(durability) == 3
    disk.let_end()
    assert finished(durability) == (["first"], None)
    disk.let_end()
    assert finished(durability) == (["second", "third"], None)
    assert (disk.waits, len(durability)) == (2, 0)


def test_nothing_is_durable_before_its_wait_has_ended(disk: Disk, durability: Durability[str]) -> None:
    durability.add("first")
    assert not select.select([durability.woken], [], [], 0)[0]
    disk.let_end()
    assert finished(durability) == (["first"], None)
    assert not select.select([durability.woken], [], [], 0)[0]


def test_a_failed_wait_fails_what_was_committed_meanwhile_as_well(
    disk: Disk, durability: Durability[str]
) -> None:
    disk.error = StorageBrokenError("disk I/O error", "replace the disk")
    durability.add("first")
    durability.add("second")
    disk.let_end()
    assert finished(durability) == (["first", "second"], disk.error)
    assert (disk.waits, len(durability)) == (1, 0)


def test_closing_waits_for_what_is_committed(disk: Disk) -> None:
    durability: Durability[str] = Durability(disk)
    durability.add("first")
    durability.add("second")
    disk.let_end(2)
    durability.close()
    assert disk.waits == 2
    assert disk.is_closed
