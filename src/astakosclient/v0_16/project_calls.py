"""Builds the calls about projects, applications and memberships."""

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
    """Builds the call that lists the projects visible to the caller."""
    path = PROJECTS + query(name=name, state=state, owner=owner, mode=mode)
    return Call(name="get_projects", path=path, token=token, read=answers.sequence)


def get_project(token: str, project_id: str) -> Call[Project]:
    """Builds the call that returns a project."""
    return Call(name="get_project", path=_project(project_id), token=token, read=answers.mapping)


def create_project(token: str, specs: Mapping[str, Any]) -> Call[ProjectApplication]:
    """Builds the call that applies for a new project."""
    return post("create_project", PROJECTS, token, given("specs", specs), answers.mapping, repeatable=False)


def modify_project(token: str, project_id: str, specs: Mapping[str, Any]) -> Call[ProjectApplication]:
    """Builds the call that applies for a modification of a project."""
    return Call(
        name="modify_project",
        method="PUT",
        path=_project(project_id),
        token=token,
        body=as_json(given("specs", specs)),
        content_type=JSON,
        repeatable=False,  # each request creates an application
        read=answers.mapping,
    )


def project_action(token: str, project_id: str, action: str, reason: str) -> Call[None]:
    """Builds the call that changes the state of a project."""
    document = {given("action", action): {"reason": reason}}
    return post(
        "project_action", f"{_project(project_id)}/action", token, document, answers.nothing, repeatable=False
    )


def application_action(token: str, project_id: str, app_id: int, action: str, reason: str) -> Call[None]:
    """Builds the call that approves, denies, dismisses or cancels an application."""
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
    """Builds the call that lists the memberships visible to the caller."""
    return Call(
        name="get_memberships", path=MEMBERSHIPS + query(project=project), token=token, read=answers.sequence
    )


def get_membership(token: str, memb_id: int) -> Call[Membership]:
    """Builds the call that returns a membership."""
    return Call(name="get_membership", path=_membership(memb_id), token=token, read=answers.mapping)


def membership_action(token: str, memb_id: int, action: str, reason: str) -> Call[None]:
    """Builds the call that changes the state of a membership."""
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
    """Builds the call that requests membership in a project."""
    document = {"join": {"project": given("project_id", project_id)}}
    return post("join_project", MEMBERSHIPS, token, document, answers.mapping, repeatable=False)


def enroll_member(token: str, project_id: str, email: str) -> Call[Identified]:
    """Builds the call that adds a user to a project."""
    document = {"enroll": {"project": given("project_id", project_id), "user": given("email", email)}}
    return post("enroll_member", MEMBERSHIPS, token, document, answers.mapping, repeatable=False)


def _project(project_id: str) -> str:
    return f"{PROJECTS}/{path_part('project_id', project_id)}"


def _membership(memb_id: int) -> str:
    return f"{MEMBERSHIPS}/{path_part('memb_id', memb_id)}"
