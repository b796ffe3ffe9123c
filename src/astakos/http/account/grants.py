"""`GET quotas/grants`: what the caller has been given besides the limits of periods (`docs/ledger.md`)."""

from astakos.clock import to_iso
from astakos.directory.entities import User
from astakos.http.commissions.history_pages import LIMIT, USUAL_PAGE
from astakos.http.openapi.description import Parameter, Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.ledger.grants import NEVER
from astakos.projects.limits import project_holder, user_holder
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import grants as stored
from astakos.storage.tables.metered_figures import MeteredFigures
from astakosclient.answer_types import OwnGrant


def _number(text: str) -> int:
    number = int(text)
    if not 0 < number <= stored.LAST:
        raise ValueError(f"it must be from 1 to {stored.LAST}")
    return number


BEFORE = Parameter(
    "before",
    "Only return grants that were made before this one: the `id` of the last one of the previous page.",
    _number,
    "the id of a grant",
    {"type": "integer", "minimum": 1},
)


@described("quotas.grants", parameters=[BEFORE, LIMIT], answers={200: Reply(list[OwnGrant])})
async def grants(service: Service, request: Request, user: User) -> Answer:
    """Lists the caller's grants, whatever has become of them, the newest first.

    The key of a project is told of those in the project.
    """
    before, most, now = BEFORE.of(request), LIMIT.of(request) or USUAL_PAGE, service.now()

    def page(connection: Connection) -> bytes:
        figures = MeteredFigures(connection, now)
        project = None if user.key is None else user.key.project
        found = stored.list_of_holder(
            connection,
            user_holder(user.uuid),
            before=stored.LAST if before is None else before,
            most=most,
            source=None if project is None else project_holder(project),
        )
        return to_json([_document(one, figures) for one in found])

    return Answer(body=await service.read_much(page))


def _document(one: stored.StoredGrant, figures: MeteredFigures) -> OwnGrant:
    base = one.base
    state = one.state_at(figures.now)
    return {
        "id": one.number,
        "project": str(base.source).removeprefix(project_holder("")),
        "resource": base.resource,
        "amount": one.holding.limit,
        "left": one.left if state in (stored.Standing.OPEN, stored.Standing.FUTURE) else 0,
        "starts": to_iso(one.starts),
        "expires": None if one.expires == NEVER else to_iso(one.expires),
        "priority": one.priority,
        "note": one.note,
        "lifts": list(figures.lifted(base.resource, one.lifts)),
        "state": state.value,
    }
