"""`POST projects/<id>/action`: decides about applications, and about projects (`http-api.md` §9).

The original has no `handover` and no `move`.
"""

import msgspec
from msgspec import UNSET, UnsetType

from astakos.administration.handover import hand_over
from astakos.administration.nesting import move_project
from astakos.administration.project_changes import act_on_application, act_on_project
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.http.bodies import JsonBody
from astakos.http.faults import BadRequest
from astakos.http.openapi.description import EMPTY, described
from astakos.http.projects.changes import REFUSALS, carry_out
from astakos.http.request import Answer, Request
from astakos.projects.project_actions import ApplicationAction, ProjectAction
from astakos.service.service import Service
from astakos.storage.protocol import Connection


class Decision(msgspec.Struct):
    """Why a project is acted on."""

    reason: str | None = None


class ApplicationDecision(Decision, kw_only=True):
    """Which application is decided, and why."""

    app_id: int


class HandoverDecision(Decision, kw_only=True):
    """The UUID of the user who shall own the project, and why."""

    owner: str


class MoveDecision(Decision, kw_only=True):
    """The UUID of the project that it shall be within, null for none, and why.

    `force` lets the projects above exceed their limits.
    """

    parent: str | None
    force: bool = False


class ProjectActionBody(msgspec.Struct, forbid_unknown_fields=True):
    """Exactly one action."""

    approve: ApplicationDecision | UnsetType = UNSET
    deny: ApplicationDecision | UnsetType = UNSET
    cancel: ApplicationDecision | UnsetType = UNSET
    dismiss: ApplicationDecision | UnsetType = UNSET
    suspend: Decision | UnsetType = UNSET
    unsuspend: Decision | UnsetType = UNSET
    terminate: Decision | UnsetType = UNSET
    reinstate: Decision | UnsetType = UNSET
    handover: HandoverDecision | UnsetType = UNSET
    move: MoveDecision | UnsetType = UNSET


KEYS = ProjectActionBody.__struct_fields__
BODY = JsonBody(ProjectActionBody, further_schema={"minProperties": 1, "maxProperties": 1})


@described("projects.act_on_project", body=BODY, answers={200: EMPTY}, faults=REFUSALS)
async def act_on_project_call(service: Service, request: Request, user: User) -> Answer:
    """Decides about the last application of a project, or about the project itself.

    `approve`, `deny`, `cancel` and `dismiss` need the number of the application, and the UUID of the project.
    `handover` gives the project to another owner, at once. `move` puts it within another project, or takes it
    out, with what it uses.
    """
    body = BODY.read(request)
    given = {name: getattr(body, name) for name in KEYS if getattr(body, name) is not UNSET}
    if len(given) != 1:
        raise BadRequest(f"The body must have exactly one of the keys {', '.join(KEYS)}.")
    ((name, decision),) = given.items()
    key, now, reason = request.parameter.lower(), service.now(), decision.reason or ""

    def act(connection: Connection, actor: Actor) -> None:
        if isinstance(decision, ApplicationDecision):
            action = ApplicationAction(name)
            act_on_application(connection, actor, action, key, decision.app_id, reason, now)
        elif isinstance(decision, HandoverDecision):
            hand_over(connection, actor, key, decision.owner.lower(), reason, now)
        elif isinstance(decision, MoveDecision):
            parent = None if decision.parent is None else decision.parent.lower()
            move_project(connection, actor, key, parent, reason, now, force=decision.force)
        else:
            act_on_project(connection, actor, ProjectAction(name), key, reason, now)

    await carry_out(service, request, user, act)
    return Answer()
