"""What each caller is shown of the state: projects, memberships, quotas and the user's own projects."""

from collections.abc import Iterable, Iterator
from typing import Any

from astakos.ledger.rules import Key
from simulation.projects.calls import MEMBERSHIP_ACTIONS, capacities_shown
from simulation.projects.judging import may_act
from simulation.projects.state import (
    ACCEPTED_TYPE,
    DRAWING,
    Application,
    Capacity,
    Membership,
    Project,
    State,
    both_keys,
    project_key,
)

MODES = ("member", "related", "default", "active")


def status_of_project(state: State, viewer: str, uuid: str) -> int:
    """The status of `GET projects/<uuid>`."""
    project = state.projects.get(uuid)
    if project is None:
        return 404
    privileged = state.people[viewer].admin or viewer == project.owner
    public = project.state == "active" and not project.definition["private"]
    return 200 if privileged or public or state.member(viewer, uuid, ACCEPTED_TYPE) else 403


def project_shown(state: State, viewer: str, project: Project) -> dict[str, Any]:
    """A project as somebody sees it who may see it."""
    shown = {
        "id": project.uuid,
        "state": project.state,
        "creation_date": project.created,
        "system_project": project.system,
        "resources": _visible(state, project.capacities),
        **project.definition,
    }
    if state.people[viewer].admin or viewer == project.owner:
        if project.applications:
            shown["last_application"] = _application_shown(state, project.applications[-1])
        if project.deactivated is not None:
            shown["deactivation_date"] = project.deactivated
    return shown


def projects_shown(state: State, viewer: str, mode: str = "default") -> dict[str, dict[str, Any]]:
    """The projects of `GET projects`, by uuid."""
    return {
        project.uuid: project_shown(state, viewer, project)
        for project in state.projects.values()
        if _is_listed(state, viewer, project, mode)
    }


def _is_listed(state: State, viewer: str, project: Project, mode: str) -> bool:
    if mode == "member":
        return project.state == "active" and state.member(viewer, project.uuid, DRAWING)
    if state.people[viewer].admin:
        return True
    if mode == "active":
        return project.state == "active" and not project.definition["private"]
    return viewer == project.owner or state.member(viewer, project.uuid, ACCEPTED_TYPE)


def _application_shown(state: State, application: Application) -> dict[str, Any]:
    return {
        "id": application.id,
        "applicant": application.applicant,
        "state": application.state,
        "resources": _visible(state, application.resources),
        **application.asked,
    }


def _visible(state: State, capacities: dict[str, Capacity]) -> dict[str, object]:
    return capacities_shown({n: c for n, c in capacities.items() if state.resources[n].api_visible})


def status_of_membership(state: State, viewer: str, number: int) -> int:
    """The status of `GET memberships/<int>`."""
    membership = state.membership(number)
    if membership is None:
        return 404
    return 200 if _may_see(state, viewer, membership) else 403


def memberships_shown(state: State, viewer: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The memberships of `GET memberships`, by user and project."""
    return {
        key: membership_shown(state, viewer, membership)
        for key, membership in state.memberships.items()
        if _may_see(state, viewer, membership)
    }


def membership_shown(state: State, viewer: str, membership: Membership) -> dict[str, Any]:
    return {
        "id": membership.id,
        "user": membership.user,
        "project": membership.project,
        "state": membership.state,
        "allowed_actions": sorted(
            action for action in MEMBERSHIP_ACTIONS if may_act(state, viewer, membership, action)
        ),
        **membership.entered,
    }


def _may_see(state: State, viewer: str, membership: Membership) -> bool:
    owner = state.projects[membership.project].owner
    return state.people[viewer].admin or viewer in {membership.user, owner}


def quotas_shown(state: State, user: str) -> dict[str, Any]:
    """`GET quotas`."""
    visible = [resource.name for resource in state.resources.values() if resource.api_visible]
    return {
        membership.project: {name: _figures(state, user, membership.project, name) for name in visible}
        for membership in state.memberships.values()
        if membership.user == user
        and membership.state in DRAWING
        and state.projects[membership.project].initialized
    }


def service_quotas_shown(state: State, component: str) -> dict[str, Any]:
    """`GET service_quotas` of a component."""
    found: dict[str, Any] = {}
    for user, project, resource in _member_holdings(state, component):
        sources = found.setdefault(user, {})
        sources.setdefault(project, {})[resource] = _figures(state, user, project, resource)
    return found


def service_project_quotas_shown(state: State, component: str) -> dict[str, Any]:
    """`GET service_project_quotas` of a component."""
    names = list(_resources_of(state, component))
    return {
        project.uuid: {name: _reported(state, project_key(project.uuid, name), "project_") for name in names}
        for project in state.projects.values()
        if project.initialized
    }


def own_projects_shown(state: State, user: str) -> tuple[set[str], str]:
    """`projects` and the tenant's id in the answer to `POST tokens`."""
    active = {
        membership.project
        for membership in state.memberships.values()
        if membership.user == user
        and membership.state in DRAWING
        and state.projects[membership.project].state == "active"
    }
    return active, state.default_projects[user]


def _member_holdings(state: State, component: str) -> Iterator[tuple[str, str, str]]:
    for (user, project), membership in state.memberships.items():
        if membership.ever_accepted:
            for name in _resources_of(state, component):
                yield user, project, name


def _resources_of(state: State, component: str) -> Iterable[str]:
    return (resource.name for resource in state.resources.values() if resource.component == component)


def _figures(state: State, user: str, project: str, resource: str) -> dict[str, int]:
    of_member, of_project = both_keys(user, project, resource)
    return {**_reported(state, of_member, ""), **_reported(state, of_project, "project_")}


def _reported(state: State, key: Key, prefix: str) -> dict[str, int]:
    usage, limit = state.used(key), state.limit(key)
    assert limit is not None
    return {
        f"{prefix}limit": limit,
        f"{prefix}usage": usage.possible,
        f"{prefix}pending": usage.possible - usage.certain,
    }
