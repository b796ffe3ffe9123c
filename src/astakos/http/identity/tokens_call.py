"""`POST identity/v2.0/tokens`: a token's user, and the service catalog (`http-api.md` §7)."""

from typing import Any, NotRequired, TypedDict

import msgspec
from msgspec import UNSET

from astakos.clock import to_iso
from astakos.directory.attempt_limits import user_account
from astakos.directory.entities import User
from astakos.http.authentication import user_of_token
from astakos.http.bodies import JsonBody
from astakos.http.drawable_projects import drawable_uuids
from astakos.http.faults import BadRequest, TooManyAttempts, Unauthorized
from astakos.http.key_limits import SERVICE, require_asker
from astakos.http.openapi.description import Reply, described
from astakos.http.request import XML, Answer, Request
from astakos.http.secret_attempts import count_wrong
from astakos.http.serialization import access_to_xml, to_json
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import users
from astakosclient.answer_types import AccessUser, CatalogService, TokenInfo

CREDENTIALS = (
    'Credentials are missing. Send {"auth": {"token": {"id": TOKEN}}} or '
    '{"auth": {"passwordCredentials": {"username": UUID, "password": TOKEN}}}.'
)


class TokenForm(msgspec.Struct):
    """The token. `null` is refused with 400, and a non-string never matches (401)."""

    id: Any = UNSET


class PasswordForm(msgspec.Struct):
    """The UUID of the user, with the token in place of a password."""

    username: Any = UNSET
    password: Any = UNSET


class Credentials(msgspec.Struct):
    """Credentials in one of two forms; `token` takes precedence. A `tenantName` must be the user's UUID."""

    token: TokenForm = msgspec.field(default_factory=TokenForm)
    passwordCredentials: PasswordForm | str | int | float | bool | list[Any] | None = None  # noqa: N815 - on the wire
    tenantName: Any = None  # noqa: N815


class TokensBody(msgspec.Struct):
    """Credentials. Omit the body to get only the service catalog."""

    auth: Credentials


TOKENS = JsonBody(TokensBody, is_required=False)


class TokensAccess(TypedDict):
    """The service catalog and, if the request contained credentials, the token and its user."""

    serviceCatalog: list[CatalogService]
    token: NotRequired[TokenInfo]
    user: NotRequired[AccessUser]


class TokensAnswer(TypedDict):
    """What authenticating returns; without credentials, the service catalog alone."""

    access: TokensAccess


@described(
    "identity.tokens",
    parameters=[SERVICE],
    body=TOKENS,
    answers={200: Reply(TokensAnswer)},
    faults=[Unauthorized, TooManyAttempts],
)
async def tokens(service: Service, request: Request) -> Answer:
    """Returns the service catalog and, given credentials, the token and its user.

    If the credentials are a key, `key` is its prefix. A key that is limited to services counts only for
    these. Send the token of a component that has one of them in X-Auth-Token, or name one in Astakos-Service.
    """
    if request.announced_length == 0:
        return access_answer(request, {"serviceCatalog": request.dialect.catalog(await service.catalog())})
    auth = TOKENS.read(request).auth
    token, uuid = _credentials(auth)
    if not isinstance(token, str):
        raise Unauthorized("The token is not known.")
    if uuid is not None:
        await _require_owner(service, request, token, uuid)
    user = await user_of_token(service, token)
    if user.key is not None:
        await require_asker(service, request, user.key)
    if auth.tenantName and auth.tenantName != user.uuid:
        raise BadRequest("tenantName must be the UUID of the token's user, or be omitted.")
    access = {
        "token": token_document(user, token, user.token_expires),
        "user": await service.read(_user_with_projects, user),
        "serviceCatalog": request.dialect.catalog(await service.catalog()),
    }
    return access_answer(request, request.dialect.access(access, user))


async def _require_owner(service: Service, request: Request, token: str, uuid: object) -> None:
    """Requires that a token belongs to the user with a UUID. Counts the attempt if it does not.

    Raises:
        Unauthorized: It belongs to somebody else.
        TooManyAttempts: There were too many wrong attempts.
    """
    holder = await service.user_of_token(token)
    if holder is not None and holder.uuid == uuid:
        return
    await count_wrong(service, request, user_account(uuid if isinstance(uuid, str) else ""))
    if holder is not None:
        raise Unauthorized("The token does not belong to the user with this UUID.")


def _credentials(auth: Credentials) -> tuple[object, object]:
    """Returns the token, and the UUID that its user must have, or None for any."""
    form = auth.passwordCredentials
    if auth.token.id is not UNSET:
        token, uuid = auth.token.id, None
    elif isinstance(form, PasswordForm) and form.username is not UNSET and form.password is not UNSET:
        token, uuid = form.password, form.username
    else:
        raise BadRequest(CREDENTIALS)
    if token is None:
        raise BadRequest("The token must not be null.")
    return token, uuid


def token_document(user: User, token: str, expires: int | None) -> dict[str, Any]:
    """Returns the document of a user's token. `expires` is None if it never expires."""
    document = {
        "id": token,
        "expires": None if expires is None else to_iso(expires),
        "tenant": {"id": user.default_project or user.uuid, "name": user.name},
    }
    if user.key is not None:
        document["key"] = user.key.prefix
    return document


def user_document(connection: Connection, user: User) -> dict[str, Any]:
    """Returns the document of a token's user: the name and the roles."""
    return {
        "id": user.uuid,
        "name": user.name,
        "roles_links": [],
        "roles": [
            {"id": str(group.id), "name": group.name} for group in users.groups_of(connection, user.id)
        ],
    }


def _user_with_projects(connection: Connection, user: User) -> dict[str, Any]:
    active = drawable_uuids(connection, user)
    return {**user_document(connection, user), "projects": active}


def access_answer(request: Request, access: dict[str, Any]) -> Answer:
    """Returns the response of a token call, as JSON or XML."""
    if request.serialization == XML:
        return Answer(body=access_to_xml(access))
    return Answer(body=to_json({"access": access}))
