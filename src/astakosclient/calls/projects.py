"""Builds the calls about projects, applications and memberships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astakosclient.calls import answers
from astakosclient.calls.call import (
    JSON,
    MAKE_ONCE,
    Call,
    as_json,
    given,
    key_or_new,
    path_part,
    post,
    query,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from astakosclient.answer_types import (
        ApplicationAction,
        EventPage,
        Identified,
        Invitation,
        Membership,
        MembershipAction,
        NewInvitation,
        Project,
        ProjectAction,
        ProjectApplication,
        ProjectUsage,
    )
    from astakosclient.core.exchange import Answer

PROJECTS = "account/v1.0/projects"
MEMBERSHIPS = f"{PROJECTS}/memberships"
EVENTS = "account/v1.0/events"
INVITATIONS = f"{PROJECTS}/invitations"
DEFAULT_PROJECT = "account/v1.0/myaccount/default_project"


def get_projects(
    token: str | None,
    name: str | Iterable[str] | None,
    state: str | Iterable[str] | None,
    owner: str | Iterable[str] | None,
    mode: str | None,
    after: str | None = None,
    limit: int | None = None,
) -> Call[list[Project]]:
    """Builds the call that lists the projects visible to the caller."""
    path = PROJECTS + query(name=name, state=state, owner=owner, mode=mode, after=after, limit=_number(limit))
    return Call(name="get_projects", path=path, token=token, read=answers.sequence)


def get_project(token: str | None, project_id: str) -> Call[Project]:
    """Builds the call that returns a project."""
    return Call(name="get_project", path=_project(project_id), token=token, read=answers.mapping)


def create_project(
    token: str | None, specs: Mapping[str, Any], idempotency_key: str | None
) -> Call[ProjectApplication]:
    """Builds the call that applies for a new project."""
    return _make("create_project", PROJECTS, token, given("specs", specs), idempotency_key)


def modify_project(
    token: str | None, project_id: str, specs: Mapping[str, Any], idempotency_key: str | None
) -> Call[ProjectApplication]:
    """Builds the call that applies for a modification of a project."""
    return Call(
        name="modify_project",
        method="PUT",
        path=_project(project_id),
        token=token,
        body=as_json(given("specs", specs)),
        content_type=JSON,
        repeatable=False,  # each request creates an application
        repeatable_with=MAKE_ONCE,
        idempotency_key=key_or_new(idempotency_key),
        read=answers.mapping,
    )


def project_action(token: str | None, project_id: str, action: ProjectAction, reason: str) -> Call[None]:
    """Builds the call that changes the state of a project."""
    return _act("project_action", _project(project_id), token, action, {"reason": reason})


def hand_over_project(token: str | None, project_id: str, owner: str, reason: str) -> Call[None]:
    """Builds the call that gives a project another owner."""
    value = {"owner": given("owner", owner), "reason": reason}
    return _act("hand_over_project", _project(project_id), token, "handover", value)


def move_project(
    token: str | None, project_id: str, parent: str | None, reason: str, *, force: bool
) -> Call[None]:
    """Builds the call that puts a project within another one, or takes it out."""
    value = {"parent": parent, "force": force, "reason": reason}
    return _act("move_project", _project(project_id), token, "move", value)


def application_action(
    token: str | None, project_id: str, app_id: int, action: ApplicationAction, reason: str
) -> Call[None]:
    """Builds the call that approves, denies, dismisses or cancels an application."""
    value = {"reason": reason, "app_id": given("app_id", app_id)}
    return _act("application_action", _project(project_id), token, action, value)


def get_project_usage(
    token: str | None,
    project_id: str,
    resource: str | None,
    user: str | None,
    sort: str | None,
    limit: int | None,
    cursor: str | None,
) -> Call[ProjectUsage]:
    """Builds the call that lists what members use of a project."""
    filters = query(resource=resource, user=user, sort=sort, limit=_number(limit), cursor=cursor)
    path = f"{_project(project_id)}/usage{filters}"
    return Call(name="get_project_usage", path=path, token=token, read=answers.mapping)


def get_project_events(
    token: str | None, project_id: str, after: int | None, limit: int | None
) -> Call[EventPage]:
    """Builds the call that lists changes to a project."""
    return _events("get_project_events", f"{_project(project_id)}/events", token, after, limit)


def get_events(token: str | None, after: int | None, limit: int | None) -> Call[EventPage]:
    """Builds the call that lists all administrative changes."""
    return _events("get_events", EVENTS, token, after, limit)


def get_memberships(
    token: str | None,
    project_id: str | Iterable[str] | None,
    project: str | Iterable[str] | None,
    after: int | None = None,
    limit: int | None = None,
) -> Call[list[Membership]]:
    """Builds the call that lists the memberships visible to the caller."""
    path = MEMBERSHIPS + query(
        project=either_project(project_id, project), after=_number(after), limit=_number(limit)
    )
    return Call(name="get_memberships", path=path, token=token, read=answers.sequence)


def get_membership(token: str | None, memb_id: int) -> Call[Membership]:
    """Builds the call that returns a membership."""
    return Call(name="get_membership", path=_membership(memb_id), token=token, read=answers.mapping)


def membership_action(token: str | None, memb_id: int, action: MembershipAction, reason: str) -> Call[None]:
    """Builds the call that changes the state of a membership."""
    return _act("membership_action", _membership(memb_id), token, action, reason)


def join_project(token: str | None, project_id: str, idempotency_key: str | None) -> Call[Identified]:
    """Builds the call that requests membership in a project."""
    document = {"join": {"project": given("project_id", project_id)}}
    return _make("join_project", MEMBERSHIPS, token, document, idempotency_key)


def join_with_invitation(token: str | None, invitation: str, idempotency_key: str | None) -> Call[Identified]:
    """Builds the call that joins the project of an invitation."""
    code = text("invitation", invitation)
    document = {"join": {"invitation": code}}
    return _make("join_with_invitation", MEMBERSHIPS, token, document, idempotency_key, secrets=(code,))


def create_invitation(
    token: str | None, project_id: str, max_uses: int, expires: str | None, idempotency_key: str | None
) -> Call[NewInvitation]:
    """Builds the call that invites to a project."""
    path, document = f"{_project(project_id)}/invitations", {"max_uses": max_uses, "expires": expires}
    read = answers.with_secret("invitation")
    return _make("create_invitation", path, token, document, idempotency_key, read)


def get_invitations(token: str | None, project_id: str) -> Call[list[Invitation]]:
    """Builds the call that lists the invitations of a project."""
    path = f"{_project(project_id)}/invitations"
    return Call(name="get_invitations", path=path, token=token, read=answers.sequence)


def revoke_invitation(token: str | None, invitation_id: int) -> Call[None]:
    """Builds the call that revokes an invitation."""
    return Call(
        name="revoke_invitation",
        method="DELETE",
        path=f"{INVITATIONS}/{path_part('invitation_id', invitation_id)}",
        token=token,
        repeatable=False,
        read=answers.nothing,
    )


def enroll_member(
    token: str | None, project_id: str, email: str, idempotency_key: str | None
) -> Call[Identified]:
    """Builds the call that adds a user to a project."""
    document = {"enroll": {"project": given("project_id", project_id), "user": given("email", email)}}
    return _make("enroll_member", MEMBERSHIPS, token, document, idempotency_key)


def set_default_project(token: str | None, project_id: str) -> Call[None]:
    """Builds the call that sets the user's default project."""
    document = {"project_id": given("project_id", project_id)}
    return post("set_default_project", DEFAULT_PROJECT, token, document, answers.nothing, repeatable=True)


