"""What users, projects and keys may use, and use."""

from typing import Literal, NotRequired, TypeAlias, TypedDict


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
