"""What both calls of OAuth2 have in common: clients, credentials, TLS, and how they refuse (§7)."""

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from astakos.directory.tokens import token_hash
from astakos.http.faults import BadRequest, BodyTooLarge, Forbidden
from astakos.http.media_types import JSON_UTF8
from astakos.http.openapi.description import Refusals
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service
from astakos.storage.tables import oauth2
from astakos.storage.tables.oauth2 import Client

SCHEMES_TOLD = (b"x-forwarded-protocol", b"x-forwarded-proto")


@dataclass(frozen=True, slots=True)
class ForOAuth2:
    """A handler whose refusals are those of OAuth2 in this protocol, and that answers over TLS only."""

    refusals: ClassVar[Refusals] = "oauth2"

    handler: Callable[[Service, Request], Awaitable[Answer]]

    async def __call__(self, service: Service, request: Request) -> Answer:
        """Handle, or say why not."""
        try:
            await _require_tls(service, request)
            return await self.handler(service, request)
        except (BadRequest, BodyTooLarge, Forbidden) as refusal:
            document = {"error": "generic_error", "exception": refusal.message}
            return as_json(document, refusal.status)


def as_json(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A document, said to be JSON whatever the client would like."""
    return Answer(status, to_json(document), JSON_UTF8, {"Pragma": "no-cache", **(headers or {})})


async def _require_tls(service: Service, request: Request) -> None:
    told = any(request.header(name).lower() == "https" for name in SCHEMES_TOLD)
    if request.scheme == "https" or told or (await service.login_settings()).oauth2_without_tls:
        return
    raise BadRequest(
        "OAuth2 needs TLS; a front end that has it must send the header X-Forwarded-Protocol: https."
    )


async def find_client(service: Service, identifier: str) -> Client:
    """The client of an identifier.

    Raises:
        BadRequest: there is none.
    """
    client = await service.read(oauth2.find_client, identifier)
    if client is None:
        raise BadRequest("client_id must be the identifier of a registered client.")
    return client


def basic_credentials(request: Request) -> tuple[str, str] | None:
    """Identifier and secret of the client by the header; None if it has none, or none that make sense."""
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


def require_secret(client: Client, secret: str) -> None:
    """Refuse a client that does not know its secret.

    Raises:
        BadRequest: it is not the one that is registered, or none is.
    """
    if client.secret_hash is None or not hmac.compare_digest(client.secret_hash, token_hash(secret)):
        raise BadRequest(
            "The client's identifier and secret in the header Authorization do not belong together."
        )


def default_redirect_uri(client: Client) -> str:
    """Where a client's users go if it does not say where.

    Raises:
        BadRequest: no redirect URI is registered for it.
    """
    if not client.redirect_urls:
        raise BadRequest("No redirect URI is registered for the client.")
    return client.redirect_urls[0]


def origin_of(uri: str) -> str:
    """The source, in the words of a policy, of a redirect URI."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"
