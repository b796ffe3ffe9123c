"""What can be asked of the ledger, and what it answers: values, apart from how they are carried out."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from astakos.ledger.rules import Holding, Key, Provision, Refusal
from astakos.ledger.value import Value

Serial = int | bool
"""In JSON, true is the serial 1 and is told from it: what was asked for is repeated as it was asked."""


class Idempotency(NamedTuple):
    """What makes a repeated issue recognizable: the caller's key, and a hash of what it asks for."""

    key: str
    fingerprint: bytes


class Issue(Value, frozen=True):
    """Issue a commission for `component`, which alone may see and resolve it (`quota-semantics.md` §2.1).

    Attributes:
        component: the identifier of the issuing component.
        provisions: at most one for each key, in the order of `rules.merge`.
        name: what the component calls it; never interpreted.
        force: let imports go over limits.
        auto_accept: accept it in the same step; the serial of the answer is then not pending.
        time_to_live: after so many microseconds it is rejected by itself; None for never.
        idempotency: lets the same issue, asked for again, have the same outcome instead of another one.
    """

    component: int
    provisions: tuple[Provision, ...]
    name: str = ""
    force: bool = False
    auto_accept: bool = False
    time_to_live: int | None = None
    idempotency: Idempotency | None = None


class IssueMany(Value, frozen=True):
    """Issue several commissions in this order: each by itself, or all or none."""

    issues: tuple[Issue, ...]
    all_or_none: bool = False


class Resolve(Value, frozen=True):
    """Accept some pending commissions of `component` and reject others, in one step (§2.4)."""

    component: int
    accept: frozenset[Serial] = frozenset()
    reject: frozenset[Serial] = frozenset()


class Settle(Value, frozen=True):
    """Accept one pending commission of `component` for less than was issued.

    Attributes:
        quantities: what came true of the provisions named, each once; the others came true whole.
    """

    component: int
    serial: int
    quantities: tuple[Provision, ...]


class Reconcile(Value, frozen=True):
    """Hold holdings against the usage that `component` observes.

    Attributes:
        usage: what is really in use of each holding, each once; what is pending is left out of account.
        mend: correct the difference by an accepted commission called `name`.
    """

    component: int
    usage: tuple[Provision, ...]
    mend: bool = False
    name: str = ""


class Issued(Value, frozen=True):
    """The commission was issued: now, or when the same was asked for before (`repeated`)."""

    serial: int
    repeated: bool = False


class KeyReused(Value, frozen=True):
    """Refused: the same idempotency key came with something else before."""

    key: str


class IssuedMany(Value, frozen=True):
    """The outcome of each issue. If it was all or none and one was refused, `undone` is true.

    Then those before it show as issued though they are not, and those after it are missing.
    """

    outcomes: tuple["Issued | Refusal | KeyReused", ...]
    undone: bool = False


class Resolved(Value, frozen=True):
    """What became of each serial, each list ascending.

    `not_found` were not pending, or are another component's; `conflicting` were asked both ways and are
    still pending.
    """

    accepted: tuple[Serial, ...] = ()
    rejected: tuple[Serial, ...] = ()
    not_found: tuple[Serial, ...] = ()
    conflicting: tuple[Serial, ...] = ()


class CannotSettle(Value, frozen=True):
    """Refused: the commission has no such provision, or not so much of it was issued."""

    key: Key
    settled: int
    issued: int | None


class Drift(Value, frozen=True):
    """One holding beside what is really in use.

    `settled` is the usage without anything that is pending; the drift is what it is over `actual`.
    """

    key: Key
    holding: Holding
    settled: int
    actual: int

    @property
    def drift(self) -> int:
        """How much more is counted than is in use; negative if less."""
        return self.settled - self.actual


class Reconciled(Value, frozen=True):
    """Where the holdings stood. `missing` do not exist; `serial` is the commission that mended, if any."""

    drifts: tuple[Drift, ...] = ()
    missing: tuple[Key, ...] = ()
    serial: int | None = None
    refusal: Refusal | None = None


class Undone(Value, frozen=True):
    """Nothing of it happened, or nobody knows whether it did, for a reason of the storage or of the code."""

    reason: str
    is_defect: bool = False


Operation = Issue | IssueMany | Resolve | Settle | Reconcile
Outcome = Issued | Refusal | KeyReused | IssuedMany | Resolved | CannotSettle | Reconciled


class Verdict(StrEnum):
    """How a commission ended."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    EXPIRED = "EXPIRED"


class Pending(NamedTuple):
    """A commission that waits for its resolution, as far as resolving needs it."""

    component: int
    provisions: tuple[Provision, ...]


class Commission(NamedTuple):
    """A pending commission in full."""

    serial: int
    name: str
    issue_time: int
    provisions: tuple[Provision, ...]
    expires: int | None = None


class Remembered(NamedTuple):
    """An issue that was asked for with an idempotency key, and its serial."""

    fingerprint: bytes
    serial: int


class NewCommission(NamedTuple):
    """A commission to be stored as pending."""

    serial: int
    issue: Issue


class Settlement(NamedTuple):
    """A provision as its resolution leaves it: what came true of it, and its holding after that (§4)."""

    key: Key
    quantity: int
    settled: int
    after: Holding


class Resolution(NamedTuple):
    """A pending commission to be stored as resolved."""

    component: int
    serial: int
    verdict: Verdict
    settlements: tuple[Settlement, ...]


@dataclass(slots=True)
class Changes:
    """All that a batch changes: in what order, and in which figures the holdings end."""

    issued: list[NewCommission] = field(default_factory=list)
    resolved: list[Resolution] = field(default_factory=list)
    holdings: dict[Key, Holding] = field(default_factory=dict)
