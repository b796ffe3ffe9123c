"""Types of the JSON responses, for editors and type checkers; at run time these are plain dicts and lists.

A key is `NotRequired` if only some servers send it.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

# Users


class UserInfo(TypedDict):
    """The holder of a token; see `get_user_info`.

    ``auth_token_created`` and ``auth_token_expires`` are in milliseconds since the Unix epoch;
    ``auth_token_expires`` is None for a token that does not expire. ``key`` is the prefix of the key that was
    sent in place of a token.
    """

    id: int
    username: str
    uuid: str
    email: list[str]
    name: str
    groups: list[str]
    auth_token: str | None
    auth_token_created: int
    auth_token_expires: int | None
    key: NotRequired[str]


class Role(TypedDict):
    """A group that the user belongs to."""

    id: str
    name: str


class Tenant(TypedDict):
    """The tenant of a token: the user, or the user's default project."""

    id: str | None
    name: str


class TokenInfo(TypedDict):
    """A token; ``expires`` is an ISO 8601 time, or None for a token that does not expire.

    ``key`` is the prefix of the key that was sent in place of a token.
    """

    id: str
    expires: str | None
    tenant: Tenant
    key: NotRequired[str]


class AccessUser(TypedDict):
    """The holder of a token, in OpenStack's format. ``id`` and ``projects`` are UUIDs."""

    id: str
    name: str
    roles: list[Role]
    roles_links: list[Any]
    projects: NotRequired[list[str]]


Endpoint: TypeAlias = dict[str, str | None]
"""An endpoint of a service: ``publicURL``, ``versionId``, ``region``, ``SNF:uiURL`` and other keys."""


class CatalogService(TypedDict):
    """A service in the service catalog."""

    name: str
    type: str
    endpoints: list[Endpoint]
    endpoints_links: list[Any]


class Access(TypedDict):
    """The service catalog and, if the request contained a token, the token and its holder."""

    serviceCatalog: NotRequired[list[CatalogService]]
    token: NotRequired[TokenInfo]
    user: NotRequired[AccessUser]


class Endpoints(TypedDict):
    """The result of `get_endpoints`; pass it to `parse_endpoints` to find an endpoint."""

    access: Access


# Services and resources


class Cloudbar(TypedDict):
    """How to show a service in the navigation bar that all services share."""

    show: bool
    title: str


class Dashboard(TypedDict):
    """How to show a service on the user's start page."""

    show: bool
    order: int
    description: str


class Service(TypedDict):
    """A registered service, for menus; operators can add keys."""

    name: str
    url: str | None
    order: int
    verbose_name: str
    cloudbar: Cloudbar
    dashboard: Dashboard


class Resource(TypedDict):
    """A resource that quotas limit, for example ``cyclades.vm``.

    ``scale`` is how many digits after the point amounts in the ``unit`` have, if they have any: with 6, a
    quantity of 12500000 is 12.5. See :mod:`astakosclient.pricing`. ``max_debt`` is by how much a settlement
    with the policy ``debt`` may take usage beyond a limit, if that has a bound. With ``shadow``, its limits
    refuse nothing, and only report what they would refuse.
    """

    service: str
    description: str | None
    unit: str | None
    scale: NotRequired[int]
    max_debt: NotRequired[int]
    shadow: NotRequired[bool]
    ui_visible: NotRequired[bool]
    api_visible: NotRequired[bool]
    allow_in_projects: NotRequired[bool]


# Quotas


class Grant(TypedDict):
    """An amount that is used when the limits of periods leave no room. Times are in ISO 8601.

    ``id`` is None for what a period has left over for the next one. ``left`` can still be used until the
    grant ``expires`` (None if it does not), and from when it ``starts``. It stands in for the limits that it
    ``lifts``.
    """

    id: int | None
    amount: int
    left: int
    starts: str
    expires: str | None
    priority: int
    note: str
    lifts: list[str]


class OwnGrant(Grant):
    """A grant of the user, whatever has become of it."""

    project: str
    resource: str
    state: Literal["open", "future", "used", "expired", "revoked"]


