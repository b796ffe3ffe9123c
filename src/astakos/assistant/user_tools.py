"""The tools for users: their own quotas, history and refusals. All of them only read."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from astakos.assistant import figures
from astakos.assistant.arguments import (
    Cursor,
    HistoryLimit,
    Instant,
    Outcome,
    Percent,
    Project,
    RefusalLimit,
    ResourceName,
)
from astakos.assistant.callers import Callers, worded
from astakos.assistant.results import Charge, Fit, History, NearLimits, QuotaRow, QuotaRows, Refusal, Refusals

Quantity = Annotated[
    int, Field(strict=True, ge=1, le=figures.UNLIMITED, description="How much of it: an integer.")
]


class UserTools:
    """What a user can ask."""

    def __init__(self, callers: Callers) -> None:
        """Sets who calls."""
        self._callers = callers

    async def get_quotas(
        self, context: Context[Any, Any], project: Project = None, resource: ResourceName = None
    ) -> QuotaRows:
        """Read your quotas: limits, usage, what is reserved (pending) and what is available.

        One row for each project and resource. A resource with a slash, such as llm.tokens/month, is a limit
        on how much of llm.tokens can be spent in a time.
        """
        return figures.bounded(figures.selected(await self._rows(context), project, resource))

    async def near_limits(self, context: Context[Any, Any], percent: Percent = 80) -> NearLimits:
        """List your limits, and those of your projects, of which at least so many percent are used."""
        return figures.near_limits(await self._rows(context), percent)

    async def _rows(self, context: Context[Any, Any]) -> list[QuotaRow]:
        caller = self._callers.bound(context)
        async with worded():
            quotas = await caller.get_quotas()
            return list(figures.rows_of(quotas, await self._callers.client.get_resources()))

    async def get_history(
        self,
        context: Context[Any, Any],
        resource: ResourceName = None,
        since: Instant = None,
        until: Instant = None,
        outcome: Outcome = None,
        limit: HistoryLimit = 50,
        cursor: Cursor = None,
    ) -> History:
        """Read what you were charged, the newest first: commissions accepted, rejected or expired."""
        caller = self._callers.bound(context)
        async with worded():
            page = await caller.get_commission_history(
                resource=resource, since=since, until=until, outcome=outcome, limit=limit, cursor=cursor
            )
            charges = [Charge.model_validate(entry) for entry in page["history"]]
            return History(charges=charges, next_cursor=page["next"])

    async def recent_refusals(self, context: Context[Any, Any], limit: RefusalLimit = 20) -> Refusals:
        """List what was refused to you lately for want of room, the newest first: which limit, and whose.

        Only what Astakos remembers since it started.
        """
        caller = self._callers.bound(context)
        async with worded():
            found = await caller.get_refusals(limit=limit)
            return Refusals(refusals=[Refusal.model_validate(one) for one in found])

    async def would_it_fit(
        self, context: Context[Any, Any], resource: str, quantity: Quantity, project: Project = None
    ) -> Fit:
        """Ask whether you could be charged a quantity of a resource now. Charges nothing, reserves nothing.

        Judged by the figures of your quotas, without those of projects above yours, which you cannot see. By
        default for your own project. "perhaps" means that it depends on how grants are used.
        """
        caller = self._callers.bound(context)
        async with worded():
            quotas = await caller.get_quotas()
            source = project or (await caller.get_user_info())["uuid"]
            offered = await self._callers.client.get_resources()
        if source not in quotas:
            raise ToolError(f"you have no quota from the project {source}; you have from {', '.join(quotas)}")
        if figures.METER in resource or resource not in quotas[source]:
            names = sorted(name for name in quotas[source] if figures.METER not in name)
            raise ToolError(f"there is no resource {resource} to charge; there are {', '.join(names)}")
        shadows = frozenset(name for name, facts in offered.items() if facts.get("shadow"))
        return figures.would_fit(quotas[source], shadows, resource, quantity)
