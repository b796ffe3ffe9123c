"""`ui/projects/<uuid>/members`: who belongs to a project and who asks to, for those who look after it."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from astakos.administration.membership_changes import act, enroll, facts_about
from astakos.http.faults import BadRequest, ItemNotFound
from astakos.http.pages.page_kinds import user_action, user_making, user_page
from astakos.http.pages.projects.visited_project import (
    PROJECTS,
    VisitedProject,
    looked_after,
    sentence,
    tried,
)
from astakos.http.pages.refusals import NO_PAGE
from astakos.http.pages.visits import Question, UserVisit
from astakos.http.request import Answer
from astakos.http.routing import serial_of
from astakos.pages.tables import Column, TableState, state_of
from astakos.projects.membership_actions import MembershipAction, allowed_actions
from astakos.projects.project import ACCEPTED_TYPE, MembershipState
from astakos.projects.refusals import ProjectRefusedError
from astakos.storage.protocol import Connection
from astakos.storage.tables import memberships, users
from astakos.storage.tables.project_members import FoundMember, find_members

SIZE: Final = 50
STATES: Final[Mapping[MembershipState, str]] = {
    MembershipState.REQUESTED: "asks to join",
    MembershipState.ACCEPTED: "member",
    MembershipState.LEAVE_REQUESTED: "asks to leave",
    MembershipState.SUSPENDED: "not active",
}
SHOWN: Final = ((*ACCEPTED_TYPE, MembershipState.REQUESTED), (MembershipState.REQUESTED,))
OFFERED: Final = (MembershipAction.ACCEPT, MembershipAction.REJECT, MembershipAction.REMOVE)
DONE: Final[Mapping[MembershipAction, str]] = {
    MembershipAction.ACCEPT: "is a member now",
    MembershipAction.REJECT: "is not accepted",
    MembershipAction.REMOVE: "is no member any more",
}
ENROLLED_ALREADY: Final = "You have already sent this form. It made them a member."
REMOVED: Final = (
    "They can draw nothing from this project any more.",
    "What they still use of it stays charged until the services release it.",
    "To come back, they have to join again, or you make them a member again.",
)


class ShownMember(NamedTuple):
    """A membership, and what the reader can do about it now."""

    member: FoundMember
    since: int | None
    allowed: frozenset[MembershipAction]


class Found(NamedTuple):
    """What the page reads; `end` is where the next page begins."""

    seen: VisitedProject
    total: int
    rows: list[ShownMember]
    end: int | None


async def members(visit: UserVisit) -> Answer:
    """Shows the page."""
    return await _shown(visit)


async def _shown(
    visit: UserVisit, refusal: ProjectRefusedError | None = None, *, enrolling: bool = False
) -> Answer:
    query = visit.request.query
    path = f"{visit.site.base}{PROJECTS}/{visit.request.parameter}/members"
    state = state_of(query, path, [Column("member", "Member", sorts=False)], sort="member", size=SIZE)
    only_requests = query.get("show") == "requests"
    found = await visit.service.read(_find, visit, state, only_requests)
    message = "" if refusal is None else sentence(refusal.message)
    return visit.page(
        "projects/members.html",
        status=200 if refusal is None else refusal.kind.value,
        seen=found.seen,
        project=found.seen.project,
        can=found.seen.permitted,
        found=found,
        state=state,
        states=STATES,
        only_requests=only_requests,
        after=query.get("after", ""),
        error="" if enrolling else message,
        enroll_error=message if enrolling else "",
        address=visit.form.get("address", ""),
        tab="members",
    )


def _find(connection: Connection, visit: UserVisit, state: TableState, only_requests: bool) -> Found:
    seen = looked_after(connection, visit)
    uuid = seen.project.uuid
    after = serial_of(_digits(state.query.get("after", "")))
    found = find_members(
        connection, uuid, SHOWN[only_requests], search=state.search, after=after, most=state.size
    )
    actor = visit.actor(connection)
    rows = []
    for one in found.found:
        record = one.record
        user = users.find_by_uuid(connection, record.user)
        allowed = allowed_actions(facts_about(connection, actor, seen.project, user, record))
        rows.append(ShownMember(one, record.entered.get(record.state), frozenset(allowed) & set(OFFERED)))
    return Found(seen, memberships.count_members(connection, uuid), rows, found.end)


async def act_on_member(visit: UserVisit) -> Answer:
    """Accepts, rejects or removes somebody."""
    try:
        action = MembershipAction(visit.form.get("action", ""))
    except ValueError:
        raise BadRequest("The form names no action.") from None
    if action not in OFFERED:
        raise BadRequest("The form names no action.")
    number = serial_of(_digits(visit.form.get("membership", "")))
    seen, address = await visit.service.read(_member, visit, number)
    back = f"{seen.path}/members"
    if action is MembershipAction.REMOVE and not visit.is_confirmed:
        return visit.ask(Question(f"Remove {address}?", REMOVED, "Remove", back))
    now, reason = visit.site.now, visit.reason
    refusal = await tried(
        visit, lambda connection, actor: act(connection, actor, number, action, now, reason=reason)
    )
    if refusal is not None:
        return await _shown(visit, refusal)
    return visit.done(f"{address} {DONE[action]}.", back)


def _member(connection: Connection, visit: UserVisit, number: int) -> tuple[VisitedProject, str]:
    seen, record = looked_after(connection, visit), memberships.find(connection, number)
    user = None if record is None else users.find_by_uuid(connection, record.user)
    if record is None or user is None or record.project != seen.project.uuid:
        raise ItemNotFound(NO_PAGE)
    return seen, user.email


async def enroll_member(visit: UserVisit) -> Answer:
    """Makes somebody a member."""
    seen = await visit.service.read(looked_after, visit)
    address, uuid, now = visit.form.get("address", "").strip(), seen.project.uuid, visit.site.now
    back = f"{seen.path}/members"
    refusal = await tried(
        visit,
        lambda connection, actor: enroll(connection, actor, uuid, address, now),
        place=back,
        again=ENROLLED_ALREADY,
    )
    if refusal is not None:
        return await _shown(visit, refusal, enrolling=True)
    return visit.done(f"{address} is a member now.", back)


def _digits(text: str) -> str:
    return text if text.isascii() and text.isdigit() else "0"


ROUTES = (
    user_page(f"{PROJECTS}/{{uuid}}/members", members),
    user_action(f"{PROJECTS}/{{uuid}}/members/act", act_on_member),
    user_making(f"{PROJECTS}/{{uuid}}/members/enroll", enroll_member),
)