class Quota(TypedDict):
    """A user's quota of one resource from one source.

    ``usage`` includes ``pending``, the quantity in pending commissions. The ``project_…`` keys hold the
    same numbers for the source project; servers before 0.16 omit them.

    Only resources that limit what is used in a time, such as ``llm.tokens/month``, have the ``period`` in
    words, and say when it ``resets`` (ISO 8601; None if there is nothing to wait for). ``grants`` are in the
    order in which they are used; they are missing if there are none.
    """

    limit: int
    usage: int
    pending: int
    project_limit: NotRequired[int]
    project_usage: NotRequired[int]
    project_pending: NotRequired[int]
    period: NotRequired[str]
    resets: NotRequired[str | None]
    grants: NotRequired[list[Grant]]
    project_grants: NotRequired[list[Grant]]


class ProjectQuota(TypedDict):
    """A project's quota of one resource; the keys mean the same as in `Quota`."""

    project_limit: int
    project_usage: int
    project_pending: int
    period: NotRequired[str]
    resets: NotRequired[str | None]
    project_grants: NotRequired[list[Grant]]


Quotas: TypeAlias = dict[str, dict[str, Quota]]
"""`Quota` by source, then resource."""


class KeyQuota(TypedDict):
    """What an API key may use of one resource; see `Quota`. A ``limit`` of None stands for none."""

    limit: int | None
    usage: int
    pending: int
    period: NotRequired[str]
    resets: NotRequired[str | None]


KeyQuotas: TypeAlias = dict[str, KeyQuota]
"""`KeyQuota` by resource."""

ServiceQuotas: TypeAlias = dict[str, Quotas]
"""`Quota` by user UUID, then source, then resource."""

ServiceProjectQuotas: TypeAlias = dict[str, dict[str, ProjectQuota]]
"""`ProjectQuota` by project UUID, then resource."""


class Period(TypedDict):
    """What was used of a budget in one period: from a project, or with a key (`project` is None then).

    Times are in ISO 8601.
    """

    project: str | None
    start: str
    end: str
    used: int
    is_over: bool


class RecentRefusal(TypedDict):
    """An import that was refused lately, because a holding had no room. ``time`` is in ISO 8601.

    ``charged`` is who was to be charged. ``holder``, ``source`` and ``resource`` name the holding without
    room: that of the user or, with the ``level`` "project", of a project, with "parent", of one above the
    project, or with "key", of the user's key. The resource can be a meter.
    """

    time: str
    component: str
    charged: str
    holder: str
    source: str | None
    resource: str
    level: Literal["key", "user", "project", "parent"]
    requested: int
    available: int
    limit: int


# Commissions


class Provision(TypedDict):
    """A quantity of a resource charged to a holder; negative to release. ``source`` is None for projects."""

    holder: str
    source: str | None
    resource: str
    quantity: int


class Granted(TypedDict):
    """A commission for as much as there was room for."""

    serial: int
    granted: list[Provision]


Overage: TypeAlias = Literal["refuse", "available", "debt"]
"""What happens to the part of a settlement that exceeds what was issued."""


class CommissionInfo(TypedDict):
    """A pending commission. Times are in ISO 8601.

    ``expires`` is set only for commissions with a ``ttl``, and ``key``, a prefix, for those of a key.
    """

    serial: int
    name: str
    issue_time: str
    provisions: list[Provision]
    expires: NotRequired[str]
    key: NotRequired[str]


Fault: TypeAlias = dict[str, dict[str, Any]]
"""An error response, for example ``{"itemNotFound": {"code": 404, "message": "…"}}``."""


class Resolution(TypedDict):
    """The result of `resolve_commissions`: lists of serials; ``failed`` has pairs of serial and fault."""

    accepted: list[int]
    rejected: list[int]
    failed: list[tuple[int, Fault]]


class BulkResult(TypedDict):
    """The result of one commission in a bulk request: its HTTP status, and ``{"serial": 12}`` or a fault.

    For a dry run that would be issued, 200 and ``{"serial": None}``.
    """

    status: int
    body: dict[str, Any]


