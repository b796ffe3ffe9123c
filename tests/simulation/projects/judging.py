"""Which status each call must have: the checks of `identity-and-projects.md` §3.2 and §4, in their order.

Each function lists its checks as they are told; the first that fails decides. Where several checks fail at
once whose order the protocol leaves open, any of their statuses is right.
"""

from collections.abc import Iterable
from typing import NamedTuple

from simulation.projects.calls import (
    Act,
    Call,
    ChangeState,
    Create,
    Decide,
    Enroll,
    Flaw,
    Join,
    Modify,
    SetDefaultProject,
)
from simulation.projects.state import (
    ACCEPTED_TYPE,
    ASSOCIATED,
    DRAWING,
    PENDING_APPLICATIONS,
    Application,
    Membership,
    Project,
    State,
    both_keys,
)

Checks = Iterable[tuple[bool, int]]
"""What must hold, and the status where it does not."""


def judge(state: State, call: Call) -> frozenset[int]:
    """The statuses of which any is right."""
    if call.caller in state.inactive:
        return frozenset({401})
    if isinstance(call, SetDefaultProject):
        return _default_project(state, call)
    failing = failing_checks(state, call)
    success = 201 if isinstance(call, Create | Modify) else 200
    return frozenset({failing[0].status if failing else success})


class Failing(NamedTuple):
    """A check that fails.

    Attributes:
        place: its place among the checks of the call.
        status: the status that it leads to.
    """

    place: int
    status: int


def failing_checks(state: State, call: Call) -> list[Failing]:
    """The checks of an active user's call that fail, of which the first decides."""
    return [Failing(place, status) for place, (holds, status) in enumerate(_checks(state, call)) if not holds]


def _checks(state: State, call: Call) -> Checks:
    match call:
        case Create():
            return _create(state, call)
        case Modify():
            return _modify(state, call)
        case Decide():
            return _decide(state, call)
        case ChangeState():
            return _change_state(state, call)
        case Join():
            return _join(state, call)
        case Enroll():
            return _enroll(state, call)
        case Act():
            return _act(state, call)
        case SetDefaultProject():
            return [(status == 200, status) for status in sorted(_default_project(state, call))]


def may_act(state: State, caller: str, membership: Membership, action: str) -> bool:
    """Whether the caller could do that now, as `allowed_actions` tells."""
    return all(holds for holds, _ in _act_checks(state, caller, membership, action))


def replaced_by(project: Project) -> list[Application]:
    """The applications that a new one for the same project replaces."""
    return [application for application in project.applications if application.state == "pending"]


def pending_change(caller: str, replaced: Iterable[Application]) -> dict[str, int]:
    """What a new application charges to `astakos.pending_app` of each applicant."""
    change = {caller: 1}
    for application in replaced:
        change[application.applicant] = change.get(application.applicant, 0) - 1
    return change


def _is_admin(state: State, caller: str) -> bool:
    return state.people[caller].admin


def _has_room_for_application(state: State, caller: str, change: dict[str, int]) -> bool:
    """Whether the ledger takes the charge; project administrators pass by force."""
    if _is_admin(state, caller):
        return True
    return all(
        state.used(key).possible + quantity <= (state.limit(key) or 0)
        for user, quantity in change.items()
        if quantity >= 0
        for key in both_keys(user, user, PENDING_APPLICATIONS)
    )


def _create(state: State, call: Create) -> Checks:
    yield call.flaw is Flaw.NONE, 400
    yield _has_room_for_application(state, call.caller, {call.caller: 1}), 409


def _modify(state: State, call: Modify) -> Checks:
    yield call.flaw is not Flaw.FORM, 400
    project = state.projects.get(call.project)
    yield project is not None, 404
    if project is None:
        return
    yield call.caller == project.owner or _is_admin(state, call.caller), 403
    yield project.initialized, 409
    yield call.flaw is not Flaw.VALUE, 400
    owner = call.fields.get("owner")
    yield owner == project.owner or owner not in state.inactive, 400
    change = pending_change(call.caller, replaced_by(project))
    yield _has_room_for_application(state, call.caller, change), 409
    fixed = {"owner", "name", "homepage", "description"}
    yield not (project.system and fixed & call.fields.keys()), 409


