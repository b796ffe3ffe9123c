"""`GET projects/<id>/usage`: what each member uses, for the owner and for project administrators."""

from collections.abc import Mapping
from enum import StrEnum

from astakos.directory.entities import User
from astakos.http.commissions.history_pages import LIMIT, USUAL_PAGE, read_number
from astakos.http.faults import BadRequest, Forbidden, ItemNotFound
from astakos.http.openapi.description import Parameter, Reply, as_text, described
from astakos.http.projects.readers import require_owner_or_admin
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables.project_usage import BY_MEMBER, BY_USAGE, MemberUsage, Order, Position, read_usage
from astakosclient.answer_types import MemberUsage as MemberUsageDocument
from astakosclient.answer_types import ProjectUsage


class Sorting(StrEnum):
    """How a list is sorted."""

    MEMBER = "member"
    USAGE = "usage"


ORDERS: Mapping[Sorting, Order] = {Sorting.MEMBER: BY_MEMBER, Sorting.USAGE: BY_USAGE}


def _position(text: str) -> Position:
    usage, _, holding = text.partition(".")
    return Position(read_number(usage), read_number(holding))


RESOURCE = Parameter("resource", "Only return usage of this resource.", as_text)
USER = Parameter("user", "Only return usage by the user with this UUID.", as_text)
SORT = Parameter(
    "sort",
    "`member` returns the usage of each member together. `usage` returns the largest usage of one resource "
    "first, and requires `resource`. The default is `member`.",
    Sorting,
    "member or usage",
    {"enum": [sorting.value for sorting in Sorting]},
)
CURSOR = Parameter(
    "cursor",
    "The `next` value of the previous page.",
    _position,
    "the `next` value of the previous page",
    {"type": "string", "pattern": r"^[0-9]{1,19}\.[0-9]{1,19}$"},
)


@described(
    "projects.usage",
    parameters=[RESOURCE, USER, SORT, LIMIT, CURSOR],
    answers={200: Reply(ProjectUsage)},
    faults=[BadRequest, Forbidden, ItemNotFound],
)
async def usage(service: Service, request: Request, user: User) -> Answer:
    """Lists what members use of a project. Only its owner and project administrators may call this."""
    order = ORDERS[SORT.of(request) or Sorting.MEMBER]
    resource = RESOURCE.of(request)
    if order is BY_USAGE and resource is None:
        raise BadRequest("sort=usage requires the parameter resource: units of resources differ.")
    most = LIMIT.of(request) or USUAL_PAGE
    member, after = USER.of(request), CURSOR.of(request)

    now = service.now()

    def page(connection: Connection) -> bytes:
        require_owner_or_admin(connection, user, request.parameter, "its usage")
        found = read_usage(
            connection,
            request.parameter,
            resource=resource,
            user=member,
            order=order,
            after=after,
            most=most + 1,
            now=now,
        )
        return to_json(_document(found, most))

    return Answer(body=await service.read_much(page))


def _document(found: list[MemberUsage], most: int) -> ProjectUsage:
    page = found[:most]
    end = page[-1].position if len(found) > most else None
    return {
        "usage": [_member(one) for one in page],
        "next": None if end is None else f"{end.usage}.{end.holding}",
    }


def _member(one: MemberUsage) -> MemberUsageDocument:
    return {
        "user": one.user,
        "state": one.state.value,
        "resource": one.resource,
        "usage": one.holding.usage_max,
        "pending": one.holding.pending,
        "limit": one.holding.limit,
    }
