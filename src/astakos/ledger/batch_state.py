"""The state that a batch has read, as its operations change it, and what it writes in the end."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from astakos.ledger import rules
from astakos.ledger.alerts import AlertKind, Refused, charged, has_thresholds, new_alerts
from astakos.ledger.counts import Count, settled_counts
from astakos.ledger.granting import Granting
from astakos.ledger.grants import base_of_grant
from astakos.ledger.metering import Metering
from astakos.ledger.operations import Changes, Pending, Resolution, Settlement, Verdict
from astakos.ledger.ports import LedgerTransaction, Needs
from astakos.ledger.revising import expired_settlement
from astakos.ledger.rules import Holding, Key, NoCapacity, Provision, Refusal

NOTHING: Mapping[Key, int] = {}


class BatchState:
    """Holdings and commissions, changed by one operation after another.

    Attributes:
        holdings: the figures of all holdings that have been read.
        before: the figures as they were read.
        learned: those of grants that were read later.
        pending: pending commissions, by serial.
        remembered: earlier issues with idempotency keys.
        serials: new serials.
        metering: what counts on meters, on projects above, and on keys.
        changes: what is to be written.
    """

    def __init__(
        self, transaction: LedgerTransaction, needs: Needs, now: int, standing: int | None = None
    ) -> None:
        """Reads what a batch needs, and lets commissions expire that are past their time to live.

        `standing` is the instant up to which grants have begun and expired while nothing is due.
        """
        self._transaction = transaction
        state = transaction.read(now, needs)
        self.changes = Changes()
        self.pending = dict(state.pending)
        self.before = state.holdings
        self.holdings = dict(state.holdings)
        self.learned: dict[Key, Holding] = {}
        self.remembered = dict(state.remembered)
        self.serials = iter(state.serials)
        self._settled_grants: set[Key] = set()
        self._told = state.told
        present = now if state.now is None else state.now
        # Nothing begins or expires by a clock in doubt.
        granting_now = present if needs.due or standing is None else standing
        granting = Granting(transaction, state.meters, granting_now, self._learn)
        self.metering = Metering(
            state.meters, state.marks, present, state.above, granting, is_certain=needs.due > 0
        )
        self.metering.forgive(self.holdings)
        for serial, commission in state.expired.items():
            self.end(serial, commission, Verdict.EXPIRED)
            self.pending.pop(serial, None)

    def _learn(self, key: Key, holding: Holding) -> None:
        """Takes note of the holding of a grant, unless it was read with a commission that has drawn on it."""
        if key not in self.holdings:
            self.holdings[key] = self.learned[key] = holding

    @cached_property
    def drawn_on(self) -> tuple[Key, ...]:
        """The holdings of grants that were read with commissions that have drawn on them."""
        return tuple([key for key in self.before if base_of_grant(key.resource) is not None])

    def find_pending(self, component: int, serial: int) -> Pending | None:
        """Returns a pending commission of a component."""
        commission = self.pending.get(serial)
        return None if commission is None or commission.component != component else commission

    def keep(self, changed: Mapping[Key, Holding]) -> None:
        """Changes holdings."""
        for key, holding in changed.items():
            rules.verify(key, holding)
        self.holdings.update(changed)

    def revise(self, serial: int, commission: Pending) -> None:
        """Changes a pending commission."""
        self.pending[serial] = self.changes.revised[serial] = commission

    def end(
        self, serial: int, commission: Pending, verdict: Verdict, quantities: Mapping[Key, int] = NOTHING
    ) -> None:
        """Ends a commission that is not among the pending ones any more.

        On ACCEPT, each provision is settled for its entry in `quantities`, or in full if it has none.
        Otherwise for nothing, unless it has expired and some of it has been used.
        """
        accepted = verdict is Verdict.ACCEPT
        holdings, metering = self.holdings, self.metering
        if verdict is Verdict.EXPIRED and commission.progress:
            quantities = expired_settlement(commission, holdings, metering)
        beyond: tuple[Count, ...] = ()
        if quantities and commission.counts:
            beyond = metering.beyond(commission, quantities, holdings)
        settlements = []
        for key, quantity in commission.provisions:
            settled = quantity if accepted else 0
            if quantities:
                settled = quantities.get(key, settled)
            holdings[key] = after = rules.settle(holdings[key], quantity, settled)
            rules.verify(key, after)
            settlements.append(Settlement(key, quantity, settled, after))
        if commission.counts:
            for count, settled in settled_counts(commission.counts, quantities, beyond, accepted=accepted):
                key, quantity = count.key, count.quantity
                holdings[key] = after = metering.settle(holdings[key], count, settled)
                rules.verify(key, after)
                settlements.append(Settlement(key, quantity, settled, after))
                if after.usage_min >= after.limit and base_of_grant(key.resource) is not None:
                    self._settled_grants.add(key)
        self.changes.resolved.append(
            Resolution(commission.component, serial, verdict, tuple(settlements), commission.key_holder)
        )

    def note_refusal(
        self, component: int, name: str, provisions: Sequence[Provision], refusal: Refusal
    ) -> None:
        """Notes what is to be told of an import that was refused."""
        if isinstance(refusal, NoCapacity):
            key = refusal.provision.key
            named = self.metering.named_below(provisions, key)
            is_above = named != key
            refused = Refused(component, charged(provisions, named), refusal, is_above, name)
            self.changes.refused.append(refused)
            if key.resource in self.metering.thresholds and has_thresholds(refusal.limit):
                self.changes.alerts.append(self.metering.alert(AlertKind.REFUSED, refusal, self.holdings))

    def note_passed(self, passed: Sequence[NoCapacity]) -> None:
        """Notes what limits that only report would have refused."""
        # Of each resource the first, which is what a refusal would have named.
        self.changes.passed.extend({one.provision.key.resource: one for one in reversed(passed)}.values())
        self.changes.alerts.extend(
            [self.metering.alert(AlertKind.WOULD_REFUSE, one, self.holdings) for one in passed]
        )

    def write(self, now: int) -> None:
        """Writes what has changed, if anything has."""
        changes, metering = self.changes, self.metering
        if metering.thresholds:
            changes.alerts.extend(metering.reached(changes.resolved))
        if changes.alerts:
            changes.alerts = new_alerts(changes.alerts, self._told)
        if not changes.any():
            return
        before = {**self.before, **self.learned} if self.learned else self.before
        changes.holdings = {
            key: holding for key, holding in self.holdings.items() if before[key] is not holding
        }
        if metering.has_meters:
            changes.marks = {key: mark for key, mark in metering.marks.items() if key in changes.holdings}
            changes.closed = metering.closed
            rolled = metering.rolled.items()
            changes.rolled = {key: over for key, over in rolled if key in changes.holdings}
        found = [(key, self.holdings[key]) for key in self._settled_grants]
        changes.used_up = [key for key, holding in found if holding.usage_min >= holding.limit]
        self._transaction.write(now, changes)
