"""What each call that succeeded has changed (`identity-and-projects.md` §3.2 and §4)."""

from collections.abc import Mapping
from typing import Any

from simulation.projects.calls import (
    Act,
    Call,
    ChangeState,
    Create,
    Decide,
    Enroll,
    Join,
    Modify,
    SetDefaultProject,
)
from simulation.projects.judging import is_accepted_at_once, pending_change, replaced_by
from simulation.projects.state import (
    DEFINITION,
    DRAWING,
    PENDING_APPLICATIONS,
    Application,
    Capacity,
    Membership,
    Project,
    State,
    Suspended,
    both_keys,
    definition_of,
)


def carry_out(state: State, call: Call, answer: Mapping[str, Any], now: str | None) -> None:
    """Changes the state as a call did that was answered with success.

    Args:
        state: what the model remembers.
        call: the call.
        answer: the JSON of the answer, from which the new identifiers come.
        now: the time of the call as the wire says it; None if it is not known.
    """
    match call:
        case Create():
            _create(state, call, answer, now)
        case Modify():
            _modify(state, call, answer)
        case Decide():
            _decide(state, call, now)
        case ChangeState():
            _change_state(state, call, now)
        case Join():
            membership = _membership(state, call.caller, call.project, answer)
            accepted = is_accepted_at_once(state, call)
            _enter(state, membership, "requested", now)
            if accepted:
                _enter(state, membership, "accepted", now)
        case Enroll():
            user = next(person.uuid for person in state.people.values() if person.email == call.email)
            _enter(state, _membership(state, user, call.project, answer), "accepted", now)
        case Act():
            _act(state, call, now)
        case SetDefaultProject():
            state.default_projects[call.caller] = call.project


def _charge(state: State, user: str, quantity: int) -> None:
    for key in both_keys(user, user, PENDING_APPLICATIONS):
        usage = state.used(key)
        usage.certain += quantity
        usage.possible += quantity


def _application(
    number: int, applicant: str, asked: Mapping[str, object], resources: dict[str, Capacity]
) -> Application:
    values = {key: asked.get(key) for key in (*DEFINITION, "start_date", "comments")}
    return Application(number, applicant, "pending", values, dict(resources))


def _create(state: State, call: Create, answer: Mapping[str, Any], now: str | None) -> None:
    definition = definition_of(**{"owner": call.caller, **call.fields})
    asked = {"start_date": None, "comments": "", **call.fields, **definition}
    project = Project(answer["id"], "uninitialized", definition, dict(call.resources), created=now)
    project.applications.append(_application(answer["application"], call.caller, asked, call.resources))
    state.projects[project.uuid] = project
    _charge(state, call.caller, 1)


def _modify(state: State, call: Modify, answer: Mapping[str, Any]) -> None:
    project = state.projects[call.project]
    replaced = replaced_by(project)
    for user, quantity in pending_change(call.caller, replaced).items():
        _charge(state, user, quantity)
    for application in replaced:
        application.state = "replaced"
    project.applications.append(_application(answer["application"], call.caller, call.fields, call.resources))


def _decide(state: State, call: Decide, now: str | None) -> None:
    project = state.projects[call.project]
    application = project.applications[-1]
    endings = {"approve": "approved", "deny": "denied", "cancel": "cancelled", "dismiss": "dismissed"}
    application.state = endings[call.action]
    if call.action != "dismiss":
        _charge(state, application.applicant, -1)
    if call.action == "approve":
        _forget_suspensions_of(state, project.uuid)
        _grant(state, project, application)
    elif call.action in {"cancel", "dismiss"} and project.state == "uninitialized":
        project.state = "deleted"


def _grant(state: State, project: Project, application: Application) -> None:
    if project.state == "uninitialized":
        for resource in state.resources.values():
            default = resource.project_default
            project.capacities.setdefault(resource.name, Capacity(default, default))
    else:
        project.definition.update(
            {key: application.asked[key] for key in DEFINITION if application.asked[key] is not None}
        )
        project.capacities.update(application.resources)
    project.state = "active"


def _change_state(state: State, call: ChangeState, now: str | None) -> None:
    project = state.projects[call.project]
    _forget_suspensions_of(state, project.uuid)
    if call.action in {"suspend", "terminate"}:
        project.state = "suspended" if call.action == "suspend" else "terminated"
        project.deactivated = now
    else:
        project.state = "active"
    if call.action == "terminate":
        for user, default in list(state.default_projects.items()):
            if default == project.uuid:
                state.default_projects[user] = user


def _membership(state: State, user: str, project: str, answer: Mapping[str, Any]) -> Membership:
    membership = state.memberships.setdefault((user, project), Membership(user, project, "none"))
    assert membership.id in {None, answer["id"]}, "a membership keeps its id"
    membership.id = answer["id"]
    return membership


def _enter(state: State, membership: Membership, new: str, now: str | None) -> None:
    if membership.state == new or new not in membership.entered:
        membership.entered[new] = now
    membership.state = new
    membership.ever_accepted |= new == "accepted"
    if new != "suspended" and membership.user in state.suspended_with:
        state.suspended_with[membership.user].memberships.discard(membership.project)
    if new == "removed" and state.default_projects.get(membership.user) == membership.project:
        state.default_projects[membership.user] = membership.user


def _act(state: State, call: Act, now: str | None) -> None:
    membership = state.membership(call.membership)
    assert membership is not None
    endings = {"cancel": "cancelled", "accept": "accepted", "reject": "rejected", "remove": "removed"}
    if call.action == "leave":
        automatic = state.projects[membership.project].definition["leave_policy"] == "auto"
        _enter(state, membership, "removed" if automatic else "leave_requested", now)
    else:
        _enter(state, membership, endings[call.action], now)


def _forget_suspensions_of(state: State, project: str) -> None:
    """Whatever is suspended for another reason is not restored with the user."""
    for suspended in state.suspended_with.values():
        suspended.projects.discard(project)


def deactivate(state: State, user: str, now: str | None) -> None:
    """Suspends what a user has (§1)."""
    state.inactive.add(user)
    suspended = state.suspended_with[user] = Suspended()
    for project in state.projects.values():
        if project.state == "active" and user in {project.uuid, project.owner}:
            project.state, project.deactivated = "suspended", now
            suspended.projects.add(project.uuid)
    for membership in state.memberships.values():
        if membership.user == user and membership.state in DRAWING:
            _enter(state, membership, "suspended", now)
            suspended.memberships.add(membership.project)


def activate(state: State, user: str, now: str | None) -> None:
    """Restores what is suspended for no other reason."""
    state.inactive.discard(user)
    suspended = state.suspended_with.pop(user, Suspended())
    for uuid in suspended.projects:
        state.projects[uuid].state = "active"
    for uuid in suspended.memberships:
        _enter(state, state.memberships[user, uuid], "accepted", now)
