"""`oauth2/revoke`: ends a token or key before it expires (RFC 7009)."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from astakos.administration.key_changes import NoSuchKeyError, find_key, revoke_key
from astakos.directory.entities import User
from astakos.directory.oauth2_rules import PUBLIC
from astakos.directory.tokens import token_hash
from astakos.http.authentication import user_of_token
from astakos.http.faults import Forbidden, NotForKey, TooManyAttempts
from astakos.http.forms import FormBody
from astakos.http.media_types import FORM_TYPE, JSON_TYPE
from astakos.http.oauth2.client_credentials import basic_credentials, require_tls
from astakos.http.oauth2.standard_calls import (
    UnauthorizedClient,
    UnsupportedTokenType,
    confidential_client,
    read_token_form,
)
from astakos.http.openapi.description import EMPTY, described
from astakos.http.projects.actors import actor_of, origin_of
from astakos.http.request import Answer, Request
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import oauth2, temporary_tokens
from astakos.storage.tables.oauth2 import Client

SOMEBODY_ELSES = "The token belongs to somebody else."


class Revocation(TypedDict):
    """The token. A public client also sends its identifier."""

    token: str
    token_type_hint: NotRequired[str]
    client_id: NotRequired[str]


class RevocationBody(FormBody[Revocation]):
    """A form that can have only one of the two content types."""

    media_types = (FORM_TYPE,)


@described(
    "oauth2_revocation.revoke",
    tokens=["user"],
    body=RevocationBody(Revocation),
    answers={200: EMPTY},
    faults=[Forbidden, TooManyAttempts],
)
async def revoke(service: Service, request: Request) -> Answer:
    """Ends a token or key before it expires (RFC 7009). What is not valid has ended already.

    A client ends its own access tokens: it sends its identifier and secret in `Authorization: Basic`, or if
    it is public, its identifier as `client_id`. A user ends their keys and temporary tokens with a token of
    theirs, and a key with the key itself.
    """
    if request.has_token:
        caller = await user_of_token(service, request.token)
        form = await read_token_form(request)
        await _revoke_of_user(service, request, caller, form["token"])
    elif basic_credentials(request):
        client = await confidential_client(service, request)
        form = await read_token_form(request)
        await _revoke_of_client(service, client, form["token"])
    else:
        form = await read_token_form(request)
        await _revoke_of_client(service, await _public_client(service, request, form), form["token"])
    return Answer(media_type=JSON_TYPE)


async def _public_client(service: Service, request: Request, form: Mapping[str, str]) -> Client:
    client = await service.read(oauth2.find_client, form.get("client_id", ""))
    if client is None or client.type != PUBLIC:
        return await confidential_client(service, request)
    await require_tls(service, request)
    return client


async def _revoke_of_client(service: Service, client: Client, token: str) -> None:
    hashed = token_hash(token)

    def change(connection: Connection) -> bool:
        found = oauth2.find_token(connection, hashed)
        if found is None or found.client != client.identifier:
            return found is None
        oauth2.delete_token(connection, hashed)
        return True

    if not await service.write(change):
        raise UnauthorizedClient(SOMEBODY_ELSES)


async def _revoke_of_user(service: Service, request: Request, caller: User, token: str) -> None:
    holder = await service.user_of_token(token)
    if holder is None:
        return
    if holder.id != caller.id:
        raise UnauthorizedClient(SOMEBODY_ELSES)
    if caller.key is not None and (holder.key is None or holder.key.id != caller.key.id):
        raise NotForKey("A key can end only itself. Use the user's token.")
    now, origin = service.now(), origin_of(service, request)
    hashed, key = token_hash(token), holder.key

    def change(connection: Connection) -> list[bytes]:
        if key is None:
            return temporary_tokens.revoke(connection, hashed)
        try:
            owned = find_key(connection, key.prefix, holder)
        except NoSuchKeyError:
            return [hashed]
        revoke_key(connection, actor_of(connection, caller, origin), owned, now)
        return [hashed]

    ended = await service.write(change)
    if not ended:
        raise UnsupportedTokenType(
            "This is the user's own token, or that of a session: renew it, or log out."
        )
    service.forget_keys()
    for one in ended:
        service.forget_user_of_token(one)
