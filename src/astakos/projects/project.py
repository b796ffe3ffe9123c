"""Projects and memberships as values (`identity-and-projects.md` §3–§4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class ProjectState(StrEnum):
    """The states of a project."""

    UNINITIALIZED = "uninitialized"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"
    DELETED = "deleted"


class Policy(StrEnum):
    """Whether users can join or leave a project: freely, with approval, or not at all."""

    AUTO = "auto"
    MODERATED = "moderated"
    CLOSED = "closed"


ALIVE = (ProjectState.ACTIVE, ProjectState.SUSPENDED)
INITIALIZED = (ProjectState.ACTIVE, ProjectState.SUSPENDED, ProjectState.TERMINATED)


class MembershipState(StrEnum):
    """The states of a membership."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    LEAVE_REQUESTED = "leave_requested"
    SUSPENDED = "suspended"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    REMOVED = "removed"


DRAWING = (MembershipState.ACCEPTED, MembershipState.LEAVE_REQUESTED)
"""Members in these states can draw from an active project."""

ACCEPTED_TYPE = (MembershipState.ACCEPTED, MembershipState.LEAVE_REQUESTED, MembershipState.SUSPENDED)
"""Members in these states take up a place in the project."""

APPLYING = (MembershipState.REQUESTED, MembershipState.REJECTED, MembershipState.CANCELLED)
"""Users in these states have asked to join a project, and are not members."""


class ApplicationState(StrEnum):
    """The states of an application."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    CANCELLED = "cancelled"
    REPLACED = "replaced"
    DISMISSED = "dismissed"


class Capacity(NamedTuple):
    """The limits of a resource: for the whole project, and for each member."""

    project: int
    member: int


@dataclass(frozen=True, slots=True)
class Project:
    """A project's definition.

    Attributes:
        deactivated: when it was last suspended or terminated; None if never, or if that is not known.
        parent: the uuid of the project that it is within; None if it is within none.
    """

    uuid: str
    name: str
    state: ProjectState
    system_project: bool
    owner: str | None
    homepage: str
    description: str
    comments: str
    creation_date: int
    end_date: int
    join_policy: Policy
    leave_policy: Policy
    max_members: int
    private: bool
    deactivated: int | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Membership:
    """A user's membership in a project; once accepted, the user keeps a holding for each resource.

    Attributes:
        user: the uuid of the user.
        entered: when it entered each of its states, in microseconds; None if that does not change.
    """

    user: str
    state: MembershipState
    ever_accepted: bool
    entered: Mapping[MembershipState, int] | None = None


@dataclass(frozen=True, slots=True)
class MembershipRecord:
    """A user's membership in a project, with its history; a user has one in a project at most.

    Attributes:
        id: the number that clients know it by; it stays when the user leaves and comes back.
        user: the uuid of the user.
        project: the uuid of the project.
        entered: when it entered each of its states, in microseconds (`http-api.md` §9).
    """

    id: int
    user: str
    project: str
    state: MembershipState
    entered: Mapping[MembershipState, int]


@dataclass(frozen=True, slots=True)
class Application:
    """A request to create or to change a project (§3.2); None means that the project keeps its value.

    A new one has the number 0 until it is stored.

    Attributes:
        id: the number that clients know it by.
        project: the uuid of the project.
        applicant: the uuid of the user who applied.
        submitted: when, in microseconds.
        resources: the capacities that it sets, by resource; the project keeps all others.
    """

    id: int
    project: str
    applicant: str
    state: ApplicationState
    submitted: int
    name: str | None = None
    owner: str | None = None
    homepage: str | None = None
    description: str | None = None
    comments: str | None = None
    start_date: int | None = None
    end_date: int | None = None
    join_policy: Policy | None = None
    leave_policy: Policy | None = None
    max_members: int | None = None
    private: bool | None = None
    resources: Mapping[str, Capacity] = field(default_factory=dict)

    @property
    def changes(self) -> dict[str, Any]:
        """The fields of the project that it sets, with their values."""
        own = ("name", "owner", "homepage", "description", "comments", "end_date")
        policies = ("join_policy", "leave_policy", "max_members", "private")
        return {name: getattr(self, name) for name in own + policies if getattr(self, name) is not None}