def either_project(
    project_id: str | Iterable[str] | None, project: str | Iterable[str] | None
) -> str | Iterable[str] | None:
    """Returns ``project_id``, or ``project``, its old name, if that is None."""
    return project if project_id is None else project_id


def _number(number: int | None) -> str | None:
    return None if number is None else str(number)


def _make(
    name: str,
    path: str,
    token: str | None,
    document: Any,
    idempotency_key: str | None,
    read: Callable[[Answer], Any] = answers.mapping,
    *,
    secrets: tuple[str, ...] = (),
) -> Call[Any]:
    return post(
        name,
        path,
        token,
        document,
        read,
        repeatable=False,
        repeatable_with=MAKE_ONCE,
        idempotency_key=key_or_new(idempotency_key),
        secrets=secrets,
    )


def _act(name: str, path: str, token: str | None, action: str, value: object) -> Call[None]:
    document = {given("action", action): value}
    return post(name, f"{path}/action", token, document, answers.nothing, repeatable=False)


def _events(name: str, path: str, token: str | None, after: int | None, limit: int | None) -> Call[EventPage]:
    filters = query(after=_number(after), limit=_number(limit))
    return Call(name=name, path=path + filters, token=token, read=answers.mapping)


def _project(project_id: str) -> str:
    return f"{PROJECTS}/{path_part('project_id', project_id)}"


def _membership(memb_id: int) -> str:
    return f"{MEMBERSHIPS}/{path_part('memb_id', memb_id)}"
