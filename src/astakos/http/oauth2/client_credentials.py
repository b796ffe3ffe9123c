"""What the OAuth2 calls share: clients, credentials, TLS, and errors (`identity-and-projects.md` §7)."""

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from astakos.directory.attempt_limits import client_account
from astakos.directory.tokens import token_hash
from astakos.http.faults import BadRequest, BodyTooLarge, Forbidden, TooManyAttempts
from astakos.http.forwarding import is_secure
from astakos.http.media_types import JSON_UTF8
from astakos.http.openapi.description import Refusals
from astakos.http.request import Answer, Request
from astakos.http.secret_attempts import is_right
from astakos.http.serialization import to_json
from astakos.service.service import Service
from astakos.storage.tables import oauth2
from astakos.storage.tables.oauth2 import Client


@dataclass(frozen=True, slots=True)
class ForOAuth2:
    """Wraps a handler that requires TLS, and whose errors have this protocol's OAuth2 format."""

    refusals: ClassVar[Refusals] = "oauth2"

    handler: Callable[[Service, Request], Awaitable[Answer]]

    async def __call__(self, service: Service, request: Request) -> Answer:
        """Requires TLS, calls the handler, and returns its errors as JSON."""
        try:
            await _require_tls(service, request)
            return await self.handler(service, request)
        except (BadRequest, BodyTooLarge, Forbidden, TooManyAttempts) as refusal:
            document = {"error": "generic_error", "exception": refusal.message}
            return as_json(document, refusal.status, refusal.headers)


def as_json(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Returns a document as JSON, whatever the client prefers."""
    return Answer(status, to_json(document), JSON_UTF8, {"Pragma": "no-cache", **(headers or {})})


async def _require_tls(service: Service, request: Request) -> None:
    if is_secure(service.proxies, request) or (await service.login_settings()).oauth2_without_tls:
        return
    raise BadRequest(
        "OAuth2 requires TLS. A proxy that terminates TLS must be trusted by the service (--trusted-proxy) "
        "and send the header X-Forwarded-Protocol: https."
    )


async def find_client(service: Service, identifier: str) -> Client:
    """Returns the client with an identifier.

    Raises:
        BadRequest: There is none.
    """
    client = await service.read(oauth2.find_client, identifier)
    if client is None:
        raise BadRequest("client_id must be the identifier of a registered client.")
    return client


def basic_credentials(request: Request) -> tuple[str, str] | None:
    """Returns the client's identifier and secret in the Authorization header; None if missing or invalid."""
    scheme, _, encoded = request.header(b"authorization").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        identifier, separator, secret = (
            base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        )
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (identifier, secret) if separator else None


async def require_secret(
    service: Service, request: Request, identifier: str, client: Client | None, secret: str
) -> Client:
    """Requires the secret of the client with an identifier, and counts the attempt if it is wrong.

    Raises:
        BadRequest: The secret is wrong, or the client is unknown or has none. The caller cannot tell which.
        TooManyAttempts: There were too many wrong attempts.
    """
    given = token_hash(secret)

    async def matches(_is_suspect: bool) -> bool:
        expected = b"" if client is None or client.secret_hash is None else client.secret_hash
        return hmac.compare_digest(expected, given)

    if not await is_right(service, request, client_account(identifier), matches) or client is None:
        raise BadRequest("The client identifier and secret in the Authorization header do not match.")
    return client


def default_redirect_uri(client: Client) -> str:
    """Returns the redirect URI to use if the request names none.

    Raises:
        BadRequest: The client has no registered redirect URI.
    """
    if not client.redirect_urls:
        raise BadRequest("No redirect URI is registered for the client.")
    return client.redirect_urls[0]
