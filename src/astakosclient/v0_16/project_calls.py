"""The calls about projects, applications and memberships, as values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astakosclient.calls import answers
from astakosclient.calls.call import JSON, Call, as_json, given, path_part, post, query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from astakosclient.answer_types import Identified, Membership, Project, ProjectApplication

PROJECTS = "account/v1.0/projects"
MEMBERSHIPS = f"{PROJECTS}/memberships"


def get_projects(
    token: str,
    name: str | Iterable[str] | None,
    state: str | Iterable[str] | None,
    owner: str | Iterable[str] | None,
    mode: str | None,
) -> Call[list[Project]]:
    """The projects that the caller may see."""
    path = PROJECTS + query(name=name, state=state, owner=owner, mode=mode)
    return Call(name="get_projects", path=path, token=token, read=answers.sequence)


def get_project(token: str, project_id: str) -> Call[Project]:
    """One project."""
    return Call(name="get_project", path=_project(project_id), token=token, read=answers.mapping)


def create_project(token: str, specs: Mapping[str, Any]) -> Call[ProjectApplication]:
    """Apply for a new project."""
    return post("create_project", PROJECTS, token, given("specs", specs), answers.mapping, repeatable=False)


def modify_project(token: str, project_id: str, specs: Mapping[str, Any]) -> Call[ProjectApplication]:
    """Apply for a change of a project."""
    return Call(
        name="modify_project",
        method="PUT",
        path=_project(project_id),
        token=token,
        body=as_json(given("specs", specs)),
        content_type=JSON,
        repeatable=False,  # Each time it makes an application.
        read=answers.mapping,
    )


def project_action(token: str, project_id: str, action: str, reason: str) -> Call[None]:
    """Change the state of a project."""
    document = {given("action", action): {"reason": reason}}
    return post(
        "project_action", f"{_project(project_id)}/action", token, document, answers.nothing, repeatable=False
    )


def application_action(token: str, project_id: str, app_id: int, action: str, reason: str) -> Call[None]:
    """Decide on an application for a project."""
    document = {given("action", action): {"reason": reason, "app_id": given("app_id", app_id)}}
    return post(
        "application_action",
        f"{_project(project_id)}/action",
        token,
        document,
        answers.nothing,
        repeatable=False,
    )


def get_memberships(token: str, project: str | Iterable[str] | None) -> Call[list[Membership]]:
    """The memberships that the caller may see."""
    return Call(
        name="get_memberships", path=MEMBERSHIPS + query(project=project), token=token, read=answers.sequence
    )


def get_membership(token: str, memb_id: int) -> Call[Membership]:
    """One membership."""
    return Call(name="get_membership", path=_membership(memb_id), token=token, read=answers.mapping)


def membership_action(token: str, memb_id: int, action: str, reason: str) -> Call[None]:
    """Change the state of a membership."""
    document = {given("action", action): reason}
    return post(
        "membership_action",
        f"{_membership(memb_id)}/action",
        token,
        document,
        answers.nothing,
        repeatable=False,
    )


def join_project(token: str, project_id: str) -> Call[Identified]:
    """Ask to become a member."""
    document = {"join": {"project": given("project_id", project_id)}}
    return post("join_project", MEMBERSHIPS, token, document, answers.mapping, repeatable=False)


def enroll_member(token: str, project_id: str, email: str) -> Call[Identified]:
    """Make somebody a member."""
    document = {"enroll": {"project": given("project_id", project_id), "user": given("email", email)}}
    return post("enroll_member", MEMBERSHIPS, token, document, answers.mapping, repeatable=False)


def _project(project_id: str) -> str:
    return f"{PROJECTS}/{path_part('project_id', project_id)}"


def _membership(memb_id: int) -> str:
    return f"{MEMBERSHIPS}/{path_part('memb_id', memb_id)}"
