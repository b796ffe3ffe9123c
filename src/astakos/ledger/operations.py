"""The ledger's operations and their outcomes, as plain values; `batch` applies them."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from astakos.ledger.rules import Holding, Key, Provision, Refusal
from astakos.ledger.value import Value

Serial = int | bool
"""A caller may send JSON `true` for serial 1; answers repeat the serial as it was sent."""


class Idempotency(NamedTuple):
    """Identifies a repeated issue: the caller's key, and a hash of the request."""

    key: str
    fingerprint: bytes


class Issue(Value, frozen=True):
    """Issue a commission that only `component` can see and resolve (`quota-semantics.md` §2.1).

    Attributes:
        component: the identifier of the issuing component.
        provisions: at most one for each key, in the order of `rules.merge`.
        name: the component's name for the commission; not interpreted.
        force: allow imports to exceed limits.
        auto_accept: accept the commission in the same step, so that its serial is never pending.
        time_to_live: after how many microseconds a pending commission expires; None for never.
        idempotency: if the same issue was made before, return its serial instead of issuing again.
    """

    component: int
    provisions: tuple[Provision, ...]
    name: str = ""
    force: bool = False
    auto_accept: bool = False
    time_to_live: int | None = None
    idempotency: Idempotency | None = None


class IssueMany(Value, frozen=True):
    """Issue several commissions in order: each independently, or all or none."""

    issues: tuple[Issue, ...]
    all_or_none: bool = False


class Resolve(Value, frozen=True):
    """Accept some pending commissions of `component` and reject others, in one step (§2.4)."""

    component: int
    accept: frozenset[Serial] = frozenset()
    reject: frozenset[Serial] = frozenset()


class Settle(Value, frozen=True):
    """Accept one pending commission of `component`, some of its provisions only in part.

    Attributes:
        quantities: the settled quantities, at most one for each provision. A provision without one is
            settled in full.
    """

    component: int
    serial: int
    quantities: tuple[Provision, ...]


class Reconcile(Value, frozen=True):
    """Compare holdings with the usage that `component` observes.

    Attributes:
        usage: the actual usage of each holding, without pending provisions; at most one for each key.
        mend: correct the difference with an accepted commission named `name`.
    """

    component: int
    usage: tuple[Provision, ...]
    mend: bool = False
    name: str = ""


class Issued(Value, frozen=True):
    """The commission was issued, now or by an earlier request with the same idempotency key (`repeated`)."""

    serial: int
    repeated: bool = False


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
    """

    accepted: tuple[Serial, ...] = ()
    rejected: tuple[Serial, ...] = ()
    not_found: tuple[Serial, ...] = ()
    conflicting: tuple[Serial, ...] = ()


class CannotSettle(Value, frozen=True):
    """Refused: the commission has no such provision, or `settled` is not between 0 and `issued`."""

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


Operation = Issue | IssueMany | Resolve | Settle | Reconcile
Outcome = Issued | Refusal | KeyReused | IssuedMany | Resolved | CannotSettle | Reconciled


class Verdict(StrEnum):
    """How a commission ended."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    EXPIRED = "EXPIRED"


class Pending(NamedTuple):
    """A pending commission, reduced to what resolving it needs."""

    component: int
    provisions: tuple[Provision, ...]


class Commission(NamedTuple):
    """A pending commission as its component sees it."""

    serial: int
    name: str
    issue_time: int
    provisions: tuple[Provision, ...]
    expires: int | None = None


class Remembered(NamedTuple):
    """The request hash and the serial of an earlier issue with an idempotency key."""

    fingerprint: bytes
    serial: int


class NewCommission(NamedTuple):
    """A commission to store as pending."""

    serial: int
    issue: Issue


class Settlement(NamedTuple):
    """A resolved provision: the settled quantity, and the holding afterwards (`quota-semantics.md` §4)."""

    key: Key
    quantity: int
    settled: int
    after: Holding


class Resolution(NamedTuple):
    """A pending commission to store as resolved."""

    component: int
    serial: int
    verdict: Verdict
    settlements: tuple[Settlement, ...]


@dataclass(slots=True)
class Changes:
    """Everything that a batch changes: commissions in the order they changed, and the final holdings."""

    issued: list[NewCommission] = field(default_factory=list)
    resolved: list[Resolution] = field(default_factory=list)
    holdings: dict[Key, Holding] = field(default_factory=dict)
