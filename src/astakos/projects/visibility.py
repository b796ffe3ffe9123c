"""Who sees which projects, and what of them (`identity-and-projects.md` §3.3)."""

from enum import StrEnum

from astakos.events.event import Actor
from astakos.projects.project import ACCEPTED_TYPE, MembershipState, Project, ProjectState
from astakos.projects.roles import Parties, Role, has_any_role


class Mode(StrEnum):
    """Which projects a list has (`http-api.md` §9)."""

    MEMBER = "member"
    RELATED = "related"
    DEFAULT = "default"
    ACTIVE = "active"


def sees(actor: Actor, project: Project, membership: MembershipState | None) -> bool:
    """Returns whether somebody sees a project.

    Args:
        actor: who wants to see it.
        project: the project.
        membership: the state of the actor's membership in it; None if there never was one.
    """
    is_public = project.state is ProjectState.ACTIVE and not project.private
    return is_public or membership in ACCEPTED_TYPE or sees_applications(actor, project)


def sees_applications(actor: Actor, project: Project) -> bool:
    """Returns whether somebody sees the last application of a project, when it was deactivated, its usage."""
    return has_any_role(actor, (Role.OWNER, Role.ADMINISTRATOR), Parties(owner=project.owner))
