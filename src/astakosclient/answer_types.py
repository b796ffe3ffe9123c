"""What the service answers, as types for editors and checkers. At run time these are plain dicts and lists.

What only the service of this project sends, or only some servers do, is `NotRequired`.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

# Users


class UserInfo(TypedDict):
    """Who holds a token; see `get_user_info`. The times are milliseconds since the epoch."""

    id: int
    username: str
    uuid: str
    email: list[str]
    name: str
    groups: list[str]
    auth_token: str | None
    auth_token_created: int
    auth_token_expires: int | None


class Role(TypedDict):
    """A group of a user."""

    id: str
    name: str


class Tenant(TypedDict):
    """What a token is for."""

    id: str | None
    name: str


class TokenInfo(TypedDict):
    """A token, and until when it is good (ISO 8601)."""

    id: str
    expires: str | None
    tenant: Tenant


class AccessUser(TypedDict):
    """Who holds a token, as OpenStack says it."""

    id: str
    name: str
    roles: list[Role]
    roles_links: list[Any]
    projects: NotRequired[list[str]]


Endpoint: TypeAlias = dict[str, str | None]
"""One endpoint of a service: ``publicURL``, ``versionId``, ``region``, ``SNF:uiURL`` and more."""


class CatalogService(TypedDict):
    """A service of the catalogue."""

    name: str
    type: str
    endpoints: list[Endpoint]
    endpoints_links: list[Any]


class Access(TypedDict):
    """Who holds a token, and the services they can use; only the latter if there was no token."""

    serviceCatalog: NotRequired[list[CatalogService]]
    token: NotRequired[TokenInfo]
    user: NotRequired[AccessUser]


class Endpoints(TypedDict):
    """What `get_endpoints` answers; `parse_endpoints` picks from it."""

    access: Access


# The service itself


class Cloudbar(TypedDict):
    """How a service is shown in the bar that all services share."""

    show: bool
    title: str


class Dashboard(TypedDict):
    """How a service is shown on the page where users begin."""

    show: bool
    order: int
    description: str


class Service(TypedDict):
    """A registered service, for showing it to people; operators may have added more keys."""

    name: str
    url: str | None
    order: int
    verbose_name: str
    cloudbar: Cloudbar
    dashboard: Dashboard


class Resource(TypedDict):
    """What a quota can be about."""

    service: str
    description: str | None
    unit: str | None
    ui_visible: NotRequired[bool]
    api_visible: NotRequired[bool]
    allow_in_projects: NotRequired[bool]


# Quotas


class Quota(TypedDict):
    """A user's figures of one resource from one source; the project's own as well since 0.16."""

    limit: int
    usage: int
    pending: int
    project_limit: NotRequired[int]
    project_usage: NotRequired[int]
    project_pending: NotRequired[int]


class ProjectQuota(TypedDict):
    """A project's figures of one resource."""

    project_limit: int
    project_usage: int
    project_pending: int


Quotas: TypeAlias = dict[str, dict[str, Quota]]
"""Figures by source and resource."""

ServiceQuotas: TypeAlias = dict[str, Quotas]
"""Figures by user, source and resource."""

ServiceProjectQuotas: TypeAlias = dict[str, dict[str, ProjectQuota]]
"""Figures by project and resource."""


# Commissions


class Provision(TypedDict):
    """A quantity of a resource for a holder, from a source."""

    holder: str
    source: str | None
    resource: str
    quantity: int


class CommissionInfo(TypedDict):
    """A pending commission; the times are ISO 8601."""

    serial: int
    name: str
    issue_time: str
    provisions: list[Provision]
    expires: NotRequired[str]


Fault: TypeAlias = dict[str, dict[str, Any]]
"""Why something was refused: ``{"itemNotFound": {"code": 404, "message": "…"}}``."""


class Resolution(TypedDict):
    """What became of many commissions: serials, and pairs of a serial and a fault."""

    accepted: list[int]
    rejected: list[int]
    failed: list[tuple[int, Fault]]


class BulkResult(TypedDict):
    """What a single call would have answered: ``{"serial": 12}`` or a fault."""

    status: int
    body: dict[str, Any]


class BulkResults(TypedDict):
    """What became of commissions that were issued together."""

    done: bool
    results: list[BulkResult]


class HistoryEntry(TypedDict):
    """What became of one provision of a commission, and the holding's figures after that."""

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


class HistoryPage(TypedDict):
    """A page of the history, and where the next one begins."""

    history: list[HistoryEntry]
    next: str | None


class Drift(TypedDict):
    """A holding of the ledger, beside what is really in use."""

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
    """How far the ledger is off, and the serial of the commission that corrected it."""

    holdings: list[Drift]
    missing: list[dict[str, Any]]
    drifting: int
    serial: int | None


# Projects


class ProjectResource(TypedDict):
    """How much of a resource a project has, and each of its members."""

    project_capacity: int
    member_capacity: int


class Application(TypedDict):
    """What somebody asked for: a new project, or changes of one; None is no change."""

    id: int
    state: str
    name: str | None
    owner: str | None
    applicant: str
    homepage: str | None
    description: str | None
    start_date: str | None
    end_date: str | None
    comments: str | None
    join_policy: str | None
    leave_policy: str | None
    max_members: int | None
    private: bool | None
    resources: dict[str, ProjectResource]


class Project(TypedDict):
    """A project; the last two keys are there for its owner and administrators only, and if there is one."""

    id: str
    state: str
    creation_date: str
    name: str
    owner: str | None
    homepage: str
    description: str
    end_date: str
    join_policy: str
    leave_policy: str
    max_members: int
    private: bool
    system_project: bool
    resources: dict[str, ProjectResource]
    last_application: NotRequired[Application]
    deactivation_date: NotRequired[str]


class ProjectApplication(TypedDict):
    """The ids of a project and of the application that was made for it."""

    id: str
    application: int


class Membership(TypedDict):
    """A user's membership of a project, what the caller may do with it, and when it entered each state."""

    id: int
    user: str
    project: str
    state: str
    allowed_actions: list[str]
    requested: NotRequired[str]
    accepted: NotRequired[str]
    leave_requested: NotRequired[str]
    suspended: NotRequired[str]
    rejected: NotRequired[str]
    cancelled: NotRequired[str]
    removed: NotRequired[str]


class Identified(TypedDict):
    """The id of what was made."""

    id: int


class OAuth2Token(TypedDict):
    """An access token of OAuth2."""

    access_token: str
    token_type: str
    expires_in: NotRequired[int]
    scope: NotRequired[str]
    state: NotRequired[str]
