"""What the OAuth2 calls share: clients, credentials, TLS, and errors (`identity-and-projects.md` §7)."""

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple
from urllib.parse import unquote_plus

from astakos.directory.attempt_limits import client_account
from astakos.directory.oauth2_rules import is_prefix
from astakos.directory.tokens import token_hash
from astakos.http.faults import BadRequest, BodyTooLarge, Forbidden, TooManyAttempts
from astakos.http.forwarding import is_secure
from astakos.http.media_types import JSON_UTF8
from astakos.http.openapi.description import Refusals
from astakos.http.pages.refusals import refusal_page, wants_page
from astakos.http.request import Answer, Request
from astakos.http.secret_attempts import is_right
from astakos.http.serialization import to_json
from astakos.service.admission import current_caller
from astakos.service.service import Service
from astakos.storage.tables import oauth2
from astakos.storage.tables.oauth2 import Client


class Credentials(NamedTuple):
    """What a client shows, as one reading of the Authorization header has it."""

    identifier: str
    secret: str


CONSENT = "/oauth2/auth"
"""The only one of the calls that browsers show to people."""


@dataclass(frozen=True, slots=True)
class ForOAuth2:
    """Wraps a handler that requires TLS, and whose errors have this protocol's OAuth2 format."""

    refusals: ClassVar[Refusals] = "oauth2"

    handler: Callable[[Service, Request], Awaitable[Answer]]

    async def __call__(self, service: Service, request: Request) -> Answer:
        """Requires TLS, calls the handler, and explains errors: to people on a page, to programs as JSON."""
        try:
            await require_tls(service, request)
            return await self.handler(service, request)
        except (BadRequest, BodyTooLarge, Forbidden, TooManyAttempts) as refusal:
            if wants_page(request) and request.path.startswith(CONSENT):
                return await refusal_page(service, request, refusal)
            document = {"error": "generic_error", "exception": refusal.message}
            return as_json(document, refusal.status, refusal.headers)


def as_json(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Returns a document as JSON, whatever the client prefers."""
    return Answer(status, to_json(document), JSON_UTF8, {"Pragma": "no-cache", **(headers or {})})


async def require_tls(service: Service, request: Request) -> None:
    """Requires that the caller has sent the request over TLS, unless a setting allows it without.

    Raises:
        BadRequest: They have not.
    """
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


def basic_credentials(request: Request) -> Sequence[Credentials]:
    """Returns what the Authorization header can mean; nothing if it is missing or invalid.

    Clients must form-encode identifier and secret (RFC 6749, 2.3.1), but many send them as they are. A text
    with `%` or `+` can be either, so both readings count.
    """
    scheme, _, encoded = request.header(b"authorization").partition(" ")
    if scheme.lower() != "basic":
        return []
    try:
        identifier, separator, secret = (
            base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        )
    except (binascii.Error, UnicodeDecodeError):
        return []
    if not separator:
        return []
    literal = Credentials(identifier, secret)
    try:
        decoded = Credentials(*(unquote_plus(text, errors="strict") for text in literal))
    except UnicodeDecodeError:
        return [literal]
    return [literal] if decoded == literal else [literal, decoded]


async def client_named_by(service: Service, credentials: Sequence[Credentials]) -> str:
    """Returns the identifier in credentials: of the readings, that of a registered client; "" if none."""
    for identifier, _ in credentials:
        if await service.read(oauth2.find_client, identifier) is not None:
            return identifier
    return credentials[0].identifier if credentials else ""


def secrets_for(credentials: Sequence[Credentials], identifier: str) -> Sequence[str]:
    """Returns the readings of the secret in credentials, which must name the client.

    Raises:
        BadRequest: They name another one.
    """
    # Also mixed, because an identifier without special characters looks the same in both.
    if credentials and all(identifier != one.identifier for one in credentials):
        raise BadRequest("client_id and the Authorization header must name the same client.")
    return [one.secret for one in credentials]


async def require_secret(
    service: Service, request: Request, identifier: str, client: Client | None, secrets: Sequence[str]
) -> Client:
    """Requires the secret of the client with an identifier, and counts the attempt if all readings are wrong.

    Raises:
        BadRequest: The secret is wrong, or the client is unknown or has none. The caller cannot tell which.
        TooManyAttempts: There were too many wrong attempts.
    """
    given = [token_hash(secret) for secret in secrets]

    async def matches(_is_suspect: bool) -> bool:
        expected = b"" if client is None or client.secret_hash is None else client.secret_hash
        return any(hmac.compare_digest(expected, one) for one in given)

    if not await is_right(service, request, client_account(identifier), matches) or client is None:
        raise BadRequest("The client identifier and secret in the Authorization header do not match.")
    current_caller.set(("client", identifier))
    return client


def default_redirect_uri(client: Client) -> str:
    """Returns the redirect URI to use if the request names none.

    Raises:
        BadRequest: The client has no registered redirect URI.
    """
    for uri in client.redirect_urls:
        if not is_prefix(uri):
            return uri
    raise BadRequest("redirect_uri is missing, and the client has none that it defaults to.")
