"""The ledger's operations and their outcomes, as plain values; `batch` applies them."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from astakos.ledger.alerts import Alert, Refused
from astakos.ledger.counts import Count
from astakos.ledger.meters import Closed, Rolled
from astakos.ledger.overage import Overage
from astakos.ledger.rules import Holding, Key, NoCapacity, Provision, Refusal
from astakos.ledger.value import Value

Serial = int | bool
"""A caller may send JSON `true` for serial 1; answers repeat the serial as it was sent."""


class Idempotency(NamedTuple):
    """Identifies a repeated issue: the caller's key, and a hash of the request."""

    key: str
    fingerprint: bytes


class Issue(Value, frozen=True):
    """Issues a commission that only `component` can see and resolve (`quota-semantics.md` §2.1).

    Attributes:
        component: the identifier of the issuing component.
        provisions: at most one for each key, in the order of `rules.merge`.
        name: the component's name for the commission; not interpreted.
        force: allow imports to exceed limits.
        auto_accept: accept the commission in the same step, so that its serial is never pending.
        time_to_live: after how many microseconds a pending commission expires; None for never.
        idempotency: if the same issue was made before, return its serial instead of issuing again.
        overage: what happens when it is settled for more, unless the settlement says so itself.
        at_most: issue as much of each import as there is room for, unless there is room for nothing.
        is_question: only say what an issue would have come to; write nothing.
        is_exact: count nothing on meters and on projects above, for figures that only move between holdings
            or are corrected.
        key_holder: a key that is charged along with its user; see `key_levels.py`.
    """

    component: int
    provisions: tuple[Provision, ...]
    name: str = ""
    force: bool = False
    auto_accept: bool = False
    time_to_live: int | None = None
    idempotency: Idempotency | None = None
    overage: Overage = Overage.REFUSE
    at_most: bool = False
    is_question: bool = False
    is_exact: bool = False
    key_holder: str | None = None


class IssueMany(Value, frozen=True):
    """Issues several commissions in order: each independently, or all or none."""

    issues: tuple[Issue, ...]
    all_or_none: bool = False


class Resolve(Value, frozen=True):
    """Accepts some pending commissions of `component` and rejects others, in one step (§2.4)."""

    component: int
    accept: frozenset[Serial] = frozenset()
    reject: frozenset[Serial] = frozenset()


class Settle(Value, frozen=True):
    """Accepts one pending commission of `component`, some of its provisions only in part.

    Attributes:
        quantities: the settled quantities, at most one for each provision. A provision without one is
            settled in full.
        overage: what happens to quantities above those that were issued; None for the policy of the issue.
    """

    component: int
    serial: int
    quantities: tuple[Provision, ...]
    overage: Overage | None = None


class Progress(Value, frozen=True):
    """Says what has been used of a pending commission so far: if it expires, it is settled for that.

    Attributes:
        quantities: at most one for each provision; nothing has been used of the others.
    """

    component: int
    serial: int
    quantities: tuple[Provision, ...]


class Grow(Value, frozen=True):
    """Raises a pending commission to new totals, granted or refused as an issue of the difference is.

    Repeating it does no harm.

    Attributes:
        totals: the new quantities, at most one for each provision, none below what was issued.
        force: allow imports to exceed limits.
    """

    component: int
    serial: int
    totals: tuple[Provision, ...]
    force: bool = False


class Extend(Value, frozen=True):
    """Lets a pending commission expire `time_to_live` microseconds from now, or later if it does already."""

    component: int
    serial: int
    time_to_live: int


class Reconcile(Value, frozen=True):
    """Compares holdings with the usage that `component` observes.

    Attributes:
        usage: the actual usage of each holding, without pending provisions; at most one for each key.
        mend: correct the difference with an accepted commission named `name`.
    """

    component: int
    usage: tuple[Provision, ...]
    mend: bool = False
    name: str = ""


class Issued(Value, frozen=True):
    """The commission was issued, or would have been.

    Attributes:
        serial: its serial; 0 if it was only a question.
        repeated: whether an earlier request with the same idempotency key has issued it.
        granted: the issued quantities, in the order of the provisions, if they were asked for `at_most`.
        would_refuse: what limits that only report would have refused.
    """

    serial: int
    repeated: bool = False
    granted: tuple[int, ...] | None = None
    would_refuse: tuple[NoCapacity, ...] = ()


class KeyReused(Value, frozen=True):
    """Refused: the idempotency key was used before with a different request."""

    key: str


class IssuedMany(Value, frozen=True):
    """The outcomes of the issues, in order.

    If one issue of an all-or-none operation is refused, `undone` is true and nothing is issued. `outcomes`
    then ends with the refusal, and the earlier outcomes still read as issued.
    """

    outcomes: tuple["Issued | Refusal | KeyReused", ...]
    undone: bool = False


class Resolved(Value, frozen=True):
    """The outcome for each serial, in ascending order.

    Attributes:
        accepted: accepted now.
        rejected: rejected now.
        not_found: not pending, or issued by another component.
        conflicting: both accepted and rejected by the request; left pending.
        settled: what a settlement for more than was issued has granted.
    """

    accepted: tuple[Serial, ...] = ()
    rejected: tuple[Serial, ...] = ()
    not_found: tuple[Serial, ...] = ()
    conflicting: tuple[Serial, ...] = ()
    settled: tuple[Provision, ...] = ()


class NotPending(Value, frozen=True):
    """Refused: the component has no such pending commission."""

    serial: int


