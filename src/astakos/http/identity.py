"""`identity/v2.0`: what a token is worth, and where the services are (`http-api.md` §7)."""

from typing import Any

from astakos.clock import to_iso
from astakos.directory.model import User
from astakos.http.authentication import user_of_token
from astakos.http.bodies import read_object, require_json
from astakos.http.faults import BadRequest, Unauthorized
from astakos.http.messages import XML, Answer, Request
from astakos.http.serialization import access_to_xml, to_json
from astakos.http.service import Service
from astakos.storage import projects, users
from astakos.storage.database import Connection

CREDENTIALS = (
    'Credentials are needed: {"auth": {"token": {"id": TOKEN}}} or '
    '{"auth": {"passwordCredentials": {"username": UUID, "password": TOKEN}}}.'
)


async def tokens(service: Service, request: Request) -> Answer:
    """`POST tokens`: the catalogue for everybody, and with credentials what is known of their holder."""
    if request.announced_length == 0:
        return access_answer(request, {"serviceCatalog": await service.catalog()})
    require_json(request)
    body = await read_object(request)
    auth = body.get("auth")
    if not isinstance(auth, dict):
        raise BadRequest(CREDENTIALS)
    token, uuid = _credentials(auth)
    if not isinstance(token, str):
        raise Unauthorized("The token is not known.")
    user = await user_of_token(service, token)
    if uuid is not None and uuid != user.uuid:
        raise Unauthorized("The token is not that of the user of this uuid.")
    tenant = auth.get("tenantName")
    if tenant and tenant != user.uuid:
        raise BadRequest("tenantName must be the uuid of the token's user, or be left out.")
    access = {
        "token": token_document(user, token, user.token_expires),
        "user": await service.read(_user_with_projects, user),
        "serviceCatalog": await service.catalog(),
    }
    return access_answer(request, service.generation.access(access, user))


def _credentials(auth: dict[str, Any]) -> tuple[object, object]:
    """The token and the uuid that should be its holder's, None if any."""
    form = auth.get("token", {})
    if isinstance(form, dict) and "id" in form:
        token, uuid = form["id"], None
    elif isinstance(form, dict):
        form = auth.get("passwordCredentials")
        if not isinstance(form, dict) or not {"username", "password"} <= form.keys():
            raise BadRequest(CREDENTIALS)
        token, uuid = form["password"], form["username"]
    else:
        raise BadRequest(CREDENTIALS)
    if token is None:
        raise BadRequest("The token must not be null.")
    return token, uuid


def token_document(user: User, token: str, expires: int | None) -> dict[str, Any]:
    """What is said of a token of a user that expires at an instant, or never."""
    return {
        "id": token,
        "expires": None if expires is None else to_iso(expires),
        "tenant": {"id": user.default_project or user.uuid, "name": user.name},
    }


def user_document(connection: Connection, user: User) -> dict[str, Any]:
    """What is said of a token's user: name and roles."""
    return {
        "id": user.uuid,
        "name": user.name,
        "roles_links": [],
        "roles": [
            {"id": str(group.id), "name": group.name} for group in users.groups_of(connection, user.id)
        ],
    }


def _user_with_projects(connection: Connection, user: User) -> dict[str, Any]:
    active = projects.active_projects_of(connection, user.id)
    return {**user_document(connection, user), "projects": active}


def access_answer(request: Request, access: dict[str, Any]) -> Answer:
    """The answer to a call about tokens, as JSON or as XML."""
    if request.serialization == XML:
        return Answer(body=access_to_xml(access))
    return Answer(body=to_json({"access": access}))
