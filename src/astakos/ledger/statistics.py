"""An engine's statistics, for monitoring only; no decision depends on them."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from astakos.distribution import Distribution
from astakos.ledger.operations import (
    CannotSettle,
    Changes,
    IssuedMany,
    KeyReused,
    Outcome,
    Reconciled,
    Verdict,
)
from astakos.ledger.rules import NoCapacity, NoHolding, NoQuantity, OutOfRange

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
BATCH_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
REFUSALS = (NoHolding, NoCapacity, NoQuantity, OutOfRange, KeyReused, CannotSettle)
ACCEPT, REJECT = Verdict.ACCEPT, Verdict.REJECT


class Fate(StrEnum):
    """The events in the life of a commission."""

    ISSUED = "issued"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EXPIRED = "expired"


class EngineStatistics:
    """Counts since the engine started. Only the engine's thread writes them; any thread may read them.

    Attributes:
        sizes: the number of operations in each applied batch.
        seconds: the duration of each applied batch.
        failed: how many batches failed.
    """

    def __init__(self) -> None:
        """Starts all counts at zero."""
        self.sizes = Distribution(BATCH_SIZES)
        self.seconds = Distribution(BATCH_SECONDS)
        self.failed = 0
        self._fates = dict.fromkeys(Fate, 0)
        self._outcomes: Counter[type] = Counter()
        self._passed: Counter[str] = Counter()

    @property
    def fates(self) -> dict[Fate, int]:
        """How many commissions had each event; an auto-accepted one counts as issued and as accepted."""
        return dict(self._fates)

    @property
    def refusals(self) -> dict[str, int]:
        """How many refusals there were, by reason."""
        return {kind.__name__: self._outcomes[kind] for kind in REFUSALS}

    @property
    def passed(self) -> dict[str, int]:
        """How many imports limits that only report would have refused, by resource."""
        return dict(self._passed)

    def count(self, outcomes: Iterable[Outcome], changes: Changes, size: int, seconds: float) -> None:
        """Counts an applied batch; an empty one counts only for the commissions it expired."""
        if size:
            self.sizes.add(size)
            self.seconds.add(seconds)
        for outcome in outcomes:
            if isinstance(outcome, IssuedMany):
                self._outcomes.update(map(type, outcome.outcomes))
            elif isinstance(outcome, Reconciled) and outcome.refusal is not None:
                self._outcomes[type(outcome.refusal)] += 1
            else:
                self._outcomes[type(outcome)] += 1
        for refusal in changes.passed:
            self._passed[refusal.provision.key.resource] += 1
        fates = self._fates
        fates[Fate.ISSUED] += len(changes.issued)
        if changes.resolved:
            verdicts = [resolution.verdict for resolution in changes.resolved]
            accepted, rejected = verdicts.count(ACCEPT), verdicts.count(REJECT)
            fates[Fate.ACCEPTED] += accepted
            fates[Fate.REJECTED] += rejected
            fates[Fate.EXPIRED] += len(verdicts) - accepted - rejected
