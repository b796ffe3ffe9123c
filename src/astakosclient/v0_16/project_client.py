"""The 0.16 to 0.21 client's methods for projects, applications and memberships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astakosclient.v0_16 import later_calls, project_calls
from astakosclient.v0_16.located_client import LocatedClient

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from astakosclient.answer_types import Identified, Membership, Project, ProjectApplication


class ProjectClient(LocatedClient):
    """Calls about projects, on behalf of the user whose token the client stores.

    Every call raises `Forbidden` if the user is not permitted to make it, `BadRequest` for a malformed
    argument, `AstakosClientException` with status 409 if the current state does not allow the action, and
    any other `AstakosClientException` if the call fails.
    """

    def get_projects(
        self,
        name: str | Iterable[str] | None = None,
        state: str | Iterable[str] | None = None,
        owner: str | Iterable[str] | None = None,
        mode: str | None = None,
    ) -> list[Project]:
        """Lists the projects visible to the user.

        Args:
            name: filter by name.
            state: filter by state: ``uninitialized``, ``active``, ``suspended``, ``terminated``, ``deleted``.
            owner: filter by owner, a user's UUID.
            mode: ``member`` (the user is a member), ``active`` (active and public), or ``related`` or
                ``default`` (the user is the owner or a member).
        """
        return self._call(project_calls.get_projects(self.token, name, state, owner, mode))

    def get_project(self, project_id: str) -> Project:
        """Returns a project.

        Raises:
            NotFound: no project has this UUID.
            Forbidden: the project is not visible to the user.
            AstakosClientException: the call failed.
        """
        return self._call(project_calls.get_project(self.token, project_id))

    def create_project(self, specs: Mapping[str, Any]) -> ProjectApplication:
        """Applies for a new project.

        Args:
            specs: the project's properties: ``name`` (a domain name) and ``end_date`` (ISO 8601 with a time
                zone) are required. Optional: ``owner`` (UUID), ``start_date``, ``homepage``,
                ``description``, ``comments``, ``join_policy`` and ``leave_policy`` (``auto``, ``moderated``
                or ``closed``), ``max_members`` (int), ``private`` (bool), and ``resources``, a dict of
                ``{"project_capacity": int, "member_capacity": int}`` by resource.

        Returns:
            A dict with ``id``, the project's UUID, and ``application``, the application's ID (int).
        """
        return self._call(project_calls.create_project(self.token, specs))

    def modify_project(self, project_id: str, specs: Mapping[str, Any]) -> ProjectApplication:
        """Applies for a modification of a project; ``specs`` has the properties to change.

        For the properties and the result, see `create_project`. Raises `NotFound` for an unknown project.
        """
        return self._call(project_calls.modify_project(self.token, project_id, specs))

    def project_action(self, project_id: str, action: str, reason: str = "") -> None:
        """Changes the state of a project; raises `NotFound` for an unknown project.

        Args:
            project_id: the project's UUID.
            action: ``suspend``, ``unsuspend``, ``terminate`` or ``reinstate``.
            reason: a note for the project's log.
        """
        self._call(project_calls.project_action(self.token, project_id, action, reason))

    def application_action(self, project_id: str, app_id: int, action: str, reason: str = "") -> None:
        """Decides on an application; raises `NotFound` for an unknown project or application.

        Args:
            project_id: the project's UUID.
            app_id: the application's ID.
            action: ``approve``, ``deny``, ``dismiss`` or ``cancel``.
            reason: a note for the project's log.
        """
        self._call(project_calls.application_action(self.token, project_id, app_id, action, reason))

    def get_memberships(
        self,
        project_id: str | Iterable[str] | None = None,
        project: str | Iterable[str] | None = None,
    ) -> list[Membership]:
        """Lists the memberships visible to the user.

        Args:
            project_id: a project UUID or several; the default is all projects.
            project: the old name of ``project_id``, which takes precedence.
        """
        projects = later_calls.either_project(project_id, project)
        return self._call(project_calls.get_memberships(self.token, projects))

    def get_membership(self, memb_id: int) -> Membership:
        """Returns a membership; raises `NotFound` for an unknown ID."""
        return self._call(project_calls.get_membership(self.token, memb_id))

    def membership_action(self, memb_id: int, action: str, reason: str = "") -> None:
        """Changes the state of a membership; raises `NotFound` for an unknown ID.

        Args:
            memb_id: the membership's ID.
            action: ``leave``, ``cancel``, ``accept``, ``reject`` or ``remove``.
            reason: a note for the membership's log.
        """
        self._call(project_calls.membership_action(self.token, memb_id, action, reason))

    def join_project(self, project_id: str) -> Identified:
        """Requests membership in a project, and returns ``{"id": int}``, the membership's ID."""
        return self._call(project_calls.join_project(self.token, project_id))

    def enroll_member(self, project_id: str, email: str) -> Identified:
        """Adds a user, by email address, to a project, and returns ``{"id": int}``, the membership's ID."""
        return self._call(project_calls.enroll_member(self.token, project_id, email))
