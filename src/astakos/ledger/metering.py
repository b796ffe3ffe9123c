"""The meters of one batch of the ledger: time that has passed, imports that count, and what is given back."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from astakos.ledger import rules
from astakos.ledger.meters import (
    Closed,
    Count,
    Meters,
    begin,
    counts_of,
    forgive,
    renewal,
    settle_metered,
)
from astakos.ledger.operations import Issue
from astakos.ledger.overage import Overage, fitting
from astakos.ledger.rules import Holding, IsMeter, Key, NoCapacity, Provision, Refusal, Renewal

NO_COUNTS: tuple[Count, ...] = ()


class NewIssue(NamedTuple):
    """An issue as it is carried out.

    Attributes:
        issue: the issue, with the quantities that there is room for and the time to live that it has.
        counts: what it counts on meters.
        granted: the quantities, if they were asked for as far as there is room.
    """

    issue: Issue
    counts: tuple[Count, ...] = NO_COUNTS
    granted: tuple[int, ...] | None = None


class Metering:
    """The meters and their marks, changed by one operation after another.

    Attributes:
        marks: the marks of the metered holdings that the batch has read.
        closed: the periods of budgets that the batch has found over.
        has_meters: whether any resource has a meter.
    """

    def __init__(self, meters: Meters, marks: Mapping[Key, int | None], now: int) -> None:
        """Set the meters, the stored marks, and the instant at which all operations of the batch happen."""
        self.marks = dict(marks)
        self.closed: list[tuple[Key, Closed]] = []
        self.has_meters = bool(meters)
        self._meters = meters
        self._now = now

    def forgive(self, holdings: dict[Key, Holding]) -> None:
        """Take into account the time that has passed for all metered holdings."""
        for key, mark in self.marks.items():
            meter = self._meters.named.get(key.resource)
            if meter is not None:
                holdings[key], self.marks[key], closed = forgive(meter, holdings[key], mark, self._now)
                if closed is not None and closed.total:
                    self.closed.append((key, closed))

    def named_in(self, provisions: Iterable[Provision]) -> IsMeter | None:
        """Return the refusal of provisions that name a meter itself; None if none does."""
        for provision in provisions:
            base = self._meters.bases.get(provision.key.resource)
            if base is not None:
                return IsMeter(provision, base)
        return None

    def counts_of(self, provisions: Iterable[Provision]) -> tuple[Count, ...]:
        """Return what provisions count on meters."""
        return counts_of(provisions, self._meters, self._now) if self._meters else NO_COUNTS

    def prepare(self, issue: Issue, holdings: Mapping[Key, Holding]) -> NewIssue:
        """Return an issue as it is to be carried out.

        What is pending on a meter stays reserved when a period ends, so it has to expire some time.
        """
        counts = self.counts_of(issue.provisions)
        granted = None
        if issue.at_most:
            provisions = fitting(issue.provisions, holdings, counts)
            if any(quantity > 0 for _, quantity in provisions):
                issue = replace(issue, provisions=provisions)
                counts = self.counts_of(provisions)
            granted = tuple([quantity for _, quantity in issue.provisions])
        if counts and issue.time_to_live is None and not issue.auto_accept:
            issue = replace(issue, time_to_live=self._meters.time_to_live)
        return NewIssue(issue, counts, granted)

    def issue(
        self,
        holdings: Mapping[Key, Holding],
        provisions: Sequence[Provision],
        counts: Sequence[Count],
        *,
        force: bool,
    ) -> dict[Key, Holding] | Refusal:
        """Return the changed holdings after issuing provisions with what they count, or the first refusal."""
        if not counts:
            return rules.issue(holdings, provisions, force=force)
        counted = [Provision(count.key, count.quantity) for count in counts]
        changed = rules.issue(holdings, rules.merge([*provisions, *counted]), force=force)
        if isinstance(changed, NoCapacity):
            return self._explained(changed, holdings, counts)
        if not isinstance(changed, dict):
            return changed
        for key, _, quantity, at_issue in counts:
            if at_issue is not None:
                changed[key] = rules.settle(changed[key], quantity, quantity)
            self._begin(key)
        return changed

    def settle(self, holding: Holding, count: Count, settled: int) -> Holding:
        """Return a meter's holding after `settled` of a count has taken effect."""
        if settled:
            self._begin(count.key)
        meter = self._meters.named.get(count.key.resource)
        return settle_metered(meter, holding, count.quantity, settled, count.at_issue, self._now)

    def most_debt(self, overage: Overage) -> Callable[[str], int]:
        """Return by how much a settlement may take usage of a resource beyond its limit."""
        return self._meters.most_debt if overage is Overage.DEBT else lambda _resource: 0

    def with_meters(self, keys: Collection[Key]) -> Collection[Key]:
        """Return holdings, and those of the meters on which imports into them count."""
        return self._meters.with_meters(keys) if self._meters else keys

    def _explained(
        self, refusal: NoCapacity, holdings: Mapping[Key, Holding], counts: Sequence[Count]
    ) -> NoCapacity:
        """Name of all meters without room the one that one has to wait for longest, and say until when."""
        if refusal.provision.key.resource not in self._meters.named:
            return refusal
        lacking = [self._lacking(count, holdings[count.key]) for count in counts if count.key in holdings]
        found = [one for one in lacking if one is not None]
        return max(found, key=lambda one: _wait(one.renewal), default=refusal)

    def _lacking(self, count: Count, holding: Holding) -> NoCapacity | None:
        limit, _, usage = holding
        if usage + count.quantity <= limit:
            return None
        meter = self._meters.named[count.key.resource]
        when = renewal(meter, holding, self.marks.get(count.key), self._now, count.quantity)
        return NoCapacity(Provision(count.key, count.quantity), usage, limit, when)

    def _begin(self, key: Key) -> None:
        """Let a period begin that begins with its first use."""
        meter = self._meters.named.get(key.resource)
        if meter is not None:
            self.marks[key] = begin(meter, self.marks.get(key), self._now)


def _wait(when: Renewal | None) -> float:
    return math.inf if when is None or when.wait is None else when.wait
