"""From the figures of quotas to what assistants are told about them: pure functions."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Literal

from astakos.assistant.results import MOST_ROWS, Fit, NearLimit, NearLimits, QuotaRow, QuotaRows
from astakosclient.answer_types import Quota, Quotas, Resource

UNLIMITED = 2**63 - 1
METER = "/"
"""Separates the name of a meter from that of the resource that it counts."""


def rows_of(
    quotas: Quotas, offered: Mapping[str, Resource], *, user: str | None = None
) -> Iterator[QuotaRow]:
    """Yields a row for each project and resource."""
    for project, resources in quotas.items():
        for resource, quota in resources.items():
            facts: Mapping[str, Any] = offered.get(resource, {})
            yield QuotaRow(
                user=user,
                project=project,
                resource=resource,
                limit=_limit(quota["limit"]),
                usage=quota["usage"],
                pending=quota["pending"],
                available=_available(quota["limit"], quota["usage"]),
                period=quota.get("period"),
                resets=quota.get("resets"),
                granted=_granted(quota),
                unit=facts.get("unit"),
                scale=facts.get("scale", 0),
                **_of_project(quota),
            )


def _of_project(quota: Quota) -> dict[str, int | None]:
    if "project_limit" not in quota:
        return {}
    limit, usage = quota["project_limit"], quota["project_usage"]
    return {
        "project_limit": _limit(limit),
        "project_usage": usage,
        "project_pending": quota["project_pending"],
        "project_available": _available(limit, usage),
    }


def _limit(limit: int) -> int | None:
    return None if limit >= UNLIMITED else limit


def _available(limit: int, usage: int) -> int | None:
    return None if limit >= UNLIMITED else max(0, limit - usage)


def _granted(quota: Quota) -> int | None:
    grants = quota.get("grants")
    return None if grants is None else sum(grant["left"] for grant in grants)


def selected(rows: Iterable[QuotaRow], project: str | None, resource: str | None) -> list[QuotaRow]:
    """Returns the rows of a project and of a resource with its meters; None for all."""
    return [
        row
        for row in rows
        if project in (None, row.project) and (resource is None or _concerns(row.resource, resource))
    ]


def _concerns(name: str, resource: str) -> bool:
    return name == resource or name.startswith(resource + METER)


def bounded(rows: list[QuotaRow]) -> QuotaRows:
    """Returns as many rows as an answer may have."""
    return QuotaRows(quotas=rows[:MOST_ROWS], left_out=max(0, len(rows) - MOST_ROWS))


def near_limits(rows: Iterable[QuotaRow], percent: float) -> NearLimits:
    """Returns the limits of which at least this much is used, the fullest first.

    A project's limit appears once, however many of its members are asked about. The limit of a user's own
    project is the user's own.
    """
    found: dict[tuple[str | None, str, str], NearLimit] = {}
    for limit in chain.from_iterable(map(_limits_of, rows)):
        is_near = limit.usage > 0 if limit.percent is None else limit.percent >= percent
        if is_near:
            found[limit.user if limit.level == "user" else limit.level, limit.project, limit.resource] = limit
    fullest = sorted(found.values(), key=_fullness, reverse=True)
    return NearLimits(limits=fullest[:MOST_ROWS], left_out=max(0, len(fullest) - MOST_ROWS))


def _fullness(limit: NearLimit) -> float:
    return float("inf") if limit.percent is None else limit.percent


def _limits_of(row: QuotaRow) -> Iterator[NearLimit]:
    own = (row.limit, row.usage, row.pending)
    shared = (row.project_limit, row.project_usage, row.project_pending)
    yield from _near(row, "user", row.user, *own)
    if shared != own:
        yield from _near(row, "project", None, *shared)


def _near(
    row: QuotaRow,
    level: Literal["user", "project"],
    user: str | None,
    limit: int | None,
    usage: int | None,
    pending: int | None,
) -> Iterator[NearLimit]:
    if limit is not None and usage is not None:
        yield NearLimit(
            user=user,
            project=row.project,
            resource=row.resource,
            level=level,
            limit=limit,
            usage=usage,
            pending=pending or 0,
            percent=round(100 * usage / limit, 2) if limit else None,
            resets=row.resets,
        )


def would_fit(quotas: Mapping[str, Quota], shadows: frozenset[str], resource: str, quantity: int) -> Fit:
    """Judges by the figures of one project whether a user could be charged a quantity now.

    The resource and its meters must have room, at the level of the user and of the project. Where a meter
    has none but grants may make up for it, only the ledger knows: the answer is "perhaps".

    Args:
        quotas: by resource.
        shadows: the resources whose limits refuse nothing.
        resource: what would be charged; not a meter.
        quantity: how much of it, above 0.
    """
    may_be_granted = False
    for name, level, limit, usage, granted in _levels(quotas, resource):
        room = max(0, limit - usage)
        if name in shadows or limit >= UNLIMITED or quantity <= room:
            continue
        if METER in name and quantity <= room + granted:
            may_be_granted = True
            continue
        return Fit(
            answer="no",
            why=f"{name}: available {room + granted}, requested {quantity} (limit of the {level})",
            resource=name,
            level=level,
            limit=limit,
            available=room + granted,
            resets=quotas[name].get("resets"),
        )
    if may_be_granted:
        return Fit(answer="perhaps", why="a limit has no room for it, but grants may make up for that")
    return Fit(answer="yes", why="there is room at the level of the user and of the project")


def _levels(
    quotas: Mapping[str, Quota], resource: str
) -> Iterator[tuple[str, Literal["user", "project"], int, int, int]]:
    """Yields the limits that a charge counts on: name, level, limit, usage, what grants leave beyond it."""
    concerned = {name: quota for name, quota in quotas.items() if _concerns(name, resource)}
    grants = [grant for quota in concerned.values() for grant in quota.get("grants", ())]
    of_project = [grant for quota in concerned.values() for grant in quota.get("project_grants", ())]
    for name, quota in concerned.items():
        own = sum(grant["left"] for grant in grants if name in grant["lifts"])
        yield name, "user", quota["limit"], quota["usage"], own
        if "project_limit" in quota:
            shared = sum(grant["left"] for grant in of_project if name in grant["lifts"])
            yield name, "project", quota["project_limit"], quota["project_usage"], shared
