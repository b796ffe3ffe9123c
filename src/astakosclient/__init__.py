"""The client of the Astakos identity and quota API."""

from astakosclient import errors
from astakosclient.catalog import parse_endpoints
from astakosclient.client import AstakosClient, BoundClient, DocumentedClient
from astakosclient.commission import Commission
from astakosclient.cookies import get_token_from_cookie
from astakosclient.errors import AstakosClientException
from astakosclient.events import Answered, Attempted
from astakosclient.exchange import Answer, AsyncTransport, Request, Timeout, Transport
from astakosclient.retry import Retry
from astakosclient.transport import HttpTransport

__all__ = [
    "Answer",
    "Answered",
    "AstakosClient",
    "AstakosClientException",
    "AsyncTransport",
    "Attempted",
    "BoundClient",
    "Commission",
    "DocumentedClient",
    "HttpTransport",
    "Request",
    "Retry",
    "Timeout",
    "Transport",
    "errors",
    "get_token_from_cookie",
    "parse_endpoints",
]
