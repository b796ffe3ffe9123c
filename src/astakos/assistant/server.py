"""The servers of the protocol: one for users and one for services, each with its tools."""

from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations

from astakos.assistant.callers import Callers, Kind
from astakos.assistant.checked_server import CheckedServer
from astakos.assistant.service_tools import ServiceTools
from astakos.assistant.user_tools import UserTools

READS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
RESOLVES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
)
INSTRUCTIONS = """\
Astakos keeps the quotas of users and projects. A component charges a user by a commission: first it is \
pending and its quantities are reserved, then it is accepted or rejected. Quantities are integers; where a \
resource has a scale, divide them by ten to that power for amounts in its unit."""


def server_for(kind: Kind, callers: Callers, *, write: bool) -> MCPServer[Any]:
    """Returns a server with the tools for users or for services.

    Args:
        kind: whose tools.
        callers: whose token counts.
        write: also with the tools that accept and reject commissions.
    """
    server = CheckedServer(
        "astakos",
        title=f"Astakos, for {kind.value}",
        instructions=INSTRUCTIONS,
        version=version("astakos"),
        log_level="CRITICAL",
        subscriptions=False,
    )
    for tool, annotations in _tools(kind, callers, write=write):
        server.add_tool(tool, annotations=annotations, structured_output=True)
    return server


def _tools(
    kind: Kind, callers: Callers, *, write: bool
) -> Iterator[tuple[Callable[..., Any], ToolAnnotations]]:
    if kind is Kind.USER:
        user = UserTools(callers)
        yield user.get_quotas, READS
        yield user.near_limits, READS
        yield user.get_history, READS
        yield user.recent_refusals, READS
        yield user.would_it_fit, READS
        return
    service = ServiceTools(callers)
    yield service.get_quotas, READS
    yield service.near_limits, READS
    yield service.get_history, READS
    yield service.recent_refusals, READS
    yield service.pending_commissions, READS
    yield service.would_it_fit, READS
    if write:
        yield service.accept_commission, RESOLVES
        yield service.reject_commission, RESOLVES
