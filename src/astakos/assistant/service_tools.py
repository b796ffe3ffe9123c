"""The tools for services: their users' quotas, their commissions, and resolving these if that is allowed."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from astakos.assistant import figures
from astakos.assistant.arguments import (
    LONGEST_NAME,
    Cursor,
    HistoryLimit,
    Instant,
    Outcome,
    Percent,
    Project,
    RefusalLimit,
    ResourceName,
    Serial,
    Users,
    Uuid,
)
from astakos.assistant.callers import Callers, worded
from astakos.assistant.results import (
    Charge,
    Fit,
    History,
    NearLimits,
    PendingCommission,
    PendingCommissions,
    QuotaRow,
    QuotaRows,
    Refusal,
    Refusals,
    Resolved,
)
from astakosclient.answer_types import CommissionInfo
from astakosclient.async_client import AsyncBoundClient
from astakosclient.errors import NotFound, QuotaLimit

DRY_RUN = "dry-run"
OWN_PROJECT = "system"
PAGE = 100
"""How many pending commissions a call looks at."""
AT_ONCE = 10
"""How many of them it reads at the same time."""

NamedUsers = Annotated[list[Uuid], Field(min_length=1, max_length=100, description="UUIDs of users.")]
Holder = Annotated[Uuid, Field(max_length=LONGEST_NAME, description="UUID of the user to charge.")]
Source = Annotated[
    str,
    Field(max_length=LONGEST_NAME, description="UUID of a project; `system` for the user's own project."),
]
Quantities = Annotated[
    dict[str, int],
    Field(min_length=1, max_length=100, description="Quantity by resource; negative to release."),
]
Age = Annotated[int, Field(strict=True, ge=0, description="In seconds.")]
After = Annotated[int | None, Field(strict=True, ge=1, description="The `next_after` of the answer before.")]
Party = Annotated[
    str | None,
    Field(max_length=LONGEST_NAME, description="user:<uuid> or project:<uuid>; by default all."),
]


class ServiceTools:
    """What a service can ask, and do."""

    def __init__(self, callers: Callers) -> None:
        """Sets who calls."""
        self._callers = callers

    async def get_quotas(
        self,
        context: Context[Any, Any],
        users: NamedUsers,
        project: Project = None,
        resource: ResourceName = None,
    ) -> QuotaRows:
        """Read users' quotas of your resources: limits, usage, what is reserved (pending), what is available.

        One row for each user, project and resource. A resource with a slash, such as llm.tokens/month, is a
        limit on how much of llm.tokens can be spent in a time.
        """
        return figures.bounded(figures.selected(await self._rows(context, users), project, resource))

    async def near_limits(
        self, context: Context[Any, Any], percent: Percent = 80, users: Users = None
    ) -> NearLimits:
        """List users' and projects' limits of your resources of which at least so many percent are used.

        Without `users`, this reads the quotas of all users.
        """
        return figures.near_limits(await self._rows(context, users), percent)

    async def _rows(self, context: Context[Any, Any], users: list[str] | None) -> list[QuotaRow]:
        caller = self._callers.bound(context)
        async with worded():
            found = await caller.service_get_quotas(users)
            offered = await self._callers.client.get_resources()
            return [
                row for user, quotas in found.items() for row in figures.rows_of(quotas, offered, user=user)
            ]

    async def get_history(
        self,
        context: Context[Any, Any],
        holder: Party = None,
        source: Party = None,
        resource: ResourceName = None,
        since: Instant = None,
        until: Instant = None,
        outcome: Outcome = None,
        limit: HistoryLimit = 50,
        cursor: Cursor = None,
    ) -> History:
        """Read your resolved commissions, the newest first: accepted, rejected or expired."""
        caller = self._callers.bound(context)
        async with worded():
            page = await caller.get_commission_history(
                holder=holder,
                source=source,
                resource=resource,
                since=since,
                until=until,
                outcome=outcome,
                limit=limit,
                cursor=cursor,
            )
            charges = [Charge.model_validate(entry) for entry in page["history"]]
            return History(charges=charges, next_cursor=page["next"])

    async def recent_refusals(
        self, context: Context[Any, Any], users: Users = None, limit: RefusalLimit = 20
    ) -> Refusals:
        """List what was refused of your resources lately for want of room, the newest first.

        Only what Astakos remembers since it started.
        """
        caller = self._callers.bound(context)
        async with worded():
            found = await caller.service_get_refusals(users, limit=limit)
            return Refusals(refusals=[Refusal.model_validate(one) for one in found])

    async def pending_commissions(
        self, context: Context[Any, Any], older_than: Age = 3600, after: After = None
    ) -> PendingCommissions:
        """List your pending commissions that were issued more than `older_than` seconds ago, oldest first.

        These may be stuck: their quantities stay reserved until they are accepted or rejected, or expire. A
        call looks at 100 pending commissions; `next_after` says where to go on.
        """
        caller = self._callers.bound(context)
        async with worded():
            serials = await caller.get_pending_commissions(after=after, limit=PAGE)
            found = await _pending(caller, serials)
            now = datetime.now(UTC)
            commissions = [_told(info, _age(info, now)) for info in found if _age(info, now) >= older_than]
        has_more = len(serials) >= PAGE
        return PendingCommissions(commissions=commissions, next_after=serials[-1] if has_more else None)

    async def would_it_fit(
        self, context: Context[Any, Any], holder: Holder, quantities: Quantities, source: Source = OWN_PROJECT
    ) -> Fit:
        """Ask whether a commission would be issued now. Charges nothing, reserves nothing.

        The ledger itself answers, for all limits that count: of the user, the project and those above.
        """
        caller = self._callers.bound(context)
        request = {"provisions": _provisions(holder, source, quantities)}
        async with worded():
            await self._require_dry_run(caller)
            try:
                await caller.check_commission(request)
            except QuotaLimit as refusal:
                return _refused(refusal)
        return Fit(answer="yes", why="there is room for all of it")

    async def _require_dry_run(self, caller: AsyncBoundClient) -> None:
        """Makes sure that a question stays one: a server that does not know them would issue."""
        server = self._callers.client._conversations.server  # noqa: SLF001 - the client has no question for it
        if not server.is_known:
            await caller.get_pending_commissions(limit=1)
        if not server.supports(DRY_RUN):
            raise ToolError("this Astakos cannot say what would fit without issuing it")

    async def accept_commission(self, context: Context[Any, Any], serial: Serial) -> Resolved:
        """Accept one of your pending commissions: its quantities are charged for good.

        This cannot be undone. Do it only if what was reserved is in use.
        """
        caller = self._callers.bound(context)
        async with worded():
            await caller.accept_commission(serial)
        return Resolved(serial=serial, outcome="accepted")

    async def reject_commission(self, context: Context[Any, Any], serial: Serial) -> Resolved:
        """Reject one of your pending commissions: what it reserved is free again, and nothing is charged.

        This cannot be undone. Do it only if what was reserved is not in use.
        """
        caller = self._callers.bound(context)
        async with worded():
            await caller.reject_commission(serial)
        return Resolved(serial=serial, outcome="rejected")


def _provisions(holder: str, source: str, quantities: Mapping[str, int]) -> list[dict[str, object]]:
    return [
        {"holder": holder, "source": source, "resource": resource, "quantity": quantity}
        for resource, quantity in quantities.items()
    ]


async def _pending(caller: AsyncBoundClient, serials: list[int]) -> list[CommissionInfo]:
    """Reads commissions, without those that have been resolved meanwhile."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def read(serial: int) -> CommissionInfo | None:
        async with turns:
            try:
                return await caller.get_commission_info(serial)
            except NotFound:
                return None

    found = await asyncio.gather(*map(read, serials))
    return [info for info in found if info is not None]


def _age(info: CommissionInfo, now: datetime) -> int:
    return max(0, int((now - datetime.fromisoformat(info["issue_time"])).total_seconds()))


def _told(info: CommissionInfo, age: int) -> PendingCommission:
    return PendingCommission.model_validate({**info, "age_seconds": age})


def _refused(refusal: QuotaLimit) -> Fit:
    why = refusal.details
    if refusal.project_state:
        whose = "parent of the project" if refusal.level == "parent" else "project"
        why += f" The {whose} is {refusal.project_state}."
    return Fit.model_validate(
        {
            "answer": "no",
            "why": why,
            "resource": refusal.resource,
            "level": refusal.level,
            "limit": refusal.limit,
            "available": refusal.available,
            "resets": refusal.resets,
        }
    )
