"""`account/v1.0/user_catalogs`: usernames by UUID, and UUIDs by username (`http-api.md` §8.2)."""

from typing import Any, TypedDict

import msgspec

from astakos.directory.entities import Component, User
from astakos.http.bodies import JsonBody
from astakos.http.openapi.description import Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import users

FEW = 200
"""Lookups of more names than this run on a separate thread."""


class CatalogsBody(msgspec.Struct):
    """The UUIDs and usernames to look up. Among `uuids`, values that are not strings match no user."""

    uuids: list[Any] | dict[str, Any] | str | None = msgspec.field(default_factory=list)
    displaynames: list[str] | None = msgspec.field(default_factory=list)


class Catalogs(TypedDict):
    """Usernames by UUID, and UUIDs by username as spelled in the request. Unknown ones are left out."""

    uuid_catalog: dict[str, str]
    displayname_catalog: dict[str, str]


CATALOGS = JsonBody(CatalogsBody, any_content_type=True)


@described("account.user_catalogs", body=CATALOGS, answers={200: Reply(Catalogs)})
async def user_catalogs(service: Service, request: Request, _user: User) -> Answer:
    """Looks up usernames by UUID, and UUIDs by username. Requires a user token."""
    return await _catalogs(service, request, null_means_all=False)


@described("account.service_user_catalogs", body=CATALOGS, answers={200: Reply(Catalogs)})
async def service_user_catalogs(service: Service, request: Request, _component: Component) -> Answer:
    """Looks up usernames and UUIDs for a component. If uuids is null, returns all users."""
    return await _catalogs(service, request, null_means_all=True)


async def _catalogs(service: Service, request: Request, *, null_means_all: bool) -> Answer:
    asked = CATALOGS.read(request)
    uuids = None if asked.uuids is None else [item for item in asked.uuids if isinstance(item, str)]
    names = request.dialect.display_names(asked.displaynames)
    if (null_means_all and (uuids is None or names is None)) or len(uuids or ()) + len(names or ()) > FEW:
        body = await service.read_much(_look_up, uuids, names, null_means_all=null_means_all)
    else:
        body = await service.read(_look_up, uuids, names, null_means_all=null_means_all)
    return Answer(body=body)


def _look_up(
    connection: Connection, uuids: list[str] | None, names: list[str] | None, *, null_means_all: bool
) -> bytes:
    if uuids is None and null_means_all:
        uuid_catalog = users.all_names(connection)
    else:
        uuid_catalog = users.names_of(connection, uuids or ())
    if names is None and null_means_all:
        displayname_catalog = {name: uuid for uuid, name in users.all_names(connection).items()}
    else:
        # If a name is sent in several spellings, only the last is returned.
        spellings = {name.lower(): name for name in names or ()}
        found = users.uuids_of(connection, spellings)
        displayname_catalog = {spellings[name]: uuid for name, uuid in found.items()}
    return to_json({"uuid_catalog": uuid_catalog, "displayname_catalog": displayname_catalog})
