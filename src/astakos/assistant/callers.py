"""Who asks: a user or a service, by their token; and how Astakos's refusals are told to them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from enum import Enum
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

from astakosclient.async_client import AsyncAstakosClient, AsyncBoundClient
from astakosclient.errors import (
    AstakosClientException,
    BadValue,
    ConnectionError,  # noqa: A004 - the documented name
    Forbidden,
    Unauthorized,
)

KEY_PREFIX = "astk_"
"""What the keys of users begin with (`docs/keys.md`)."""
LONGEST_TOKEN = 4096
TOOL_SECONDS = 40.0
"""How long a tool may take with all its calls; each has a limit of its own."""
SCHEME = "bearer"


class Kind(Enum):
    """Whose token it is; the value is the plural, for people."""

    USER = "users"
    SERVICE = "services"


class Callers:
    """Binds the client to the token of whoever calls a tool."""

    def __init__(self, client: AsyncAstakosClient, token: str | None) -> None:
        """Sets whose token counts.

        Args:
            client: the client of the service.
            token: the only caller's; None if each request brings its own in the header Authorization.
        """
        self.client = client
        self._token = token

    def __repr__(self) -> str:
        """Shows no token."""
        return f"<Callers of {self.client!r}>"

    def bound(self, context: Context[Any, Any]) -> AsyncBoundClient:
        """Returns a client with the token of the call in progress.

        Raises:
            ToolError: the request brings none.
        """
        token = self._token or bearer_of(context.headers or {})
        if token is None:
            raise ToolError("a key is required, in the header Authorization: Bearer <key>")
        return self.client.bind(token)


def bearer_of(headers: Mapping[str, str]) -> str | None:
    """Returns the token in the header Authorization; None if there is none that could be one."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip(" ")
    is_one = 0 < len(token) <= LONGEST_TOKEN and all("!" <= character <= "~" for character in token)
    return token if scheme.lower() == SCHEME and is_one else None


async def kind_of(client: AsyncAstakosClient, token: str) -> Kind:
    """Returns whose token it is. Keys are users' without a question: they may be limited to few calls.

    Raises:
        Unauthorized: it is neither a user's nor a service's.
        AstakosClientException: Astakos could not be asked.
    """
    if token.startswith(KEY_PREFIX):
        return Kind.USER
    try:
        await client.get_pending_commissions(token, limit=1)
    except (Unauthorized, Forbidden):
        await client.get_user_info(token)
        return Kind.USER
    return Kind.SERVICE


@contextlib.asynccontextmanager
async def worded() -> AsyncIterator[None]:
    """Tells failures of calls as errors of the tool: in words, in time, without a traceback or a token."""
    try:
        async with asyncio.timeout(TOOL_SECONDS):
            yield
    except TimeoutError as error:
        raise ToolError(f"Astakos has not answered all questions within {TOOL_SECONDS:g} s") from error
    except AstakosClientException as error:
        raise ToolError(words_for(error)) from error
    except (LookupError, TypeError, AttributeError) as error:
        raise ToolError("the answer of Astakos cannot be read: is it the right URL?") from error


def words_for(error: AstakosClientException) -> str:
    """Returns what went wrong, in one line."""
    match error:
        case Unauthorized():
            return f"Astakos does not accept the token: {error}"
        case Forbidden():
            return f"the token is not allowed to do this: {error}"
        case ConnectionError():
            return f"Astakos cannot be asked now: {error}"
        case BadValue():
            return f"an argument is wrong: {error}"
        case _:
            return str(error)
