"""`account/v1.0`: users' information, names and uuids, resources, feedback (`http-api.md` §8.1–§8.4)."""

import logging
from collections.abc import Iterable

from astakos.clock import to_milliseconds
from astakos.directory.model import Component, User
from astakos.http.bodies import read_form, read_object
from astakos.http.faults import BadRequest
from astakos.http.mail import MailError
from astakos.http.messages import Answer, Request
from astakos.http.serialization import to_json
from astakos.http.service import Service
from astakos.storage import feedback as feedback_store
from astakos.storage import users
from astakos.storage.database import Connection
from astakos.storage.texts import is_storable

log = logging.getLogger("astakos.http")

FEW = 200
"""Up to so many names are looked up right away."""


async def authenticate(service: Service, request: Request, user: User) -> Answer:
    """`GET authenticate`: who holds the token, in the form of the oldest generation."""
    header = request.header(b"x-auth-token")
    groups = await service.read(users.groups_of, user.id)
    document = {
        "id": user.id,
        "username": user.username,
        "uuid": user.uuid,
        "email": [user.email],
        "name": user.name,
        "groups": [group.name for group in groups],
        "auth_token": header or None,
        "auth_token_created": _milliseconds(user.token_created),
        "auth_token_expires": _milliseconds(user.token_expires),
    }
    return Answer(body=to_json(document))


def _milliseconds(instant: int | None) -> int | None:
    return None if instant is None else to_milliseconds(instant)


async def user_catalogs(service: Service, request: Request, _user: User) -> Answer:
    """`POST user_catalogs`: names for uuids and back, asked by a user."""
    return await _catalogs(service, request, null_means_all=False)


async def service_user_catalogs(service: Service, request: Request, _component: Component) -> Answer:
    """`POST service/user_catalogs`: the same asked by a service, where null for uuids means all users."""
    return await _catalogs(service, request, null_means_all=True)


async def _catalogs(service: Service, request: Request, *, null_means_all: bool) -> Answer:
    body = await read_object(request)
    uuids = _uuids(body.get("uuids", []))
    names = service.generation.display_names(body.get("displaynames", []))
    if (null_means_all and (uuids is None or names is None)) or len(uuids or ()) + len(names or ()) > FEW:
        document = await service.read_much(_look_up, uuids, names, null_means_all=null_means_all)
    else:
        document = await service.read(_look_up, uuids, names, null_means_all=null_means_all)
    return Answer(body=to_json(document))


def _look_up(
    connection: Connection, uuids: list[str] | None, names: list[str] | None, *, null_means_all: bool
) -> dict[str, dict[str, str]]:
    if uuids is None and null_means_all:
        uuid_catalog = users.all_names(connection)
    else:
        uuid_catalog = users.names_of(connection, uuids or ())
    if names is None and null_means_all:
        displayname_catalog = {name: uuid for uuid, name in users.all_names(connection).items()}
    else:
        # Of several spellings of one name only the last is answered.
        spellings = {name.lower(): name for name in names or ()}
        found = users.uuids_of(connection, spellings)
        displayname_catalog = {spellings[name]: uuid for name, uuid in found.items()}
    return {"uuid_catalog": uuid_catalog, "displayname_catalog": displayname_catalog}


def _uuids(value: object) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, Iterable):
        raise BadRequest("uuids must be a list of uuids.")
    return [item for item in value if isinstance(item, str)]


async def resources(service: Service, _request: Request) -> Answer:
    """`GET resources`: what is counted."""
    return Answer(body=to_json(service.generation.resources(await service.resources())))


async def feedback(service: Service, request: Request, user: User) -> Answer:
    """`POST feedback`: kept, and mailed where a mail server is configured; 502 if that does not take it."""
    form = await read_form(request, service.generation.form_type)
    message = form.get("feedback_msg", "")
    if not message:
        raise BadRequest("feedback_msg must not be empty.")
    data = form.get("feedback_data", "")
    if not (is_storable(message) and is_storable(data)):
        raise BadRequest("feedback_msg and feedback_data must not contain NUL.")
    now = service.now()
    await service.write(lambda connection: feedback_store.save(connection, user.id, now, message, data))
    if service.mailer is not None:
        text = f"From: {user.name} <{user.email}> ({user.uuid})\n\n{message}\n\n-- \n{data}\n"
        try:
            await service.mailer.send(f"Feedback from {user.username}", user.email, text)
        except MailError as error:
            log.warning("feedback was kept, but not mailed: %s", error)
            return Answer(502)
    return Answer()
