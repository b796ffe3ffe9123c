"""What counts on meters and on projects above in one batch of the ledger, and what time has given back."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from astakos.ledger import rules
from astakos.ledger.alerts import Alert, AlertIdentity, AlertKind, crossed, period_of
from astakos.ledger.counts import NOTHING_ABOVE, Above, Count, counts_of, with_counted
from astakos.ledger.meters import NO_METERS, Closed, Meters, begin, forgive, renewal, settle_metered
from astakos.ledger.operations import Issue, Resolution
from astakos.ledger.overage import Overage, fitting
from astakos.ledger.rules import Holding, IsMeter, Key, NoCapacity, Provision, Refusal, Renewal

NO_COUNTS: tuple[Count, ...] = ()


class NewIssue(NamedTuple):
    """An issue as it is carried out.

    Attributes:
        issue: the issue, with the quantities that there is room for and the time to live that it has.
        counts: what it counts on meters and on projects above.
        granted: the quantities, if they were asked for as far as there is room.
    """

    issue: Issue
    counts: tuple[Count, ...]
    granted: tuple[int, ...] | None = None


class Metering:
    """The meters and their marks, changed by one operation after another, and the projects above others.

    Attributes:
        marks: the marks of the metered holdings that the batch has read.
        closed: the periods of budgets that the batch has found over.
        has_meters: whether any resource has a meter.
        above: the project-level holdings above those that the batch names.
        has_counts: whether anything can count elsewhere.
        thresholds: percentages of limits, by resource (`alerts.py`).
        shadows: the resources whose limits only report.
    """

    def __init__(
        self, meters: Meters, marks: Mapping[Key, int | None], now: int, above: Above = NOTHING_ABOVE
    ) -> None:
        """Set the meters, the stored marks, and the instant at which all operations of the batch happen."""
        self.marks = dict(marks)
        self.closed: list[tuple[Key, Closed]] = []
        self.has_meters = bool(meters)
        self.above = above
        self.has_counts = self.has_meters or bool(above)
        self.thresholds = meters.thresholds
        self.shadows = meters.shadows
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
        """Return what provisions count on meters and on projects above."""
        return counts_of(provisions, self._meters, self.above, self._now) if self.has_counts else NO_COUNTS

    def mend(self, issue: Issue) -> NewIssue:
        """Return a correction as it is to be carried out: it counts on projects above, and on no meter."""
        return NewIssue(issue, counts_of(issue.provisions, NO_METERS, self.above, self._now))

    def prepare(self, issue: Issue, holdings: Mapping[Key, Holding]) -> NewIssue:
        """Return an issue as it is to be carried out.

        What is pending on a meter stays reserved when a period ends, so it has to expire some time.
        """
        counts = self.counts_of(issue.provisions)
        granted = None
        if issue.at_most:
            provisions = fitting(issue.provisions, holdings, counts, self._meters.passing)
            if any(quantity > 0 for _, quantity in provisions):
                issue = replace(issue, provisions=provisions)
                counts = self.counts_of(provisions)
            granted = tuple([quantity for _, quantity in issue.provisions])
        if self._needs_expiry(issue, counts):
            issue = replace(issue, time_to_live=self._meters.time_to_live)
        return NewIssue(issue, counts, granted)

    def _needs_expiry(self, issue: Issue, counts: Iterable[Count]) -> bool:
        if issue.time_to_live is not None or issue.auto_accept or not self.has_meters:
            return False
        return any(count.key.resource in self._meters.named for count in counts)

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
            return rules.issue(holdings, provisions, force=force, shadows=self.shadows)
        counted = [Provision(count.key, count.quantity) for count in counts]
        changed = rules.issue_apart(holdings, [*provisions, *counted], force=force, shadows=self.shadows)
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
        return self._meters.most_debt if overage is Overage.DEBT else self._meters.passing

    def passed(
        self, holdings: Mapping[Key, Holding], changed: Mapping[Key, Holding]
    ) -> tuple[NoCapacity, ...]:
        """Return what limits that only report would have refused of an issue.

        Args:
            holdings: the holdings before.
            changed: those that it has changed.
        """
        found = []
        for key, (limit, _, usage) in changed.items():
            before = holdings[key]
            quantity = usage - before.usage_max
            if key.resource in self.shadows and usage > limit and quantity > 0:
                meter = self._meters.named.get(key.resource)
                mark = self.marks.get(key)
                when = None if meter is None else renewal(meter, before, mark, self._now, quantity)
                found.append(NoCapacity(Provision(key, quantity), before.usage_max, limit, when))
        return tuple(found)

    def reached(self, resolved: Iterable[Resolution]) -> Iterator[Alert]:
        """Yield an alert for each threshold that commissions have crossed when they settled."""
        for resolution in resolved:
            for key, _, settled, after in resolution.settlements:
                percents = self.thresholds.get(key.resource)
                if percents and (percent := crossed(after.usage_min, settled, after.limit, percents)):
                    yield self._alert(AlertKind.REACHED, key, percent, after.usage_min, after)

    def alert(self, kind: AlertKind, refusal: NoCapacity, holdings: Mapping[Key, Holding]) -> Alert:
        """Return an alert about an import that was, or would have been, refused."""
        key = refusal.provision.key
        return self._alert(kind, key, 0, refusal.usage, holdings[key])

    def _alert(self, kind: AlertKind, key: Key, percent: int, usage: int, holding: Holding) -> Alert:
        start, end = period_of(key, self._meters, self.marks, holding, self._now)
        return Alert(AlertIdentity(key, kind, percent, start), end, self._now, usage, holding.limit)

    def with_counted(self, keys: Iterable[Key]) -> set[Key]:
        """Return holdings, and all on which provisions on them count."""
        return with_counted(keys, self._meters, self.above)

    def _explained(
        self, refusal: NoCapacity, holdings: Mapping[Key, Holding], counts: Sequence[Count]
    ) -> NoCapacity:
        """Name of all meters without room the one that one has to wait for longest, and say until when."""
        if refusal.provision.key.resource not in self._meters.named:
            return refusal
        named = self._meters.named
        imports = rules.merge(Provision(one.key, one.quantity) for one in counts if one.key.resource in named)
        lacking = [self._lacking(one, holdings[one.key]) for one in imports if one.key in holdings]
        found = [one for one in lacking if one is not None]
        return max(found, key=lambda one: _wait(one.renewal), default=refusal)

    def _lacking(self, provision: Provision, holding: Holding) -> NoCapacity | None:
        key, quantity = provision
        limit, _, usage = holding
        if usage + quantity <= limit or key.resource in self.shadows:
            return None
        when = renewal(self._meters.named[key.resource], holding, self.marks.get(key), self._now, quantity)
        return NoCapacity(provision, usage, limit, when)

    def _begin(self, key: Key) -> None:
        """Let a period begin that begins with its first use."""
        meter = self._meters.named.get(key.resource)
        if meter is not None:
            self.marks[key] = begin(meter, self.marks.get(key), self._now)


def _wait(when: Renewal | None) -> float:
    return math.inf if when is None or when.wait is None else when.wait
