"""Large operations in slices: others come between, and the call has one outcome."""

import asyncio
from collections.abc import Sequence

import pytest

from astakos.ledger import engine_client
from astakos.ledger.embedded_engine import EmbeddedLedger
from astakos.ledger.engine_client import TooMuchInProgressError
from astakos.ledger.operations import Issue, Issued, IssuedMany, IssueMany, Operation, Outcome
from astakos.ledger.ports import NotCarriedOutError, OutcomeUnknownError
from astakos.ledger.rules import Provision
from astakos.ledger.slices import carry_out_slices, slices
from astakos.ledger.waiting import LARGEST_BULK_WORK, WaitingOperations, work_of
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from service.installation import holdings, locked
from service.ledger.test_engine import charge, working
from service.world import ALICE, BOB, LOADED, member_key

pytestmark = pytest.mark.ledger

STORAGE = 2
U, V = member_key(ALICE), member_key(BOB)
COMMISSIONS = 1000


class SimulatedTime:
    """The client's module `time`: nothing times out until the test says so."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


def sliced(count: int = COMMISSIONS, quantity: int = 0) -> list[Operation]:
    return [IssueMany(tuple(part)) for part in slices([charge(quantity)] * count, work_of)]


def issued(outcomes: Sequence[Outcome]) -> list[int]:
    return [
        one.serial
        for outcome in outcomes
        if isinstance(outcome, IssuedMany)
        for one in outcome.outcomes
        if isinstance(one, Issued)
    ]


def test_slices_keep_the_order_and_each_is_at_most_a_batch() -> None:
    items = [1, 300, 200, 600, 2, 510, 1]
    assert list(slices(items, lambda item: item)) == [[1, 300, 200], [600], [2, 510], [1]]
    assert list(slices([], lambda _: 1)) == []


def test_each_slice_is_a_batch_of_its_own() -> None:
    queue: WaitingOperations[Operation] = WaitingOperations()
    for operation in sliced():
        assert work_of(operation) <= LARGEST_BULK_WORK
        queue.add(operation, operation)
    while queue:
        assert len(list(queue.next_batch())) == 1


def test_the_outcomes_come_in_the_order_of_the_items(database: Database) -> None:
    async def run() -> list[Outcome]:
        async with working(ledger_storage(database)) as ledger:
            return await carry_out_slices(ledger, sliced())

    serials = issued(asyncio.run(run()))
    assert len(serials) == COMMISSIONS
    assert serials == sorted(serials)


def test_an_operation_of_another_component_comes_between_the_slices_of_one_call(database: Database) -> None:
    async def run() -> tuple[Outcome, list[int]]:
        async with working(ledger_storage(database)) as ledger:
            call = asyncio.ensure_future(carry_out_slices(ledger, sliced()))
            await ledger.submit(charge(0))
            innocent = await ledger.submit(Issue(STORAGE, (Provision(V, 1),)))
            return innocent, issued(await call)

    innocent, serials = asyncio.run(run())
    assert isinstance(innocent, Issued)
    assert innocent.serial < max(serials)


def test_a_call_of_which_nothing_was_sent_has_not_been_carried_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_client, "MOST_WORK_WAITING", 10)

    async def run() -> None:
        async with working(ledger_storage(database)) as ledger:
            with locked(database):
                first = ledger.submit(charge(1))
                with pytest.raises(TooMuchInProgressError):
                    await carry_out_slices(ledger, sliced(quantity=1))
            await first

    asyncio.run(run())
    assert holdings(database)[U].usage_max == 1


def test_the_outcome_of_a_call_of_which_a_part_was_carried_out_is_unknown(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_client, "MOST_WORK_WAITING", 3 * LARGEST_BULK_WORK)

    async def run() -> None:
        async with working(ledger_storage(database)) as ledger:
            with pytest.raises(
                OutcomeUnknownError, match=r"a part was carried out, the rest was not: .* too "
            ):
                await carry_out_slices(ledger, sliced(quantity=0))
            # Nothing of it is under way any more.
            assert ledger.counts().under_way == 0

    asyncio.run(run())


def test_a_call_that_times_out_is_unknown_if_any_of_it_was_sent(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    time_of_client = SimulatedTime()
    monkeypatch.setattr(engine_client, "time", time_of_client)

    async def handed_over(ledger: EmbeddedLedger) -> asyncio.Future[list[Outcome]]:
        call = asyncio.ensure_future(carry_out_slices(ledger, sliced()))
        for _ in range(len(sliced()) + 1):
            await asyncio.sleep(0)
        return call

    async def run() -> None:
        ledger = EmbeddedLedger(ledger_storage(database), lambda: LOADED, longest_wait=0.2)
        await ledger.start()
        with locked(database):
            calls = [await handed_over(ledger), await handed_over(ledger)]
            assert ledger.counts().under_way == 2 * len(sliced())
            # All at once: had only the first call timed out, some of the second would be sent.
            time_of_client.now += 1
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
        await ledger.stop()
        assert [type(outcome) for outcome in outcomes] == [OutcomeUnknownError, NotCarriedOutError]

    asyncio.run(run())
