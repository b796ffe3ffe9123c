"""Handing a project over to another owner, as a table of checks; the original cannot do that."""

from dataclasses import dataclass
from enum import StrEnum

from astakos.directory.entities import User
from astakos.events.event import Actor, Event
from astakos.projects.project import ALIVE, Project
from astakos.projects.refusals import INACTIVE_OWNER, RefusalKind
from astakos.projects.roles import Parties, Role, only
from astakos.projects.transitions import Check, Transition

HANDED_OVER = "project.handed_over"
"""The kind of event. Its subject is the new owner."""


class OwnershipAction(StrEnum):
    """What can be done to the ownership of a project, by the name of the API."""

    HANDOVER = "handover"


class Unchanged(StrEnum):
    """What becomes of the state of the project."""

    STATE = "stays"


@dataclass(frozen=True, slots=True)
class HandoverFacts:
    """What decides whether a project can be handed over.

    Attributes:
        actor: who hands it over.
        project: the project; None if there is none.
        successor: the user who shall own it; None if there is none.
    """

    actor: Actor
    project: Project | None
    successor: User | None

    @property
    def parties(self) -> Parties:
        """The present owner of the project."""
        return Parties(owner=self.project.owner if self.project else None)


EXISTING = Check[HandoverFacts](
    "the project exists",
    lambda facts: facts.project is not None,
    RefusalKind.NOT_FOUND,
    lambda _: "there is no such project",
)
NO_SYSTEM_PROJECT = Check[HandoverFacts](
    "the project is no system project",
    lambda facts: facts.project is not None and not facts.project.system_project,
    RefusalKind.CONFLICT,
    lambda _: "a system project belongs to its user, and cannot be handed over",
)
RUNNING = Check[HandoverFacts](
    "the project is active or suspended",
    lambda facts: facts.project is not None and facts.project.state in ALIVE,
    RefusalKind.CONFLICT,
    lambda facts: f"the project is {facts.project and facts.project.state}; it must be active or suspended",
)
SUCCESSOR_IS_ACCEPTED = Check[HandoverFacts](
    "the new owner is an accepted user",
    lambda facts: facts.successor is not None and facts.successor.is_accepted,
    RefusalKind.CONFLICT,
    lambda _: "there is no accepted user with this UUID, who could own the project",
)
SUCCESSOR_IS_ACTIVE = Check[HandoverFacts](
    "the new owner is active",
    lambda facts: facts.successor is not None and facts.successor.is_active,
    RefusalKind.CONFLICT,
    lambda _: INACTIVE_OWNER,
)
SUCCESSOR_IS_NEW = Check[HandoverFacts](
    "they do not own it already",
    lambda facts: (
        facts.project is not None
        and facts.successor is not None
        and facts.project.owner != facts.successor.uuid
    ),
    RefusalKind.CONFLICT,
    lambda _: "the user owns the project already",
)

FOR_WHOMEVER = [
    EXISTING,
    only(HandoverFacts, Role.OWNER, Role.ADMINISTRATOR),
    NO_SYSTEM_PROJECT,
    RUNNING,
]
"""The checks that do not depend on the new owner. If they hold, it makes sense to ask for one."""

HANDOVER: Transition[HandoverFacts, Unchanged] = Transition(
    OwnershipAction.HANDOVER,
    [
        *FOR_WHOMEVER,
        SUCCESSOR_IS_ACCEPTED,
        SUCCESSOR_IS_ACTIVE,
        SUCCESSOR_IS_NEW,
    ],
    Unchanged.STATE,
    [
        "the project belongs to the new owner",
        "a pending application that names another owner becomes *cancelled*, and counts no longer",
        "activating the old owner again no longer changes the state of the project",
    ],
)


def handed_over(actor: Actor, before: Project, successor: str, reason: str) -> Event:
    """Returns the event of a project that has another owner.

    Args:
        actor: who handed it over.
        before: the project before.
        successor: the uuid of the new owner.
        reason: why, in the actor's words.
    """
    return Event(
        HANDED_OVER,
        actor,
        before.uuid,
        successor,
        reason,
        {"owner": before.owner},
        {"owner": successor},
    )