class BulkResults(TypedDict):
    """The result of `issue_commissions`, in the order of the requests.

    ``done`` is False if ``all_or_none`` was set and the server refused a commission; it then issued none.
    """

    done: bool
    results: list[BulkResult]


class HistoryEntry(TypedDict):
    """One provision of a resolved commission; see `get_commission_history`.

    ``settled`` is the part of ``quantity`` that took effect. ``limit``, ``usage_min`` and ``usage_max``
    describe the holding afterwards. Times are in ISO 8601. ``key`` is the prefix of the key that the
    commission was issued for, if it was for one.
    """

    serial: int
    component: str
    name: str
    issue_time: str
    log_time: str
    outcome: Literal["ACCEPT", "REJECT", "EXPIRED"]
    holder: str
    source: str | None
    resource: str
    quantity: int
    settled: int
    limit: int
    usage_min: int
    usage_max: int
    key: NotRequired[str]


class HistoryPage(TypedDict):
    """A page of the history. ``next`` is the cursor of the next page, or None on the last page."""

    history: list[HistoryEntry]
    next: str | None


class Drift(TypedDict):
    """A holding compared with its actual usage; see `reconcile`.

    ``settled`` is ``usage`` without pending quantities; ``drift`` is ``settled - actual``.
    """

    holder: str
    source: str | None
    resource: str
    limit: int
    usage: int
    pending: int
    settled: int
    actual: int
    drift: int


class Reconciliation(TypedDict):
    """The result of `reconcile`. ``serial`` is the correcting commission, or None without a correction."""

    holdings: list[Drift]
    missing: list[dict[str, Any]]
    drifting: int
    serial: int | None


# Projects

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
    from, ``command`` or ``service``; None hides the address of somebody else. ``project`` and ``user`` are
    what the event is about. ``before`` and ``after`` are the values that changed. ``hash`` depends on this
    event and on all before it.
    """

    number: int
    time: str
    kind: str
    actor: str | None
    origin: str | None
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
    """The IDs of a project and of the application to create or modify it."""

    id: str
    application: int


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


class Key(TypedDict):
    """An API key, without its secret. Times are in ISO 8601.

    ``prefix`` is what the key begins with, by which calls name it. None stands for no limit (``services``,
    ``calls``, ``networks``), for all projects of the user (``project``), for never (``expires``,
    ``last_used``), and for an operator (``creator``, otherwise a UUID). ``last_used`` is exact to a minute.
    ``limits`` are those of resources, by name.
    """

    prefix: str
    name: str
    state: Literal["valid", "expired"]
    project: str | None
    services: list[str] | None
    calls: list[str] | None
    networks: list[str] | None
    created: str
    expires: str | None
    last_used: str | None
    creator: str | None
    limits: dict[str, int]


class NewKey(Key):
    """A key that was just made or rotated; ``key`` is shown only here."""

    key: str


class Introspection(TypedDict):
    """What a server knows about a token (RFC 7662). All it says of an invalid one: it is not ``active``.

    ``sub`` is the user's UUID, ``exp`` and ``iat`` are in seconds since the Unix epoch. ``key`` is the prefix
    of a key. ``projects`` are the UUIDs of the projects that the holder can draw from, ``tenant`` is their
    default. OAuth2 access tokens have ``client_id`` and ``scope``, and neither roles nor projects.
    """

    active: bool
    token_type: NotRequired[str]
    iss: NotRequired[str]
    sub: NotRequired[str]
    username: NotRequired[str]
    name: NotRequired[str]
    exp: NotRequired[int]
    iat: NotRequired[int]
    roles: NotRequired[list[str]]
    projects: NotRequired[list[str]]
    tenant: NotRequired[str]
    key: NotRequired[str]
    client_id: NotRequired[str]
    scope: NotRequired[str]


class OAuth2Token(TypedDict):
    """An OAuth2 access token; ``expires_in`` is in seconds."""

    access_token: str
    token_type: str
    expires_in: NotRequired[int]
    scope: NotRequired[str]
    state: NotRequired[str]
