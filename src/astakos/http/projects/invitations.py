"""`projects/<id>/invitations` and `projects/invitations/<id>`: makes, lists and revokes invitations."""

import os
from typing import Annotated, Final

import msgspec

from astakos.administration.invitations import invite, list_invitations, revoke
from astakos.clock import DAY, from_iso, to_iso
from astakos.directory.entities import User
from astakos.directory.tokens import new_token
from astakos.events.event import Actor
from astakos.http.bodies import JsonBody
from astakos.http.faults import BadRequest, Forbidden, ItemNotFound, UnprocessableEntity
from astakos.http.making import KEY, Secrets, once_of, replies
from astakos.http.media_types import JSON_TYPE
from astakos.http.openapi.description import EMPTY, Reply, described
from astakos.http.projects.actors import actor_of
from astakos.http.projects.changes import REFUSALS, carry_out
from astakos.http.projects.refused_changes import refusals_as_faults
from astakos.http.request import Answer, Request
from astakos.http.routing import serial_of
from astakos.http.serialization import to_json
from astakos.projects.invitations import MOST_USES, USUAL_DAYS, Invitation
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakosclient.answer_types import Invitation as InvitationDocument
from astakosclient.answer_types import NewInvitation


class NewInvitationBody(msgspec.Struct, forbid_unknown_fields=True):
    """How many users can join with the invitation, and until when: an ISO 8601 time with a time zone.

    By default, one user can, within a week. An invitation lasts for a year at most.
    """

    max_uses: Annotated[int, msgspec.Meta(ge=1, le=MOST_USES)] = 1
    expires: str | None = None


class InvitationMadeBefore(InvitationDocument):
    """An invitation that an earlier request with the same Idempotency-Key has made, without its code."""

    invitation: None
    message: str


BODY = JsonBody(NewInvitationBody)
SECRETS: Final = Secrets(
    ("invitation",), "Revoke the invitation and make another one, with another Idempotency-Key."
)


@described(
    "projects.create_invitation",
    parameters=[KEY],
    body=BODY,
    answers={201: replies(NewInvitation, InvitationMadeBefore)},
    faults=[*REFUSALS, UnprocessableEntity],
)
async def create_invitation(service: Service, request: Request, user: User) -> Answer:
    """Makes an invitation to a project, with which users join whatever its join policy is.

    `invitation` in the answer is its code, which is shown only here. Only the owner of the project and
    project administrators may invite.
    """
    body, now = BODY.read(request), service.now()
    expires, secret = _expiry(body, now), new_token(os.urandom)
    once = once_of(service, request, user.uuid, body, SECRETS)

    def change(connection: Connection, actor: Actor) -> NewInvitation:
        made = invite(connection, actor, request.parameter, body.max_uses, expires, secret, now)
        return {**_document(made.invitation, now), "invitation": made.code}

    return once.answer(201, await carry_out(service, request, user, once.made_by(change)))


@described(
    "projects.list_invitations",
    answers={200: Reply(list[InvitationDocument])},
    faults=[Forbidden, ItemNotFound],
)
async def list_of_project(service: Service, request: Request, user: User) -> Answer:
    """Lists the invitations of a project, for its owner and for project administrators."""

    def read(connection: Connection) -> list[InvitationDocument]:
        actor, now = actor_of(connection, user), service.now()
        return [_document(one, now) for one in list_invitations(connection, actor, request.parameter)]

    with refusals_as_faults():
        return Answer(body=to_json(await service.read(read)))


@described("projects.revoke_invitation", answers={204: EMPTY}, faults=[Forbidden, ItemNotFound])
async def revoke_invitation(service: Service, request: Request, user: User) -> Answer:
    """Revokes an invitation: nobody can join with it any more. Whoever has joined stays a member."""
    number, now = serial_of(request.parameter), service.now()
    await carry_out(service, request, user, lambda connection, actor: revoke(connection, actor, number, now))
    return Answer(204, media_type=JSON_TYPE)


def _expiry(body: NewInvitationBody, now: int) -> int:
    if body.expires is None:
        return now + USUAL_DAYS * DAY
    try:
        return from_iso(body.expires)
    except ValueError as error:
        raise BadRequest(
            f"expires must be an ISO 8601 time with a time zone, not {body.expires!r}."
        ) from error


def _document(invitation: Invitation, now: int) -> InvitationDocument:
    return {
        "id": invitation.id,
        "project": invitation.project,
        "state": invitation.state(now).value,
        "max_uses": invitation.max_uses,
        "uses": invitation.uses,
        "created": to_iso(invitation.created),
        "expires": to_iso(invitation.expires),
        "creator": invitation.creator,
    }
