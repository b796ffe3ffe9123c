"""`projects/memberships/<id>`: shows a membership, and acts on it (`http-api.md` §9)."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from astakos.administration.membership_changes import act
from astakos.administration.reasons import LONGEST_REASON
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.http.bodies import JsonBody
from astakos.http.faults import BadRequest, Forbidden, ItemNotFound
from astakos.http.openapi.description import EMPTY, Reply, described
from astakos.http.projects.actors import actor_of
from astakos.http.projects.changes import REFUSALS, carry_out
from astakos.http.projects.membership_documents import allowed_for, membership_document
from astakos.http.request import Answer, Request
from astakos.http.routing import serial_of
from astakos.http.serialization import to_json
from astakos.projects.membership_actions import VIEWERS, MembershipAction, sees
from astakos.projects.roles import in_words
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import memberships, projects
from astakosclient.answer_types import Membership

Reason = Annotated[str, msgspec.Meta(max_length=LONGEST_REASON)] | None | UnsetType


class MembershipActionBody(msgspec.Struct, forbid_unknown_fields=True):
    """Exactly one action, whose value is the reason for it: a text, which may be empty, or null."""

    leave: Reason = UNSET
    cancel: Reason = UNSET
    accept: Reason = UNSET
    reject: Reason = UNSET
    remove: Reason = UNSET


KEYS = MembershipActionBody.__struct_fields__
BODY = JsonBody(MembershipActionBody, further_schema={"minProperties": 1, "maxProperties": 1})


@described("memberships.get_membership", answers={200: Reply(Membership)}, faults=[Forbidden, ItemNotFound])
async def get_membership(service: Service, request: Request, user: User) -> Answer:
    """Retrieves a membership. Only the member, the owner of the project and project administrators may."""

    number = serial_of(request.parameter)

    def read(connection: Connection) -> Membership:
        record = memberships.find(connection, number)
        if record is None:
            raise _missing(request)
        actor = actor_of(connection, user)
        if not sees(actor, projects.find(connection, record.project), record):
            raise Forbidden(f"Only {in_words(VIEWERS)} may see this membership.")
        return membership_document(record, allowed_for(connection, actor, record))

    return Answer(body=to_json(await service.read(read)))


@described("memberships.act_on_membership", body=BODY, answers={200: EMPTY}, faults=REFUSALS)
async def act_on_membership(service: Service, request: Request, user: User) -> Answer:
    """Performs one action on a membership: leave, cancel, accept, reject, or remove."""
    body = BODY.read(request)
    given = {name: getattr(body, name) for name in KEYS if getattr(body, name) is not UNSET}
    if len(given) != 1:
        raise BadRequest(f"The body must have exactly one of the keys {', '.join(KEYS)}.")
    ((name, reason),) = given.items()
    number, now = serial_of(request.parameter), service.now()

    def change(connection: Connection, actor: Actor) -> None:
        if memberships.find(connection, number) is None:
            raise _missing(request)
        act(connection, actor, number, MembershipAction(name), now, reason=reason or "")

    await carry_out(service, request, user, change)
    return Answer()


def _missing(request: Request) -> ItemNotFound:
    return ItemNotFound(f"There is no membership {request.parameter}.")
