"""`account/v1.0/events` and `projects/<id>/events`: the audit log as feeds (`docs/audit.md`)."""

from typing import cast

from astakos.directory.entities import User
from astakos.events.documents import document_of
from astakos.events.event import RecordedEvent
from astakos.http.commissions.history_pages import LIMIT, USUAL_PAGE, read_number
from astakos.http.faults import BadRequest, Forbidden, ItemNotFound
from astakos.http.openapi.description import Parameter, Reply, described
from astakos.http.projects.readers import is_project_admin, require_owner_or_admin
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import events as event_log
from astakos.storage.tables.commissions import LARGEST_SERIAL
from astakosclient.answer_types import AuditEvent, EventPage

AFTER = Parameter(
    "after",
    "Only return events after this number: the `next` value of the previous page. The default is 0.",
    read_number,
    "a number",
    {"type": "integer", "minimum": 0, "maximum": LARGEST_SERIAL},
)


@described(
    "events.events",
    parameters=[AFTER, LIMIT],
    answers={200: Reply(EventPage)},
    faults=[BadRequest, Forbidden],
)
async def events(service: Service, request: Request, user: User) -> Answer:
    """Lists administrative changes, oldest first. Only project administrators may call this."""
    after, most = AFTER.of(request) or 0, LIMIT.of(request) or USUAL_PAGE

    def page(connection: Connection) -> bytes:
        if not is_project_admin(connection, user):
            raise Forbidden("Only project administrators may see the audit log.")
        found = event_log.read(connection, event_log.Wanted(after=after), most)
        return to_json(_page(found, after, all_origins=True, reader=user.uuid))

    return Answer(body=await service.read_much(page))


@described(
    "projects.events",
    parameters=[AFTER, LIMIT],
    answers={200: Reply(EventPage)},
    faults=[BadRequest, Forbidden, ItemNotFound],
)
async def project_events(service: Service, request: Request, user: User) -> Answer:
    """Lists changes to a project, oldest first. Only its owner and project administrators may call this."""
    after, most = AFTER.of(request) or 0, LIMIT.of(request) or USUAL_PAGE

    def page(connection: Connection) -> bytes:
        require_owner_or_admin(connection, user, request.parameter, "its events")
        wanted = event_log.Wanted(project=request.parameter, after=after)
        found = event_log.read(connection, wanted, most)
        all_origins = is_project_admin(connection, user)
        return to_json(_page(found, after, all_origins=all_origins, reader=user.uuid))

    return Answer(body=await service.read_much(page))


def _page(found: list[RecordedEvent], after: int, *, all_origins: bool, reader: str) -> EventPage:
    return {
        "events": [_shown(one, all_origins=all_origins, reader=reader) for one in found],
        "next": found[-1].number if found else after,
    }


def _shown(recorded: RecordedEvent, *, all_origins: bool, reader: str) -> AuditEvent:
    """Returns an event for a reader; where other people have called from is for administrators."""
    document = document_of(recorded)
    actor = recorded.event.actor.user
    if not (all_origins or actor in (None, reader)):
        document["origin"] = document["key"] = None
    return cast("AuditEvent", document)
