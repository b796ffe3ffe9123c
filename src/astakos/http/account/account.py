"""`account/v1.0`: users' information, names and uuids, resources, feedback (`http-api.md` §8.1–§8.4)."""

import logging
from typing import Annotated, Any, TypedDict

import msgspec

from astakos.clock import to_milliseconds
from astakos.directory.entities import Component, User
from astakos.http.bodies import FormBody, JsonBody
from astakos.http.faults import BadRequest
from astakos.http.openapi.description import EMPTY, Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.mail import MailError
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import feedback as feedback_store
from astakos.storage.tables import users
from astakos.storage.texts import is_storable
from astakosclient.answer_types import Resource, UserInfo

log = logging.getLogger("astakos.http")

FEW = 200
"""Up to so many names are looked up right away."""


class CatalogsBody(msgspec.Struct):
    """Whose names are asked for, and whose uuids; what is not a text among `uuids` names nobody."""

    uuids: list[Any] | dict[str, Any] | str | None = msgspec.field(default_factory=list)
    displaynames: list[str] | None = msgspec.field(default_factory=list)


class Catalogs(TypedDict):
    """The names by uuid, and the uuids by name as it was asked for; who is not known is left out."""

    uuid_catalog: dict[str, str]
    displayname_catalog: dict[str, str]


class FeedbackForm(msgspec.Struct):
    """What somebody has to say, and what their program adds."""

    feedback_msg: Annotated[str, msgspec.Meta(min_length=1)]
    feedback_data: str = ""


CATALOGS = JsonBody(CatalogsBody, any_content_type=True)
FEEDBACK = FormBody(FeedbackForm)


@described("account.authenticate", answers={200: Reply(UserInfo)})
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


@described("account.user_catalogs", body=CATALOGS, answers={200: Reply(Catalogs)})
async def user_catalogs(service: Service, request: Request, _user: User) -> Answer:
    """`POST user_catalogs`: names for uuids and back, asked by a user."""
    return await _catalogs(service, request, null_means_all=False)


@described("account.service_user_catalogs", body=CATALOGS, answers={200: Reply(Catalogs)})
async def service_user_catalogs(service: Service, request: Request, _component: Component) -> Answer:
    """`POST service/user_catalogs`: the same asked by a service, where null for uuids means all users."""
    return await _catalogs(service, request, null_means_all=True)


async def _catalogs(service: Service, request: Request, *, null_means_all: bool) -> Answer:
    body = await CATALOGS.read(request)
    uuids = None if body.uuids is None else [item for item in body.uuids if isinstance(item, str)]
    names = request.dialect.display_names(body.displaynames)
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


@described("account.resources", answers={200: Reply(dict[str, Resource])})
async def resources(service: Service, request: Request) -> Answer:
    """`GET resources`: what is counted."""
    return Answer(body=to_json(request.dialect.resources(await service.resources())))


@described("account.feedback", body=FEEDBACK, answers={200: EMPTY, 502: EMPTY})
async def feedback(service: Service, request: Request, user: User) -> Answer:
    """`POST feedback`: kept, and mailed where a mail server is configured; 502 if that does not take it."""
    form = await FEEDBACK.read(request, request.dialect.form_type)
    message, data = form.feedback_msg, form.feedback_data
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