def _decide(state: State, call: Decide) -> Checks:
    application = state.application(call.application)
    yield application is not None, 404
    if application is None:
        return
    project = state.projects.get(call.project)
    last = project.applications[-1] if project and project.applications else None
    yield application is last, 409
    if project is None:
        return
    admin = _is_admin(state, call.caller)
    applicant = call.caller == application.applicant
    yield admin or (applicant and call.action in {"cancel", "dismiss"}), 403
    yield application.state == ("denied" if call.action == "dismiss" else "pending"), 409
    if call.action == "approve":
        name = application.asked["name"] or project.definition["name"]
        yield all(other is project for other in state.holds_name(name)), 409


def _change_state(state: State, call: ChangeState) -> Checks:
    project = state.projects.get(call.project)
    yield project is not None, 404
    if project is None:
        return
    yield _is_admin(state, call.caller), 403
    match call.action:
        case "suspend":
            yield project.state == "active", 409
        case "unsuspend":
            yield project.state == "suspended", 409
        case "terminate":
            yield project.alive and not project.system, 409
        case "reinstate":
            yield project.state == "terminated", 409
            yield not any(state.holds_name(project.definition["name"])), 409


def _has_room(state: State, project: Project) -> bool:
    largest = project.definition["max_members"]
    assert isinstance(largest, int)
    return state.members(project.uuid) + 1 <= largest


def _join(state: State, call: Join) -> Checks:
    project = state.projects.get(call.project)
    yield project is not None, 404
    if project is None:
        return
    yield project.alive, 409
    yield project.definition["join_policy"] != "closed", 409
    yield not state.member(call.caller, call.project, ASSOCIATED), 409


def is_accepted_at_once(state: State, call: Join) -> bool:
    project = state.projects[call.project]
    return project.definition["join_policy"] == "auto" and _has_room(state, project)


def _enroll(state: State, call: Enroll) -> Checks:
    user = next((person for person in state.people.values() if person.email == call.email), None)
    project = state.projects.get(call.project)
    yield user is not None, 409
    yield project is not None, 409
    if user is None:
        return
    if project is None:
        return
    yield user.uuid not in state.inactive, 409
    yield call.caller == project.owner or _is_admin(state, call.caller), 403
    yield project.alive, 409
    yield project.definition["join_policy"] != "closed", 409
    yield _has_room(state, project), 409
    yield not state.member(user.uuid, call.project, ACCEPTED_TYPE), 409


def _act(state: State, call: Act) -> Checks:
    membership = state.membership(call.membership)
    yield membership is not None, 404
    if membership is None:
        return
    yield from _act_checks(state, call.caller, membership, call.action)


def _act_checks(state: State, caller: str, membership: Membership, action: str) -> Checks:
    project = state.projects[membership.project]
    from_states = ACCEPTED_TYPE if action in {"leave", "remove"} else ("requested",)
    yield membership.state in from_states, 409
    if action == "accept":
        yield membership.user not in state.inactive, 409
    entitled = membership.user if action in {"leave", "cancel"} else project.owner
    yield caller == entitled or _is_admin(state, caller), 403
    yield project.alive, 409
    match action:
        case "accept":
            yield project.definition["join_policy"] != "closed", 409
            yield _has_room(state, project), 409
        case "leave" | "remove":
            yield project.definition["leave_policy"] != "closed", 409


def _default_project(state: State, call: SetDefaultProject) -> frozenset[int]:
    """The order of 403 and 409 is not told."""
    project = state.projects.get(call.project)
    membership = state.memberships.get((call.caller, call.project))
    if project is None or membership is None:
        return frozenset({404})
    forbidden = membership.state not in DRAWING or project.state == "suspended"
    refusals = {403} if forbidden else set()
    return frozenset((refusals | (set() if project.alive else {409})) or {200})
