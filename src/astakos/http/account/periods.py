"""`GET quotas/periods`: what the caller has used of a budget, period by period (`docs/ledger.md`)."""

from astakos.clock import from_iso, to_iso
from astakos.directory.entities import User
from astakos.http.account.key_quotas import find_own_key
from astakos.http.commissions.history_pages import LIMIT, OF_KEYS, PREFIXES, USUAL_PAGE, read_prefix
from astakos.http.faults import BadRequest, ItemNotFound
from astakos.http.openapi.description import Parameter, Reply, as_text, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables.meters import find_definitions
from astakos.storage.tables.periods import PeriodUsage, periods_of, periods_of_key
from astakosclient.answer_types import Period

RESOURCE = Parameter("resource", "The meter, for example `llm.tokens/month`. Required.", as_text)
BEFORE = Parameter(
    "before",
    "Only return periods that began before this time: the `start` of the last one of the previous page.",
    from_iso,
    "an ISO 8601 time with a zone",
    {"type": "string", "format": "date-time"},
)
KEY = Parameter(
    "key",
    "Return the periods of the caller's key with this prefix, in all projects together.",
    read_prefix,
    PREFIXES,
    OF_KEYS,
)


@described(
    "quotas.periods",
    parameters=[RESOURCE, KEY, BEFORE, LIMIT],
    answers={200: Reply(list[Period])},
    faults=[BadRequest, ItemNotFound],
)
async def periods(service: Service, request: Request, user: User) -> Answer:
    """Lists what the caller used of a budget in each period, the newest first. Empty for rates.

    The key of a project can only ask about itself and its project.
    """
    resource = RESOURCE.of(request)
    if resource is None:
        raise BadRequest("The parameter resource is required: a meter, for example llm.tokens/month.")
    prefix = KEY.of(request)
    before, most, now = BEFORE.of(request), LIMIT.of(request) or USUAL_PAGE, service.now()

    def page(connection: Connection) -> bytes:
        if resource not in find_definitions(connection):
            raise BadRequest(
                f"{resource!r} is not a meter. Name one of GET resources, for example llm.tokens/month."
            )
        if prefix is not None:
            found = periods_of_key(
                connection,
                user.uuid,
                find_own_key(connection, user, prefix).prefix,
                resource,
                before=before,
                most=most,
                now=now,
            )
            return to_json([_document(one) for one in found])
        project = None if user.key is None else user.key.project
        found = periods_of(
            connection, user.uuid, resource, before=before, most=most, now=now, project=project
        )
        return to_json([_document(one) for one in found])

    return Answer(body=await service.read_much(page))


def _document(one: PeriodUsage) -> Period:
    return {
        "project": one.project,
        "start": to_iso(one.start),
        "end": to_iso(one.end),
        "used": one.used,
        "is_over": one.is_over,
    }
