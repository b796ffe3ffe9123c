"""`projects/memberships`: lists memberships, and lets users join projects (`http-api.md` §9)."""

from collections.abc import Callable, Iterator

import msgspec
from msgspec import UNSET, UnsetType

from astakos.administration.membership_changes import enroll, join
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.http.bodies import JsonBody
from astakos.http.commissions.history_pages import LARGEST_PAGE, page_size, read_number
from astakos.http.faults import BadRequest, Conflict, TooManyAttempts, UnprocessableEntity
from astakos.http.making import KEY, once_of, replies
from astakos.http.openapi.description import Parameter, Reply, as_text, described
from astakos.http.projects import invited_joins
from astakos.http.projects.actors import actor_of
from astakos.http.projects.changes import REFUSALS, carry_out
from astakos.http.projects.membership_documents import list_document
from astakos.http.request import Answer, Request
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables.memberships import LARGEST_ID
from astakos.storage.tables.visible_memberships import ListedMembership, list_memberships_seen_by
from astakosclient.answer_types import Identified, Membership


class JoinBody(msgspec.Struct):
    """The UUID or the number of the project to join, or the code of an invitation to it, or both."""

    project: str | int | UnsetType = UNSET
    invitation: str | UnsetType | None = UNSET


class EnrollBody(msgspec.Struct):
    """The project, and the email address of a user. Without an address, the request is refused with 409."""

    project: str | int
    user: str | None = None


class NewMembershipBody(msgspec.Struct, forbid_unknown_fields=True):
    """Exactly one of the two: the caller joins, or another user is enrolled."""

    join: JoinBody | UnsetType = UNSET
    enroll: EnrollBody | UnsetType = UNSET


MOST_WITHOUT_LIMIT = 100_000
"""How many memberships a list without `limit` has at most: about 25 MB, a second of work."""
Change = Callable[[Connection, Actor], int]

BODY = JsonBody(NewMembershipBody, further_schema={"minProperties": 1, "maxProperties": 1})
PROJECT = Parameter("project", "Only return memberships in the project with this UUID.", as_text)
AFTER = Parameter(
    "after",
    "Only return memberships with IDs above this one. The next page begins after the last ID of a full page.",
    read_number,
    "a number",
    {"type": "integer", "minimum": 0, "maximum": LARGEST_ID},
)
LIMIT = Parameter(
    "limit",
    "The maximum number of memberships to return. Without it, a list of more than "
    f"{MOST_WITHOUT_LIMIT} memberships is refused.",
    page_size,
    f"a number from 1 to {LARGEST_PAGE}",
    {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE},
)


@described(
    "memberships.list_memberships",
    parameters=[PROJECT, AFTER, LIMIT],
    answers={200: Reply(list[Membership])},
    faults=[BadRequest],
)
async def list_memberships(service: Service, request: Request, user: User) -> Answer:
    """Lists the caller's memberships and those in the caller's projects, in ascending order of their IDs.

    Project administrators see all memberships.
    """
    project, after, most = PROJECT.of(request), AFTER.of(request) or 0, LIMIT.of(request)

    def read(connection: Connection) -> bytes:
        actor = actor_of(connection, user)
        viewer = None if actor.is_project_admin else user.uuid
        listed = list_memberships_seen_by(
            connection,
            viewer,
            project=project,
            after=after,
            most=MOST_WITHOUT_LIMIT + 1 if most is None else most,
        )
        return list_document(connection, actor, _bounded(listed))

    return Answer(body=await service.read_much(read))


def _bounded(listed: Iterator[ListedMembership]) -> Iterator[ListedMembership]:
    """Yields a list up to the most that one response has."""
    for number, one in enumerate(listed):
        if number == MOST_WITHOUT_LIMIT:
            raise BadRequest(
                f"There are more than {MOST_WITHOUT_LIMIT} memberships. Ask for pages, with limit and after."
            )
        yield one


@described(
    "memberships.add_membership",
    parameters=[KEY],
    body=BODY,
    answers={200: replies(Identified)},
    faults=[*REFUSALS, TooManyAttempts, UnprocessableEntity],
)
async def add_membership(service: Service, request: Request, user: User) -> Answer:
    """Requests membership of the caller in a project, or makes another user a member. Returns its ID.

    A request is accepted at once if the join policy of the project is `auto` and there is room. Otherwise the
    owner or a project administrator accepts or rejects it. Only they may enroll. With the code of an
    invitation, the caller becomes a member at once, whatever the join policy is.
    """
    body, now = BODY.read(request), service.now()
    join_body, enroll_body = body.join, body.enroll
    once = once_of(service, request, user.uuid, body)
    if isinstance(join_body, JoinBody) and enroll_body is UNSET and join_body.invitation:
        project = None if join_body.project is UNSET else str(join_body.project)
        if await once.earlier() is None:
            await invited_joins.known_invitation(service, request, user, join_body.invitation)
        add = invited_joins.joining(join_body.invitation, user.uuid, now, project)
    elif isinstance(join_body, JoinBody) and enroll_body is UNSET:
        add = _joining(join_body, user.uuid, now)
    elif isinstance(enroll_body, EnrollBody) and join_body is UNSET:
        add = _enrolling(enroll_body, now)
    else:
        raise BadRequest("The body must have exactly one of the keys join and enroll.")

    def change(connection: Connection, actor: Actor) -> Identified:
        return {"id": add(connection, actor)}

    return once.answer(200, await carry_out(service, request, user, once.made_by(change)))


def _joining(body: JoinBody, user: str, now: int) -> Change:
    if body.project is UNSET:
        raise BadRequest("The project to join is missing, or the code of an invitation.")
    return lambda connection, actor: join(connection, actor, str(body.project), user, now)


def _enrolling(body: EnrollBody, now: int) -> Change:
    address = body.user
    if address is None:
        raise Conflict('The email address of the user is missing: {"project": …, "user": "ann@example.org"}.')
    return lambda connection, actor: enroll(connection, actor, str(body.project), address, now)
