"""`oauth2/token`: exchanges a code for a short-lived access token (`identity-and-projects.md` §7.2)."""

import os
from collections.abc import Mapping
from typing import NotRequired, TypedDict

from astakos.clock import MICROSECONDS
from astakos.directory.oauth2_rules import PUBLIC, new_access_token, normalized, refuse_verifier
from astakos.directory.tokens import token_hash
from astakos.http.faults import BadRequest, TooManyAttempts
from astakos.http.forms import FormBody, read_form
from astakos.http.media_types import FORM_TYPE, JSON_TYPE
from astakos.http.oauth2.client_credentials import (
    as_json,
    basic_credentials,
    client_named_by,
    default_redirect_uri,
    require_secret,
    secrets_for,
)
from astakos.http.openapi.description import Reply, described
from astakos.http.request import Answer, Request
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import oauth2, users
from astakos.storage.tables.oauth2 import AccessToken, Client
from astakosclient.answer_types import OAuth2Token

NOT_GOOD = "code must be an unused code that this client received within the last ten minutes."


class Exchange(TypedDict):
    """An authorization code to exchange for an access token."""

    grant_type: NotRequired[str]
    code: NotRequired[str]
    client_id: NotRequired[str]
    redirect_uri: NotRequired[str]
    code_verifier: NotRequired[str]


class ExchangeBody(FormBody[Exchange]):
    """A form that can have only one of the two content types."""

    media_types = (FORM_TYPE,)


@described(
    "oauth2_token.token",
    body=ExchangeBody(Exchange),
    answers={200: Reply(OAuth2Token, [JSON_TYPE])},
    faults=[BadRequest, TooManyAttempts],
)
async def token(service: Service, request: Request) -> Answer:
    """Exchanges an authorization code for an access token."""
    if request.header(b"content-type") != FORM_TYPE:
        raise BadRequest(f"The Content-Type header must be exactly {FORM_TYPE}.")
    form = await read_form(request)
    if form.get("grant_type") != "authorization_code":
        raise BadRequest("grant_type must be authorization_code.")
    client = await _authenticated_client(service, request, form)
    if not form.get("code"):
        raise BadRequest(NOT_GOOD)
    lifetime = (await service.login_settings()).access_token_seconds
    secret = new_access_token(os.urandom)
    now = service.now()
    expires = now + lifetime * MICROSECONDS
    issued = await service.write(lambda connection: _change(connection, client, form, secret, now, expires))
    if issued is None:
        raise BadRequest(NOT_GOOD)
    seconds = (issued.expires - now) // MICROSECONDS
    return as_json({"access_token": secret, "token_type": "Bearer", "expires_in": seconds})


async def _authenticated_client(service: Service, request: Request, form: Mapping[str, str]) -> Client:
    credentials = basic_credentials(request)
    named = form.get("client_id") or await client_named_by(service, credentials)
    secrets = secrets_for(credentials, named)
    client = await service.read(oauth2.find_client, named)
    if client is not None and client.type == PUBLIC and (not credentials or client.secret_hash is None):
        return client
    if not credentials:
        raise BadRequest(
            "A confidential client must send its identifier and secret in the Authorization header."
        )
    return await require_secret(service, request, named, client, secrets)


def _change(
    connection: Connection, client: Client, form: Mapping[str, str], secret: str, now: int, expires: int
) -> AccessToken | None:
    """Exchanges the code. Returns None if it is unknown or was used before.

    If it was used before, its token ends as well: one of the two who have sent it must have stolen it.
    """
    if oauth2.find_client(connection, client.identifier) != client:
        raise BadRequest("The client has just changed. Try again.")
    code = oauth2.find_code(connection, token_hash(form["code"]))
    if code is None:
        oauth2.end_issued_for(connection, token_hash(form["code"]))
        return None
    if code.client != client.identifier or code.expires < now:
        raise BadRequest(NOT_GOOD)
    redirect_uri = form.get("redirect_uri") or default_redirect_uri(client)
    if not _same(redirect_uri, code.redirect_uri):
        raise BadRequest("redirect_uri must be the one that the code was requested with.")
    refusal = refuse_verifier(form.get("code_verifier", ""), code.challenge)
    if refusal is not None:
        raise BadRequest(refusal)
    user = users.find_by_uuid(connection, code.user)
    if user is None or not user.is_active:
        raise BadRequest("The user is not active.")
    return oauth2.change_code(connection, code, token_hash(secret), expires, now)


def _same(one: str, other: str) -> bool:
    try:
        return normalized(one) == normalized(other)
    except ValueError:
        return False