class Revised(Value, frozen=True):
    """A pending commission has been changed, or was like that already.

    Attributes:
        serial: its serial.
        expires: the instant at which it expires; None for never, or if the operation does not concern that.
    """

    serial: int
    expires: int | None = None


class CannotSettle(Value, frozen=True):
    """Refused: the commission has no such provision, or `settled` is not between 0 and `issued`.

    Or, for a commission that is to grow, `settled` is its new total, and not beyond `issued`.
    """

    key: Key
    settled: int
    issued: int | None


class Drift(Value, frozen=True):
    """A holding compared with its actual usage; `settled` is the counted usage without pending provisions."""

    key: Key
    holding: Holding
    settled: int
    actual: int

    @property
    def drift(self) -> int:
        """How far the counted usage exceeds the actual usage; negative if it is below."""
        return self.settled - self.actual


class Reconciled(Value, frozen=True):
    """The result of a reconciliation.

    Attributes:
        drifts: the holdings as they were before any correction.
        missing: the requested keys that have no holding.
        serial: the commission that corrected the drift, if there is one.
        refusal: why the drift could not be corrected, if it could not.
    """

    drifts: tuple[Drift, ...] = ()
    missing: tuple[Key, ...] = ()
    serial: int | None = None
    refusal: Refusal | None = None


class Failure(StrEnum):
    """What is known about an operation without an outcome."""

    NOT_CARRIED_OUT = "not carried out"
    OUTCOME_UNKNOWN = "outcome unknown"
    DEFECT = "defect"
    """Not carried out, because of a bug."""


class Undone(Value, frozen=True):
    """The operation has no outcome, because of the storage or a bug."""

    reason: str
    failure: Failure = Failure.NOT_CARRIED_OUT


Operation = Issue | IssueMany | Resolve | Settle | Progress | Grow | Extend | Reconcile
Outcome = (
    Issued | Refusal | KeyReused | IssuedMany | Resolved | CannotSettle | NotPending | Revised | Reconciled
)


class Verdict(StrEnum):
    """How a commission ended."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    EXPIRED = "EXPIRED"


class Pending(Value, frozen=True):
    """A pending commission, reduced to what resolving it needs.

    Attributes:
        component: the identifier of the issuing component.
        provisions: what was issued.
        counts: what that counts on meters, on projects above, and on a key.
        overage: what happens when it is settled for more.
        progress: what has been used so far; it is settled for that if it expires.
        key_holder: the key that is charged along with its user.
    """

    component: int
    provisions: tuple[Provision, ...]
    counts: tuple[Count, ...] = ()
    overage: Overage = Overage.REFUSE
    progress: tuple[Provision, ...] = ()
    key_holder: str | None = None

    def keys(self) -> list[Key]:
        """Returns the holdings that change when it is resolved."""
        keys = [key for key, _ in self.provisions]
        return keys + [count.key for count in self.counts] if self.counts else keys


class Commission(NamedTuple):
    """A pending commission as its component sees it."""

    serial: int
    name: str
    issue_time: int
    provisions: tuple[Provision, ...]
    expires: int | None = None
    key_holder: str | None = None


class Remembered(NamedTuple):
    """The request hash and the serial of an earlier issue with an idempotency key; see `Issued`."""

    fingerprint: bytes
    serial: int
    granted: tuple[int, ...] | None = None


class NewCommission(Value, frozen=True):
    """A commission to store as pending.

    Attributes:
        serial: its serial.
        issue: how it was issued.
        pending: what resolving it needs.
        granted: what is remembered with its idempotency key; see `Issued`.
    """

    serial: int
    issue: Issue
    pending: Pending
    granted: tuple[int, ...] | None = None


class Settlement(Value, frozen=True):
    """A resolved provision: the settled quantity, and the holding afterwards (`quota-semantics.md` §4)."""

    key: Key
    quantity: int
    settled: int
    after: Holding


class Resolution(Value, frozen=True):
    """A pending commission to store as resolved."""

    component: int
    serial: int
    verdict: Verdict
    settlements: tuple[Settlement, ...]
    key_holder: str | None = None


class Changes(msgspec.Struct):
    """Everything that a batch changes: commissions in the order they changed, and the final holdings.

    And what is to be told of it, beside its outcomes.

    Attributes:
        issued: new commissions.
        revised: pending commissions that have changed, by serial.
        extended: when pending commissions expire now, by serial.
        resolved: commissions that have ended.
        holdings: the figures of changed holdings.
        marks: the marks of changed holdings of meters.
        closed: periods of budgets that are over.
        alerts: what is told once in each period, and stored with the changes.
        refused: imports that were refused; not stored.
        passed: imports that limits would have refused, if they did not only report; not stored.
        rolled: what they have left over for the running periods.
        used_up: holdings of grants of which all is settled.
    """

    issued: list[NewCommission] = []
    revised: dict[int, Pending] = {}
    extended: dict[int, tuple[int, int]] = {}
    resolved: list[Resolution] = []
    holdings: dict[Key, Holding] = {}
    marks: dict[Key, int | None] = {}
    closed: list[tuple[Key, Closed]] = []
    alerts: list[Alert] = []
    refused: list[Refused] = []
    passed: list[NoCapacity] = []
    rolled: dict[Key, Rolled] = {}
    used_up: list[Key] = []

    def any(self) -> bool:
        """Whether there is anything to store."""
        return bool(self.issued or self.resolved or self.revised or self.extended or self.alerts)
