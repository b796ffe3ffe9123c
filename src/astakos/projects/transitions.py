"""Changes of state as tables: what is checked in which order, and what follows.

Each table is data: a check or an effect stands in one place, and is carried out and documented from there
(`docs/projects.md`). The order of the checks is part of the protocol, because the first one that fails
decides the answer (`identity-and-projects.md` §3.2, §4).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from astakos.projects.refusals import ProjectRefusedError, RefusalKind

Facts = TypeVar("Facts")
"""What the checks of a table judge by: a value that holds all that was read for the decision."""
State = TypeVar("State", bound=StrEnum)


@dataclass(frozen=True)
class Check(Generic[Facts]):
    """A condition of a change.

    Attributes:
        says: the condition in the words of the documentation, for example "the project is suspended".
        holds: whether the facts meet it. May rely on all checks before it in its table.
        kind: how the change is refused otherwise.
        message: what is wrong then, and what would be right.
    """

    says: str
    holds: Callable[[Facts], bool]
    kind: RefusalKind
    message: Callable[[Facts], str]


@dataclass(frozen=True)
class Transition(Generic[Facts, State]):
    """A row of a table.

    Attributes:
        action: its name in the API.
        checks: what must hold, in the order in which it is checked.
        to: the state that it leads to.
        effects: what else follows, in the words of the documentation.
    """

    action: StrEnum
    checks: Sequence[Check[Facts]]
    to: State
    effects: Sequence[str] = ()

    def is_allowed(self, facts: Facts) -> bool:
        """Whether all checks hold."""
        return first_refusal(self.checks, facts) is None

    def require_allowed(self, facts: Facts) -> None:
        """Raises `ProjectRefusedError` for the first check that does not hold."""
        refusal = first_refusal(self.checks, facts)
        if refusal is not None:
            raise refusal


def first_refusal(checks: Iterable[Check[Facts]], facts: Facts) -> ProjectRefusedError | None:
    """Returns the refusal of the first check that does not hold; None if all hold."""
    for check in checks:
        if not check.holds(facts):
            return ProjectRefusedError(check.kind, check.message(facts))
    return None
