"""What can be asked of the ledger, and what it answers: values, apart from how they are carried out."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from astakos.ledger.rules import Holding, Key, Provision, Refusal


@dataclass(frozen=True, slots=True)
class Issue:
    """Issue a commission for `component`, which alone may see and resolve it (`quota-semantics.md` §2.1).

    Attributes:
        component: the identifier of the issuing component.
        provisions: at most one for each key, in the order of `rules.merge`.
        name: what the component calls it; never interpreted.
        force: let imports go over limits.
        auto_accept: accept it in the same step; the serial of the answer is then not pending.
    """

    component: int
    provisions: tuple[Provision, ...]
    name: str = ""
    force: bool = False
    auto_accept: bool = False


@dataclass(frozen=True, slots=True)
class Resolve:
    """Accept some pending commissions of `component` and reject others, in one step (§2.4)."""

    component: int
    accept: frozenset[int] = frozenset()
    reject: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Issued:
    """The commission was issued."""

    serial: int


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of each serial, each list ascending.

    `not_found` were not pending, or are another component's; `conflicting` were asked both ways and are
    still pending.
    """

    accepted: tuple[int, ...] = ()
    rejected: tuple[int, ...] = ()
    not_found: tuple[int, ...] = ()
    conflicting: tuple[int, ...] = ()


Operation = Issue | Resolve
Outcome = Issued | Refusal | Resolved


class Verdict(StrEnum):
    """How a commission ended."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"


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


class NewCommission(NamedTuple):
    """A commission to be stored as pending."""

    serial: int
    issue: Issue


class Resolution(NamedTuple):
    """A pending commission to be stored as resolved, with each of its holdings as that left it (§4)."""

    serial: int
    verdict: Verdict
    after: tuple[tuple[Key, Holding], ...]
