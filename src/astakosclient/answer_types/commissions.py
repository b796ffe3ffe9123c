"""Commissions: how they are issued, settled, listed and reconciled."""

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict


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
