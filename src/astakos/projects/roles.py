"""Who may do what: the roles that an actor has towards a project (`identity-and-projects.md` §3.2, §4)."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeVar

from astakos.events.event import Actor
from astakos.projects.refusals import RefusalKind
from astakos.projects.transitions import Check


class Role(StrEnum):
    """What an actor can be, in the words of the documentation."""

    ADMINISTRATOR = "a project administrator"
    OWNER = "the owner"
    APPLICANT = "the applicant"
    MEMBER = "the member"


class Parties(NamedTuple):
    """The users that roles belong to, by uuid. None stands for nobody: system projects have no owner."""

    owner: str | None = None
    applicant: str | None = None
    member: str | None = None


class Judged(Protocol):
    """Facts by which an actor is judged."""

    @property
    def actor(self) -> Actor:
        """Who causes the change."""
        ...

    @property
    def parties(self) -> Parties:
        """Whom the change concerns."""
        ...


JudgedFacts = TypeVar("JudgedFacts", bound=Judged)


def has_role(actor: Actor, role: Role, parties: Parties) -> bool:
    """Returns whether an actor has a role. Operators and the service itself act as project administrators."""
    if role is Role.ADMINISTRATOR:
        return actor.is_project_admin
    holders = {Role.OWNER: parties.owner, Role.APPLICANT: parties.applicant, Role.MEMBER: parties.member}
    return actor.user is not None and actor.user == holders[role]


def has_any_role(actor: Actor, roles: Sequence[Role], parties: Parties) -> bool:
    """Returns whether an actor has at least one of the roles."""
    return any(has_role(actor, role, parties) for role in roles)


def in_words(roles: Sequence[Role]) -> str:
    """Returns the roles as an enumeration."""
    return " or ".join(roles)


def only(kind: type[JudgedFacts], *roles: Role) -> Check[JudgedFacts]:
    """Returns the check that the actor has one of the roles; otherwise the change is forbidden.

    Args:
        kind: the type of the facts.
        roles: the roles.
    """
    del kind  # Tells the type of the check.
    names = in_words(roles)
    return Check(
        says=f"the caller is {names}",
        holds=lambda facts: has_any_role(facts.actor, roles, facts.parties),
        kind=RefusalKind.FORBIDDEN,
        message=lambda _: f"only {names} may do this",
    )
