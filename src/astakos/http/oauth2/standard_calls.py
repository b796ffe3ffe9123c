"""What the OAuth2 calls share that follow the standards in every detail: who may call, and errors.

The original's calls, `oauth2/auth` and `oauth2/token`, have errors of their own.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from astakos.directory.entities import Component
from astakos.http.authentication import authenticated_component
from astakos.http.faults import (
    CHALLENGE,
    CHALLENGE_HEADER,
    BadRequest,
    BodyTooLarge,
    Fault,
    Forbidden,
    TooManyAttempts,
    Unauthorized,
)
from astakos.http.forms import read_form
from astakos.http.media_types import FORM_TYPE
from astakos.http.oauth2.client_credentials import (
    as_json,
    basic_credentials,
    client_named_by,
    require_secret,
    require_tls,
    secrets_for,
)
from astakos.http.openapi.description import Refusals
from astakos.http.request import Answer, Request
from astakos.service.service import Service
from astakos.storage.tables import oauth2
from astakos.storage.tables.oauth2 import Client

BASIC: Final = 'Basic realm="astakos"'
ERRORS: Final[Mapping[int, str]] = {
    400: "invalid_request",
    401: "invalid_token",
    403: "insufficient_scope",
    413: "invalid_request",
    429: "temporarily_unavailable",
}
"""The error codes of RFC 6749 (5.2) and RFC 6750 (3.1) by status, unless a refusal has its own."""


class InvalidClient(Unauthorized):
    """The client's identifier and secret are missing or wrong."""

    def __init__(self, message: str, challenge: str = BASIC) -> None:
        """Sets the message, and how to authenticate."""
        super().__init__(message, {CHALLENGE_HEADER: challenge})


class UnauthorizedClient(BadRequest):
    """The token belongs to somebody else."""


class UnsupportedTokenType(BadRequest):
    """Tokens of this kind cannot be revoked."""


@dataclass(frozen=True, slots=True)
class ForStandardOAuth2:
    """Wraps a handler whose errors have the format of RFC 6749, 5.2."""

    refusals: ClassVar[Refusals] = "oauth2_standard"

    handler: Callable[[Service, Request], Awaitable[Answer]]

    async def __call__(self, service: Service, request: Request) -> Answer:
        """Calls the handler, and returns its errors as JSON."""
        try:
            return await self.handler(service, request)
        except (BadRequest, BodyTooLarge, Forbidden, TooManyAttempts, Unauthorized) as refusal:
            document = {"error": _code(refusal), "error_description": refusal.message}
            return as_json(document, refusal.status, refusal.headers)


def _code(refusal: Fault) -> str:
    match refusal:
        case InvalidClient():
            return "invalid_client"
        case UnauthorizedClient():
            return "unauthorized_client"
        case UnsupportedTokenType():
            return "unsupported_token_type"
    return ERRORS[refusal.status]


async def read_token_form(request: Request) -> Mapping[str, str]:
    """Reads a form that contains a token.

    Raises:
        BadRequest: It is not such a form.
    """
    form = await read_form(request, _only_url_encoded, once=True)
    if not form.get("token"):
        raise BadRequest("The parameter token is missing.")
    return form


def _only_url_encoded(content_type: str) -> str:
    if content_type != FORM_TYPE:
        raise BadRequest(f"The Content-Type header must be {FORM_TYPE}.")
    return content_type


async def component_or_client(service: Service, request: Request) -> Component | Client:
    """Returns the component or the confidential client that calls.

    Raises:
        BadRequest: It is both.
        Unauthorized: It is neither.
    """
    if request.has_token:
        if request.header(b"authorization").lower().startswith("basic "):
            raise BadRequest("There are two credentials: a token and Authorization: Basic. Send one.")
        return await authenticated_component(service, request)
    return await confidential_client(service, request)


async def confidential_client(service: Service, request: Request) -> Client:
    """Returns the client whose identifier and secret the Authorization header has.

    Raises:
        InvalidClient: They are missing or wrong.
        TooManyAttempts: There were too many wrong ones.
    """
    credentials = basic_credentials(request)
    if not credentials:
        raise InvalidClient(
            "Send the token of a component in X-Auth-Token, or the identifier and the secret of a client in "
            "Authorization.",
            f"{BASIC}, {CHALLENGE}",
        )
    await require_tls(service, request)
    named = await client_named_by(service, credentials)
    client = await service.read(oauth2.find_client, named)
    try:
        return await require_secret(service, request, named, client, secrets_for(credentials, named))
    except BadRequest as refusal:
        raise InvalidClient(refusal.message) from refusal
