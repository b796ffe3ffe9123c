"""Projects, their members and invitations, and what happened to them."""

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

ProjectState: TypeAlias = Literal["uninitialized", "active", "suspended", "terminated", "deleted"]
ApplicationState: TypeAlias = Literal["pending", "approved", "denied", "dismissed", "cancelled", "replaced"]
MembershipState: TypeAlias = Literal[
    "requested", "accepted", "leave_requested", "suspended", "rejected", "cancelled", "removed"
]
Policy: TypeAlias = Literal["auto", "moderated", "closed"]
"""Whether users join or leave a project freely, with approval, or not at all."""

ProjectAction: TypeAlias = Literal["suspend", "unsuspend", "terminate", "reinstate"]
ApplicationAction: TypeAlias = Literal["approve", "deny", "dismiss", "cancel"]
InvitationState: TypeAlias = Literal["open", "used_up", "expired"]
MembershipAction: TypeAlias = Literal["leave", "cancel", "accept", "reject", "remove"]


class ProjectResource(TypedDict):
    """Limits of a resource: for the whole project and for each member."""

    project_capacity: int
    member_capacity: int


class Application(TypedDict):
    """A request to create or modify a project; None means that the value does not change."""

    id: int
    state: ApplicationState
    name: str | None
    owner: str | None
    applicant: str
    homepage: str | None
    description: str | None
    start_date: str | None
    end_date: str | None
    comments: str | None
    join_policy: Policy | None
    leave_policy: Policy | None
    max_members: int | None
    private: bool | None
    resources: dict[str, ProjectResource]


class Project(TypedDict):
    """A project. Times are in ISO 8601.

    ``parent`` is the UUID of the project that it is within, if any. Only the owner and project administrators
    see ``last_application`` and ``deactivation_date``, if set.
    """

    id: str
    state: ProjectState
    creation_date: str
    name: str
    owner: str | None
    homepage: str
    description: str
    end_date: str
    join_policy: Policy
    leave_policy: Policy
    max_members: int
    private: bool
    system_project: bool
    resources: dict[str, ProjectResource]
    parent: NotRequired[str]
    last_application: NotRequired[Application]
    deactivation_date: NotRequired[str]


class MemberUsage(TypedDict):
    """What one user uses of one resource of a project; ``state`` is that of the membership."""

    user: str
    state: MembershipState
    resource: str
    usage: int
    pending: int
    limit: int


class ProjectUsage(TypedDict):
    """A page of the usage in a project; ``next`` is the cursor of the next page, or None."""

    usage: list[MemberUsage]
    next: str | None


class AuditEvent(TypedDict):
    """A change that was recorded in the audit log.

    ``number`` counts all events from 1, without gaps. ``actor`` is the UUID of the user who caused the
    change, or None for an operator and for the service itself. ``origin`` is the address that the change came
    from, ``command`` or ``service``; None hides the address of somebody else. ``key`` is the prefix
    of the key that the change was made with; None for a token. ``project`` and ``user`` are
    what the event is about. ``before`` and ``after`` are the values that changed. ``hash`` depends on this
    event and on all before it.
    """

    number: int
    time: str
    kind: str
    actor: str | None
    origin: str | None
    key: str | None
    project: str | None
    user: str | None
    reason: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    hash: str


class EventPage(TypedDict):
    """Events of the audit log, oldest first; ``next`` is the cursor for what follows, even if nothing yet."""

    events: list[AuditEvent]
    next: int


class ProjectApplication(TypedDict):
    """The IDs of a project and of the application to create or modify it.

    ``warnings`` is there if something about it is probably not meant, such as a limit that can never be used.
    """

    id: str
    application: int
    warnings: NotRequired[list[str]]


class Membership(TypedDict):
    """A user's membership in a project.

    ``allowed_actions`` are the actions open to the caller. The optional keys hold the ISO 8601 time when
    the membership entered that state.
    """

    id: int
    user: str
    project: str
    state: MembershipState
    allowed_actions: list[MembershipAction]
    requested: NotRequired[str]
    accepted: NotRequired[str]
    leave_requested: NotRequired[str]
    suspended: NotRequired[str]
    rejected: NotRequired[str]
    cancelled: NotRequired[str]
    removed: NotRequired[str]


class Invitation(TypedDict):
    """An invitation to a project. ``creator`` is a user's UUID, or None for an operator."""

    id: int
    project: str
    state: InvitationState
    max_uses: int
    uses: int
    created: str
    expires: str
    creator: str | None


class NewInvitation(Invitation):
    """A new invitation. ``invitation`` is its code, which the server does not know any more afterwards."""

    invitation: str


class Identified(TypedDict):
    """The ID of a new object."""

    id: int
