"""Client library for the Astakos identity and quota API."""

from typing import TYPE_CHECKING

from astakosclient import errors
from astakosclient.catalog import parse_endpoints
from astakosclient.cookies import get_token_from_cookie
from astakosclient.core.exchange import Answer, AsyncTransport, Request, Timeout, Transport
from astakosclient.errors import AstakosClientException
from astakosclient.events import Answered, Attempted
from astakosclient.retry import Retry

if TYPE_CHECKING:
    from astakosclient.async_client import AsyncAstakosClient, AsyncBoundClient
    from astakosclient.client import AstakosClient, BoundClient, DocumentedClient
    from astakosclient.commission import Commission
    from astakosclient.http1.aio.async_transport import AsyncHttpTransport
    from astakosclient.http1.sync.transport import HttpTransport
    from astakosclient.lookups.lookups import Lookups
    from astakosclient.v0_16.later_client import LaterClient

    __version__: str

__all__ = [
    "Answer",
    "Answered",
    "AstakosClient",
    "AstakosClientException",
    "AsyncAstakosClient",
    "AsyncBoundClient",
    "AsyncHttpTransport",
    "AsyncTransport",
    "Attempted",
    "BoundClient",
    "Commission",
    "DocumentedClient",
    "HttpTransport",
    "LaterClient",
    "Lookups",
    "Request",
    "Retry",
    "Timeout",
    "Transport",
    "errors",
    "get_token_from_cookie",
    "parse_endpoints",
]

_LOADED_WHEN_USED = {
    "AstakosClient": "astakosclient.client",
    "AsyncAstakosClient": "astakosclient.async_client",
    "AsyncBoundClient": "astakosclient.async_client",
    "AsyncHttpTransport": "astakosclient.http1.aio.async_transport",
    "BoundClient": "astakosclient.client",
    "Commission": "astakosclient.commission",
    "DocumentedClient": "astakosclient.client",
    "HttpTransport": "astakosclient.http1.sync.transport",
    "LaterClient": "astakosclient.v0_16.later_client",
    "Lookups": "astakosclient.lookups.lookups",
}
"""Names that `__getattr__` imports on first use, to keep `import astakosclient` fast.

They load the client, asyncio or threading, or serve only code written for 0.16 to 0.21. Those of the client
are among them because the service and most of its commands import this package for its types alone.
"""


def __dir__() -> list[str]:
    """Lists also what is imported on first use, so that it can be completed."""
    return sorted({*globals(), *__all__, "__version__"})


def __getattr__(name: str) -> object:
    """Imports a name in ``_LOADED_WHEN_USED`` on first use, and looks up ``__version__``."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - keeps `import astakosclient` fast

        return version("astakos")
    if name not in _LOADED_WHEN_USED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - keeps `import astakosclient` fast

    return getattr(import_module(_LOADED_WHEN_USED[name]), name)
