"""`oauth2/introspect`: whether a token or key is valid, and whose it is (RFC 7662)."""

from typing import NotRequired, TypedDict

from astakos.clock import MICROSECONDS
from astakos.directory.api_keys import ApiKey, refuse_address, refuse_services
from astakos.directory.eligibility import refuse_user
from astakos.directory.entities import Component, User
from astakos.directory.network_addresses import IPAddress, parse_address
from astakos.http.access_tokens import find_grant
from astakos.http.drawable_projects import drawable_uuids
from astakos.http.faults import BadRequest, Forbidden, TooManyAttempts
from astakos.http.forms import FormBody
from astakos.http.media_types import FORM_TYPE, JSON_TYPE
from astakos.http.oauth2.client_credentials import as_json
from astakos.http.oauth2.standard_calls import component_or_client, read_token_form
from astakos.http.openapi.description import Reply, described
from astakos.http.request import Answer, Request
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import users
from astakos.storage.tables.oauth2 import Client
from astakosclient.answer_types import Introspection

INACTIVE: Introspection = {"active": False}
BEARER = "Bearer"


class Question(TypedDict):
    """The token, and from where it was sent to the component that asks."""

    token: str
    token_type_hint: NotRequired[str]
    address: NotRequired[str]


class QuestionBody(FormBody[Question]):
    """A form that can have only one of the two content types."""

    media_types = (FORM_TYPE,)


@described(
    "oauth2_introspection.introspect",
    tokens=["service"],
    body=QuestionBody(Question),
    answers={200: Reply(Introspection, [JSON_TYPE])},
    faults=[Forbidden, TooManyAttempts],
)
async def introspect(service: Service, request: Request) -> Answer:
    """Tells a component or a confidential client whether a token is valid, and whose it is (RFC 7662).

    Components learn about users' tokens, keys and OAuth2 access tokens. Clients, which send their identifier
    and secret in `Authorization: Basic`, learn about their own access tokens. All others are
    `{"active": false}`, as are unknown and expired ones. `key` is the prefix of a key. A key that is limited
    to networks is active only if one of them includes `address`, that of the component's caller.
    """
    asker = await component_or_client(service, request)
    form = await read_token_form(request)
    token, address = form["token"], _address(form.get("address"))
    if isinstance(asker, Client):
        return as_json(await _access_token(service, token, asker))
    user = await service.user_of_token(token)
    if user is None:
        return as_json(await _access_token(service, token, None))
    if refuse_user(user, service.now()) is not None:
        return as_json(INACTIVE)
    if user.key is not None:
        if not await _counts(service, user.key, asker, address):
            return as_json(INACTIVE)
        service.key_uses.note(user.key.prefix)
    return as_json(await service.read(_user_document, user, service.base_url))


def _address(text: str | None) -> IPAddress | None:
    if text is None:
        return None
    address = parse_address(text)
    if address is None:
        raise BadRequest(f"address must be an IP address, not {text!r}.")
    return address


async def _counts(service: Service, key: ApiKey, component: Component, address: IPAddress | None) -> bool:
    refusal = refuse_services(key, await service.services_of(component)) or refuse_address(key, address)
    return refusal is None


def _user_document(connection: Connection, user: User, issuer: str) -> Introspection:
    document: Introspection = {
        "active": True,
        "token_type": BEARER,
        "iss": issuer,
        "sub": user.uuid,
        "username": user.username,
        "name": user.name,
        "roles": [group.name for group in users.groups_of(connection, user.id)],
        "projects": drawable_uuids(connection, user),
        "tenant": user.default_project or user.uuid,
    }
    if user.token_created is not None:
        document["iat"] = user.token_created // MICROSECONDS
    if user.token_expires is not None:
        document["exp"] = user.token_expires // MICROSECONDS
    if user.key is not None:
        document["key"] = user.key.prefix
    return document


async def _access_token(service: Service, token: str, client: Client | None) -> Introspection:
    """Describes an access token; with a client, only if it is one of theirs."""
    found = await find_grant(service, token)
    if found is None or (client is not None and found.token.client != client.identifier):
        return INACTIVE
    access, user = found
    document: Introspection = {
        "active": True,
        "token_type": BEARER,
        "iss": service.base_url,
        "sub": user.uuid,
        "username": user.username,
        "name": user.name,
        "client_id": access.client,
        "exp": access.expires // MICROSECONDS,
    }
    if access.scope is not None:
        document["scope"] = access.scope
    return document
