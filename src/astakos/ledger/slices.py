"""Carrying out a large operation of independent parts in slices, between which others have their turn.

Each slice is a transaction. What must be one transaction (all or none, a correction) cannot be sliced.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from astakos.ledger.engine_client import Ledger, OperationFailedError
from astakos.ledger.operations import Operation, Outcome
from astakos.ledger.ports import NotCarriedOutError, OutcomeUnknownError
from astakos.ledger.waiting import LARGEST_BULK_WORK

T = TypeVar("T")


def slices(items: Iterable[T], work: Callable[[T], int]) -> Iterator[Sequence[T]]:
    """Splits items, in order, into slices that each fit into one batch, unless a single item does not."""
    part: list[T] = []
    total = 0
    for item in items:
        more = work(item)
        if part and total + more > LARGEST_BULK_WORK:
            yield part
            part, total = [], 0
        part.append(item)
        total += more
    if part:
        yield part


async def carry_out_slices(ledger: Ledger, operations: Iterable[Operation]) -> list[Outcome]:
    """Submits the slices of one call, in order, and returns their outcomes.

    Args:
        ledger: the ledger.
        operations: the slices; each is made when the one before has been handed over.

    Raises:
        NotCarriedOutError: the ledger cannot carry out any of them now.
        OutcomeUnknownError: some may have been carried out, and others not.
        OperationFailedError: one failed because of a bug.
    """
    answers: list[asyncio.Future[Outcome]] = []
    failures: list[BaseException] = []
    for operation in operations:
        try:
            answers.append(ledger.submit(operation))
        except NotCarriedOutError as error:
            failures.append(error)
            break
        await asyncio.sleep(0)
    outcomes: list[Outcome] = []
    for result in await asyncio.gather(*answers, return_exceptions=True):
        if isinstance(result, BaseException):
            failures.append(result)
        else:
            outcomes.append(result)
    if failures:
        raise _summary(failures, has_outcomes=bool(outcomes))
    return outcomes


def _summary(failures: Sequence[BaseException], *, has_outcomes: bool) -> BaseException:
    for kind in (OperationFailedError, OutcomeUnknownError):
        for failure in failures:
            if isinstance(failure, kind):
                return failure
    if has_outcomes:
        return OutcomeUnknownError(f"a part was carried out, the rest was not: {failures[0]}")
    return failures[0]
