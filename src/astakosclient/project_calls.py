"""The calls about projects, applications and memberships, as values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astakosclient import answers
from astakosclient.calls import JSON, Call, _json, _part, _post, _query, given

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PROJECTS = "account/v1.0/projects"
MEMBERSHIPS = f"{PROJECTS}/memberships"


def get_projects(
    token: str,
    name: str | Iterable[str] | None,
    state: str | Iterable[str] | None,
    owner: str | Iterable[str] | None,
    mode: str | None,
) -> Call[list[dict[str, Any]]]:
    """The projects that the caller may see."""
    path = PROJECTS + _query(name=name, state=state, owner=owner, mode=mode)
    return Call(path=path, token=token, read=answers.sequence)


def get_project(token: str, project_id: str) -> Call[dict[str, Any]]:
    """One project."""
    return Call(path=_project(project_id), token=token, read=answers.mapping)


def create_project(token: str, specs: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Apply for a new project."""
    return _post(PROJECTS, token, given("specs", specs), answers.mapping, repeatable=False)


def modify_project(token: str, project_id: str, specs: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Apply for a change of a project."""
    return Call(
        method="PUT",
        path=_project(project_id),
        token=token,
        body=_json(given("specs", specs)),
        content_type=JSON,
        repeatable=False,  # Each time it makes an application.
        read=answers.mapping,
    )


def project_action(token: str, project_id: str, action: str, reason: str) -> Call[None]:
    """Change the state of a project."""
    document = {given("action", action): {"reason": reason}}
    return _post(f"{_project(project_id)}/action", token, document, answers.nothing, repeatable=False)


def application_action(token: str, project_id: str, app_id: int, action: str, reason: str) -> Call[None]:
    """Decide on an application for a project."""
    document = {given("action", action): {"reason": reason, "app_id": given("app_id", app_id)}}
    return _post(f"{_project(project_id)}/action", token, document, answers.nothing, repeatable=False)


def get_memberships(token: str, project: str | Iterable[str] | None) -> Call[list[dict[str, Any]]]:
    """The memberships that the caller may see."""
    return Call(path=MEMBERSHIPS + _query(project=project), token=token, read=answers.sequence)


def get_membership(token: str, memb_id: int) -> Call[dict[str, Any]]:
    """One membership."""
    return Call(path=_membership(memb_id), token=token, read=answers.mapping)


def membership_action(token: str, memb_id: int, action: str, reason: str) -> Call[None]:
    """Change the state of a membership."""
    document = {given("action", action): reason}
    return _post(f"{_membership(memb_id)}/action", token, document, answers.nothing, repeatable=False)


def join_project(token: str, project_id: str) -> Call[dict[str, Any]]:
    """Ask to become a member."""
    document = {"join": {"project": given("project_id", project_id)}}
    return _post(MEMBERSHIPS, token, document, answers.mapping, repeatable=False)


def enroll_member(token: str, project_id: str, email: str) -> Call[dict[str, Any]]:
    """Make somebody a member."""
    document = {"enroll": {"project": given("project_id", project_id), "user": given("email", email)}}
    return _post(MEMBERSHIPS, token, document, answers.mapping, repeatable=False)


def _project(project_id: str) -> str:
    return f"{PROJECTS}/{_part('project_id', project_id)}"


def _membership(memb_id: int) -> str:
    return f"{MEMBERSHIPS}/{_part('memb_id', memb_id)}"
