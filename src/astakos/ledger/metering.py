"""What counts on meters, projects above and keys in one batch of the ledger, and what time has given back."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from astakos.ledger import rules
from astakos.ledger.alerts import WHOLE, Alert, AlertIdentity, AlertKind, crossed, period_of
from astakos.ledger.counts import Above, Count, counts_of, with_counted
from astakos.ledger.granting import Debt, Figures, Granting, Shortage, any_debt
from astakos.ledger.grants import base_of_grant
from astakos.ledger.key_levels import counts_on_key
from astakos.ledger.meter_definitions import SEPARATOR
from astakos.ledger.meters import (
    Budget,
    Closed,
    Meter,
    Meters,
    Rolled,
    begin,
    forgive,
    renewal,
    resets,
    settle_metered,
)
from astakos.ledger.operations import Issue, Pending, Resolution
from astakos.ledger.overage import Overage, Reach, fitting
from astakos.ledger.rules import Holding, IsMeter, Key, NoCapacity, Provision, Refusal, Renewal

NO_COUNTS: tuple[Count, ...] = ()


class NewIssue(NamedTuple):
    """An issue as it is carried out.

    Attributes:
        issue: the issue, with the quantities that there is room for and the time to live that it has.
        counts: what it counts on meters, on projects above, and on a key.
        granted: the quantities, if they were asked for as far as there is room.
    """

    issue: Issue
    counts: tuple[Count, ...]
    granted: tuple[int, ...] | None = None


Charged = tuple[dict[Key, Holding], tuple[Count, ...]]
"""Holdings changed by an issue, and what it counts after all: grants can stand in for meters."""


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
        self,
        meters: Meters,
        marks: Mapping[Key, int | None],
        now: int,
        above: Above,
        granting: Granting,
        *,
        is_certain: bool = True,
    ) -> None:
        """Sets the meters, the stored marks, and the instant at which all operations of the batch happen.

        While that is not certain, no time passes: nothing is forgiven, and no period begins, because it
        could begin years from now.
        """
        self.marks = dict(marks)
        self.closed: list[tuple[Key, Closed]] = []
        self.has_meters = bool(meters)
        self.above = above
        self.has_counts = self.has_meters or bool(above)
        self.thresholds = meters.thresholds
        self.shadows = meters.shadows
        self._meters = meters
        self._now = now
        self._granting = granting
        self._is_certain = is_certain

    @property
    def rolled(self) -> Mapping[Key, Rolled]:
        """Returns what the periods that the batch has found over have left over."""
        return self._granting.rolled

    def forgive(self, holdings: dict[Key, Holding]) -> None:
        """Takes into account the time that has passed for all metered holdings."""
        if not self._is_certain:
            return
        for key, mark in self.marks.items():
            meter = self._meters.named.get(key.resource)
            if meter is not None:
                before = self._granting.rolled_at(key, mark) if _may_owe(meter, holdings[key]) else 0
                forgiven = forgive(meter, holdings[key], mark, self._now, before)
                holdings[key], self.marks[key], closed, rolled = forgiven
                if closed is not None and closed.total:
                    self.closed.append((key, closed))
                if rolled is not None:
                    self._granting.rolled[key] = rolled

    def named_in(self, provisions: Iterable[Provision]) -> IsMeter | None:
        """Returns the refusal of provisions that name a meter or a grant itself; None if none does."""
        for provision in provisions:
            resource = provision.key.resource
            if SEPARATOR in resource:
                base = self._meters.bases.get(resource) or base_of_grant(resource)
                if base is not None:
                    return IsMeter(provision, base)
        return None

    def counts_of(
        self, provisions: Sequence[Provision], key_holder: str | None, holdings: Mapping[Key, Holding]
    ) -> tuple[Count, ...]:
        """Returns what provisions count on meters, on projects above, and on a key.

        Args:
            provisions: the provisions.
            key_holder: the key, if there is one.
            holdings: those of the key that exist; may contain others.
        """
        counts = counts_of(provisions, self._meters, self.above, self._now) if self.has_counts else NO_COUNTS
        if key_holder is None:
            return counts
        return (*counts, *counts_on_key(key_holder, provisions, holdings, self._meters, self._now))

    def prepare(self, issue: Issue, holdings: Mapping[Key, Holding]) -> NewIssue:
        """Returns an issue as it is to be carried out.

        What is pending on a meter stays reserved when a period ends, so it has to expire some time.
        """
        counts = self.counts_of(issue.provisions, issue.key_holder, holdings)
        granted = None
        if issue.at_most:
            passing = self._meters.passing
            reach = self.reach(holdings, passing)
            provisions = fitting(issue.provisions, holdings, counts, passing, reach)
            if any(quantity > 0 for _, quantity in provisions):
                issue = replace(issue, provisions=provisions)
                counts = self.counts_of(provisions, issue.key_holder, holdings)
            elif provisions != issue.provisions:
                # There is room for nothing, which `force` does not change: it is refused.
                issue = replace(issue, force=False)
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
    ) -> Charged | Refusal:
        """Returns the changed holdings after issuing provisions with what they count, or the first refusal.

        Args:
            holdings: all that the batch has read.
            provisions: at most one for each key.
            counts: what they count, all from their first unit on.
            force: allow imports to exceed limits.
        """
        if not counts:
            issued = rules.issue(holdings, provisions, force=force, shadows=self.shadows)
            return (issued, NO_COUNTS) if isinstance(issued, dict) else issued
        counted = [Provision(count.key, count.quantity) for count in counts]
        changed = rules.issue_apart(holdings, [*provisions, *counted], force=force, shadows=self.shadows)
        if self._is_short(changed) or (force and self._lacks_room(counts, holdings)):
            figures = Figures(holdings, self.marks)
            divided = self._granting.divide(counts, figures, any_debt if force else self._meters.passing)
            if not isinstance(divided, Shortage):
                counts = divided
                changed = self._issue_divided(holdings, provisions, counts, force=force)
            elif isinstance(changed, NoCapacity):
                return self._explained(changed, figures, counts, divided)
        if not isinstance(changed, dict):
            return changed
        for key, _, quantity, at_issue, _ in counts:
            if at_issue is not None:
                changed[key] = rules.settle(changed[key], quantity, quantity)
            self._begin(key)
        return changed, tuple(counts)

    def _is_short(self, changed: dict[Key, Holding] | Refusal) -> bool:
        return isinstance(changed, NoCapacity) and changed.provision.key.resource in self._meters.named

    def _lacks_room(self, counts: Iterable[Count], holdings: Mapping[Key, Holding]) -> bool:
        """Whether imports exceed the limit of a meter; if not, grants do not matter."""
        named = self._meters.named
        imports = rules.merge(Provision(one.key, one.quantity) for one in counts if one.key.resource in named)
        return any(
            holdings[key].usage_max + quantity > holdings[key].limit
            for key, quantity in imports
            if quantity and key in holdings and key.resource not in self.shadows
        )

    def _issue_divided(
        self,
        holdings: Mapping[Key, Holding],
        provisions: Sequence[Provision],
        counts: Iterable[Count],
        *,
        force: bool,
    ) -> dict[Key, Holding] | Refusal:
        """Issues provisions with counts that were divided, so that meters and grants have room for them."""
        plain, drawn = list(provisions), list[Provision]()
        for count in counts:
            resource = count.key.resource
            is_divided = resource in self._meters.named or base_of_grant(resource) is not None
            (drawn if is_divided else plain).append(Provision(count.key, count.quantity))
        changed = rules.issue_apart(holdings, plain, force=force, shadows=self.shadows)
        if not isinstance(changed, dict):
            return changed
        also = rules.issue(holdings, rules.merge(drawn), force=True)
        return changed | also if isinstance(also, dict) else also

    def beyond(
        self, commission: Pending, quantities: Mapping[Key, int], holdings: Mapping[Key, Holding]
    ) -> tuple[Count, ...]:
        """Returns what the units count for which a commission settles beyond those that were issued.

        They are what it would have counted had it grown, whatever it exceeds.
        """
        issued = dict(commission.provisions)
        more = {key: units - issued[key] for key, units in quantities.items() if units > issued[key] >= 0}
        counting = {
            (count.key, count.base): count._replace(quantity=more[count.base], first=0)
            for count in commission.counts
            if count.base in more and base_of_grant(count.key.resource) is None
        }
        counts = tuple(counting.values())
        if self._lacks_room(counts, holdings):
            divided = self._granting.divide(counts, Figures(holdings, self.marks), any_debt)
            counts = counts if isinstance(divided, Shortage) else divided
        return tuple([count._replace(first=count.first + issued[count.base]) for count in counts])

    def reach(self, holdings: Mapping[Key, Holding], debt: Debt) -> Reach:
        """Returns what tells how many units there is room for on a meter, beside others and with grants."""
        figures = Figures(holdings, self.marks)
        return lambda meter, counting, wanted: self._granting.reach(meter, counting, wanted, figures, debt)

    def settle(self, holding: Holding, count: Count, settled: int) -> Holding:
        """Returns a meter's holding after `settled` of a count has taken effect."""
        if settled:
            self._begin(count.key)
        meter = self._meters.named.get(count.key.resource)
        return settle_metered(meter, holding, count.quantity, settled, count.at_issue, self._now)

    def most_debt(self, overage: Overage) -> Callable[[str], int]:
        """Returns by how much a settlement may take usage of a resource beyond its limit."""
        return self._meters.most_debt if overage is Overage.DEBT else self._meters.passing

    def passed(
        self, holdings: Mapping[Key, Holding], changed: Mapping[Key, Holding]
    ) -> tuple[NoCapacity, ...]:
        """Returns what limits that only report would have refused of an issue.

        Args:
            holdings: the holdings before.
            changed: those that it has changed.
        """
        found = []
        for key, after in changed.items():
            before = holdings[key]
            quantity = after.usage_max - before.usage_max
            if key.resource in self.shadows and after.usage_max > after.limit and quantity > 0:
                meter = self._meters.named.get(key.resource)
                mark = self.marks.get(key)
                when = None if meter is None else renewal(meter, before, mark, self._now, quantity)
                found.append(NoCapacity(Provision(key, quantity), before.usage_max, after.limit, when))
        return tuple(found)

    def reached(self, resolved: Iterable[Resolution]) -> Iterator[Alert]:
        """Yields an alert for each threshold that commissions have crossed when they settled."""
        thresholds = self.thresholds
        for resolution in resolved:
            for one in resolution.settlements:
                percents = thresholds.get(one.key.resource)
                after = one.after
                # Asked for all that settles; hardly anything gets further.
                if percents and after.usage_min * WHOLE >= percents[0] * after.limit:
                    percent = crossed(after.usage_min, one.settled, after.limit, percents)
                    if percent:
                        yield self._alert(AlertKind.REACHED, one.key, percent, after.usage_min, after)

    def alert(self, kind: AlertKind, refusal: NoCapacity, holdings: Mapping[Key, Holding]) -> Alert:
        """Returns an alert about an import that was, or would have been, refused."""
        key = refusal.provision.key
        return self._alert(kind, key, 0, refusal.usage, holdings[key])

    def _alert(self, kind: AlertKind, key: Key, percent: int, usage: int, holding: Holding) -> Alert:
        start, end = period_of(key, self._meters, self.marks, holding, self._now)
        return Alert(AlertIdentity(key, kind, percent, start), end, self._now, usage, holding.limit)

    def named_below(self, provisions: Iterable[Provision], key: Key) -> Key:
        """Returns the holding that provisions name, if it was a holding above it that had no room."""
        if not self.above:
            return key
        level = key._replace(resource=self._meters.bases.get(key.resource, key.resource))
        named = [one for one, _ in provisions]
        if level in named:
            return key
        return next((one for one in named if level in self.above.get(one, ())), key)

    def with_counted(self, keys: Iterable[Key]) -> set[Key]:
        """Returns holdings, and all on which provisions on them count."""
        return with_counted(keys, self._meters, self.above)

    def _explained(
        self, refusal: NoCapacity, figures: Figures, counts: Sequence[Count], shortage: Shortage
    ) -> NoCapacity:
        """Names, of all meters without room, the one that takes longest to wait for, and says until when."""
        named = self._meters.named
        imports = rules.merge(Provision(one.key, one.quantity) for one in counts if one.key.resource in named)
        over = [
            one
            for one in imports
            if one.key in figures.holdings
            and one.key.resource not in self.shadows
            and one.quantity + figures.holdings[one.key].usage_max > figures.holdings[one.key].limit
        ]
        lifting = {one.key: self._granting.lifting(one.key, figures) for one in over}
        lacking = [one for one in over if self._lacks(one, lifting[one.key], figures)]
        short = [one for one in over if one.key in shortage.meters]
        found = [self._lacking(one, lifting[one.key], figures) for one in lacking or short]
        return max(found, key=lambda one: _wait(one.renewal), default=refusal)

    def _lacks(self, provision: Provision, lifting: int, figures: Figures) -> bool:
        key, quantity = provision
        room = figures.holdings[key].limit - figures.holdings[key].usage_max
        return max(1, quantity) > max(0, room) + lifting

    def _lacking(self, provision: Provision, lifting: int, figures: Figures) -> NoCapacity:
        key, quantity = provision
        meter, holding, mark = self._meters.named[key.resource], figures.holdings[key], self.marks.get(key)
        ends = resets(meter, holding, mark, self._now) or 0
        lasting = self._granting.lifting(key, figures, after=ends) if lifting else 0
        when = renewal(meter, holding, mark, self._now, quantity - lasting)
        available = max(0, holding.limit - holding.usage_max) + lifting if lifting else None
        return NoCapacity(provision, holding.usage_max, holding.limit, when, available)

    def _begin(self, key: Key) -> None:
        """Lets a period begin that begins with its first use."""
        meter = self._meters.named.get(key.resource)
        if meter is not None and self._is_certain:
            self.marks[key] = begin(meter, self.marks.get(key), self._now)


def _may_owe(meter: Meter, holding: Holding) -> bool:
    """Whether usage beyond the limit is kept when the period ends, as far as nothing was left over before."""
    return isinstance(meter, Budget) and meter.keeps_debt and holding.usage_min > holding.limit


def _wait(when: Renewal | None) -> float:
    return math.inf if when is None or when.wait is None else when.wait
