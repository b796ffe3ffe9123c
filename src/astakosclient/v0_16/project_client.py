"""The part of the later client that is about projects, applications and memberships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astakosclient.v0_16 import later_calls, project_calls
from astakosclient.v0_16.located_client import LocatedClient

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from astakosclient.answer_types import Identified, Membership, Project, ProjectApplication


class ProjectClient(LocatedClient):
    """The calls about projects, on behalf of the user whose token the client has."""

    def get_projects(
        self,
        name: str | Iterable[str] | None = None,
        state: str | Iterable[str] | None = None,
        owner: str | Iterable[str] | None = None,
        mode: str | None = None,
    ) -> list[Project]:
        """The projects that the user may see.

        Args:
            name: only those of this name.
            state: only those in this state, such as ``active``.
            owner: only those of this owner, a uuid.
            mode: ``member``, ``related``, ``active`` or ``default``.
        """
        return self._call(project_calls.get_projects(self.token, name, state, owner, mode))

    def get_project(self, project_id: str) -> Project:
        """One project.

        Raises:
            NotFound: there is no such project.
            Forbidden: the user may not see it.
            AstakosClientException: the call failed.
        """
        return self._call(project_calls.get_project(self.token, project_id))

    def create_project(self, specs: Mapping[str, Any]) -> ProjectApplication:
        """Apply for a new project.

        Args:
            specs: what it is to be: ``name``, ``end_date``, ``resources`` and more.

        Returns:
            ``id`` of the project and ``application``, the number under which it is decided upon.
        """
        return self._call(project_calls.create_project(self.token, specs))

    def modify_project(self, project_id: str, specs: Mapping[str, Any]) -> ProjectApplication:
        """Apply for a change of a project: ``specs`` and result as of `create_project`."""
        return self._call(project_calls.modify_project(self.token, project_id, specs))

    def project_action(self, project_id: str, action: str, reason: str = "") -> None:
        """Change the state of a project: ``suspend``, ``unsuspend``, ``terminate`` or ``reinstate``."""
        self._call(project_calls.project_action(self.token, project_id, action, reason))

    def application_action(self, project_id: str, app_id: int, action: str, reason: str = "") -> None:
        """Decide on an application: ``approve``, ``deny``, ``dismiss`` or ``cancel``."""
        self._call(project_calls.application_action(self.token, project_id, app_id, action, reason))

    def get_memberships(
        self,
        project_id: str | Iterable[str] | None = None,
        project: str | Iterable[str] | None = None,
    ) -> list[Membership]:
        """The memberships that the user may see; only those in a project, if one is given.

        Args:
            project_id: the uuid of the project.
            project: the old name for the same.
        """
        projects = later_calls.either_project(project_id, project)
        return self._call(project_calls.get_memberships(self.token, projects))

    def get_membership(self, memb_id: int) -> Membership:
        """One membership, with what the user may do about it in ``allowed_actions``."""
        return self._call(project_calls.get_membership(self.token, memb_id))

    def membership_action(self, memb_id: int, action: str, reason: str = "") -> None:
        """Change the state of a membership: ``leave``, ``cancel``, ``accept``, ``reject`` or ``remove``."""
        self._call(project_calls.membership_action(self.token, memb_id, action, reason))

    def join_project(self, project_id: str) -> Identified:
        """Ask to become a member; ``id`` is that of the membership."""
        return self._call(project_calls.join_project(self.token, project_id))

    def enroll_member(self, project_id: str, email: str) -> Identified:
        """Make the user of an email address a member; ``id`` is that of the membership."""
        return self._call(project_calls.enroll_member(self.token, project_id, email))
