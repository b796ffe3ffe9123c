"""What is asked of the ledger and what it answers, in terms of the model."""

from collections.abc import Iterable, Mapping

from astakos.ledger.operations import Idempotency, Issue, Outcome, Resolved
from astakos.ledger.overage import Overage
from astakos.ledger.rules import (
    IsMeter,
    Key,
    NoCapacity,
    NoHolding,
    NoQuantity,
    OutOfRange,
    Provision,
    merge,
)
from simulation.charges import merged
from simulation.model import Culprit

REFUSALS = NoHolding | NoCapacity | NoQuantity | OutOfRange | IsMeter


def make_issue(
    component: int,
    wishes: Iterable[tuple[Key, int]],
    *,
    force: bool = False,
    auto_accept: bool = False,
    time_to_live: int | None = None,
    key: str | None = None,
    overage: Overage = Overage.REFUSE,
    at_most: bool = False,
    is_question: bool = False,
    key_holder: str | None = None,
) -> Issue:
    """An issue as the HTTP layer would make it of wishes that may name a holding several times."""
    wishes = list(wishes)
    provisions = tuple(merge(Provision(*wish) for wish in wishes))
    assert len(provisions) == len(merged(wishes))
    assert dict(provisions) == merged(wishes)
    name = f"{wishes} {force} {auto_accept} {time_to_live} {overage} {at_most} {key_holder}"
    return Issue(
        component,
        provisions,
        name,
        force,
        auto_accept,
        time_to_live,
        None if key is None else Idempotency(key, name.encode()),
        overage,
        at_most,
        is_question,
        key_holder=key_holder,
    )


def provisions(quantities: Mapping[Key, int]) -> tuple[Provision, ...]:
    """A quantity on each of some holdings."""
    return tuple(Provision(*item) for item in quantities.items())


def parts_of(outcome: Resolved) -> list[list[int]]:
    """Accepted, rejected, not found, conflicting."""
    return [*map(list, (outcome.accepted, outcome.rejected, outcome.not_found, outcome.conflicting))]


def culprit_of(outcome: Outcome) -> Culprit:
    """Whom a refusal names."""
    match outcome:
        case NoHolding((key, quantity)):
            return Culprit("NoHolding", key, quantity)
        case NoCapacity((key, quantity), usage, limit):
            return Culprit("NoCapacity", key, quantity, usage, limit)
        case NoQuantity((key, quantity), usage, limit):
            return Culprit("NoQuantity", key, quantity, usage, limit)
        case OutOfRange((key, quantity), usage):
            return Culprit("OutOfRange", key, quantity, usage)
        case IsMeter((key, quantity)):
            return Culprit("IsMeter", key, quantity)
        case _:
            raise AssertionError(f"should have been refused, but: {outcome}")
