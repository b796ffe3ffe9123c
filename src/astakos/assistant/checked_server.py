"""A server whose tools refuse arguments that they do not have, and say in plain words which are wrong."""

from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, InputRequiredResult
from pydantic import ValidationError


class CheckedServer(MCPServer[Any]):
    """The server of the protocol's package, which ignores unknown arguments and quotes its validator."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Calls a tool.

        Raises:
            ToolError: The tool does not exist, refuses its arguments, or fails.
        """
        for tool in await self.list_tools():
            known = tool.input_schema.get("properties", {})
            unknown = sorted(set(arguments) - set(known))
            if tool.name == name and unknown:
                raise ToolError(
                    f"{name} has no argument {', '.join(map(repr, unknown))}; "
                    f"it has {', '.join(sorted(known)) or 'none'}"
                )
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(_words(error.__cause__)) from error.__cause__
            raise


def _words(error: ValidationError) -> str:
    told = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in told)
