"""The client of the Astakos identity and quota API."""

from astakosclient import errors
from astakosclient.catalog import parse_endpoints
from astakosclient.client import AstakosClient
from astakosclient.cookies import get_token_from_cookie
from astakosclient.errors import AstakosClientException
from astakosclient.exchange import Answer, Request, Timeout, Transport
from astakosclient.retry import Retry
from astakosclient.transport import HttpTransport

__all__ = [
    "Answer",
    "AstakosClient",
    "AstakosClientException",
    "HttpTransport",
    "Request",
    "Retry",
    "Timeout",
    "Transport",
    "errors",
    "get_token_from_cookie",
    "parse_endpoints",
]
