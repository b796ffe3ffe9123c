"""Projects within projects: which project can be above which, and moving one; the original has none.

The ledger charges what is above a project along with it (`ledger/rules.py`, "Levels").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from astakos.events.event import Actor, Event
from astakos.ledger.counts import MOST_LEVELS
from astakos.projects.project import ALIVE, Project, ProjectState
from astakos.projects.refusals import RefusalKind
from astakos.projects.roles import Parties, Role, only
from astakos.projects.transitions import Check, Transition

MOVED = "project.moved"
"""The kind of event of a project that has another parent, or none any more."""


class NestingAction(StrEnum):
    """What can be done to the place of a project, by the name of the API."""

    MOVE = "move"


class Unchanged(StrEnum):
    """What becomes of the state of the project."""

    STATE = "stays"


@dataclass(frozen=True, slots=True)
class MoveFacts:
    """What decides whether a project can be moved.

    Attributes:
        actor: who moves it.
        project: the project; None if there is none.
        asks_for_parent: whether it shall have a parent.
        parent: that parent; None if there is no such project.
        above: the uuids of the parent and of all projects above it, the nearest first.
        levels: how many levels the project has with those below it; 1 if there are none.
        pending: the name of a resource of which something is pending on the project; None if nothing is.
        no_room: why the projects above have no room for what the project uses; None if they have.
    """

    actor: Actor
    project: Project | None
    asks_for_parent: bool
    parent: Project | None
    above: Sequence[str]
    levels: int
    pending: str | None = None
    no_room: str | None = None

    @property
    def parties(self) -> Parties:
        """The owner of the project."""
        return Parties(owner=self.project.owner if self.project else None)


def why_no_parent(parent: Project | None) -> str | None:
    """Returns why a project cannot be above another one; None if it can."""
    if parent is None:
        return "there is no such project to be the parent; name a shared project by its UUID"
    if parent.system_project:
        return "a system project cannot be a parent; name a shared project"
    if parent.state not in ALIVE:
        return f"the parent is {parent.state}; it must be active or suspended"
    return None


def why_too_deep(above: Sequence[str], levels: int) -> str | None:
    """Returns why a project with so many levels cannot be below these; None if it can."""
    if len(above) + levels <= MOST_LEVELS:
        return None
    return (
        f"projects can be at most {MOST_LEVELS} deep, and there would be {len(above) + levels}; "
        "choose a parent further up"
    )


EXISTING = Check[MoveFacts](
    "the project exists",
    lambda facts: facts.project is not None,
    RefusalKind.NOT_FOUND,
    lambda _: "there is no such project",
)
NO_SYSTEM_PROJECT = Check[MoveFacts](
    "the project is no system project",
    lambda facts: facts.project is not None and not facts.project.system_project,
    RefusalKind.CONFLICT,
    lambda _: "a system project belongs to its user, and cannot be within another project",
)
NOT_DELETED = Check[MoveFacts](
    "the project is not deleted",
    lambda facts: facts.project is not None and facts.project.state is not ProjectState.DELETED,
    RefusalKind.CONFLICT,
    lambda _: "the project is deleted",
)
CAN_BE_PARENT = Check[MoveFacts](
    "the new parent, if there is to be one, is an active or suspended project, and no system project",
    lambda facts: not facts.asks_for_parent or why_no_parent(facts.parent) is None,
    RefusalKind.CONFLICT,
    lambda facts: why_no_parent(facts.parent) or "",
)
NO_CIRCLE = Check[MoveFacts](
    "the new parent is neither the project nor below it",
    lambda facts: facts.project is not None and facts.project.uuid not in facts.above,
    RefusalKind.CONFLICT,
    lambda _: "the parent is the project itself or below it, which would make a circle; name another",
)
NOT_TOO_DEEP = Check[MoveFacts](
    f"there are at most {MOST_LEVELS} levels",
    lambda facts: why_too_deep(facts.above, facts.levels) is None,
    RefusalKind.CONFLICT,
    lambda facts: why_too_deep(facts.above, facts.levels) or "",
)
SOMEWHERE_ELSE = Check[MoveFacts](
    "the project is not there already",
    lambda facts: facts.project is not None and facts.project.parent != _parent(facts),
    RefusalKind.CONFLICT,
    lambda facts: "the project is there already" if facts.asks_for_parent else "the project has no parent",
)
NOTHING_PENDING = Check[MoveFacts](
    "nothing is pending on the project or on those below it",
    lambda facts: facts.pending is None,
    RefusalKind.CONFLICT,
    lambda facts: (
        f"commissions of {facts.pending} are pending on the project; it can be moved when they have been "
        "accepted or rejected"
    ),
)
HAS_ROOM = Check[MoveFacts](
    "the projects above it, there and where it was, have room for what is then used below them, unless the "
    "request has `force`",
    lambda facts: facts.no_room is None,
    RefusalKind.CONFLICT,
    lambda facts: facts.no_room or "",
)


def _parent(facts: MoveFacts) -> str | None:
    return facts.parent.uuid if facts.parent else None


TO_WHEREVER = [EXISTING, only(MoveFacts, Role.ADMINISTRATOR), NO_SYSTEM_PROJECT, NOT_DELETED]
"""The checks that do not depend on the new parent. If they hold, it makes sense to ask for one."""

MOVE: Transition[MoveFacts, Unchanged] = Transition(
    NestingAction.MOVE,
    [
        *TO_WHEREVER,
        CAN_BE_PARENT,
        NO_CIRCLE,
        NOT_TOO_DEEP,
        SOMEWHERE_ELSE,
        NOTHING_PENDING,
        HAS_ROOM,
    ],
    Unchanged.STATE,
    [
        "what the project uses leaves those that are no longer above it, and enters those that come above it",
        "each of these whose usage changes has at least what is used directly below it",
        "what was counted on meters stays where it was spent",
    ],
)


def moved(actor: Actor, before: Project, parent: str | None, reason: str) -> Event:
    """Returns the event of a project that has another parent.

    Args:
        actor: who moved it.
        before: the project before.
        parent: the uuid of the new parent; None if there is none.
        reason: why, in the actor's words.
    """
    return Event(
        MOVED, actor, before.uuid, reason=reason, before={"parent": before.parent}, after={"parent": parent}
    )
