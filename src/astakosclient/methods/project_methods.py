"""The client's methods about projects, applications and memberships.

``tools/generate_methods.py`` generates all other variants from this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astakosclient.calls import projects
from astakosclient.core.synchronous import Synchronous

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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


class ProjectCalls(Synchronous):
    """The calls about projects, with a user's token.

    Every call raises `Forbidden` if the user is not permitted to make it, `NotFound` for an unknown project,
    application or membership, `Conflict` if the current state does not allow it, `BadRequest` for a
    malformed argument, and any other `AstakosClientException` if the call fails.
    """

    # Projects

    def get_projects(
        self,
        token: str | None,
        name: str | Iterable[str] | None = None,
        state: str | Iterable[str] | None = None,
        owner: str | Iterable[str] | None = None,
        mode: str | None = None,
        *,
        after: str | None = None,
        limit: int | None = None,
    ) -> list[Project]:
        """Lists the projects visible to the user.

        Args:
            token: a user's token.
            name: filter by name.
            state: filter by state: ``uninitialized``, ``active``, ``suspended``, ``terminated``, ``deleted``.
            owner: filter by owner, a user's UUID.
            mode: ``member`` (the user is a member), ``active`` (active and public), or ``related`` or
                ``default`` (the user is the owner or a member).
            after: list only projects after the one with this UUID, in the order in which they were created.
            limit: maximum number of projects, up to 1,000. Without it, the server refuses very long lists.
        """
        return self._run(projects.get_projects(token, name, state, owner, mode, after, limit))

    def get_project(self, token: str | None, project_id: str) -> Project:
        """Returns a project, by its UUID."""
        return self._run(projects.get_project(token, project_id))

    def create_project(
        self, token: str | None, specs: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> ProjectApplication:
        """Applies for a new project.

        With retries (see `Retry`), the call still takes effect once: the client sends an idempotency key, and
        after a failure with an unknown outcome it retries only if the server supports such keys.

        Args:
            token: a user's token.
            specs: the project's properties: ``name`` (a domain name) and ``end_date`` (ISO 8601 with a time
                zone) are required. Optional: ``owner`` (UUID), ``start_date``, ``homepage``,
                ``description``, ``comments``, ``join_policy`` and ``leave_policy`` (``auto``, ``moderated``
                or ``closed``), ``max_members`` (int), ``private`` (bool), and ``resources``, a dict of
                ``{"project_capacity": int, "member_capacity": int}`` by resource.
            idempotency_key: 1 to 255 printable ASCII characters; the default is a random key per call. The
                server carries out one call of the user for each, and repeats its answer, even after a
                restart of the caller. Requires this project's server; others ignore it.

        Returns:
            A dict with ``id``, the project's UUID, and ``application``, the application's ID (int).

        Raises:
            BadRequest: a property is malformed.
            Conflict: the user has too many pending applications.
            AstakosClientException: the call failed; with status 422, the key belongs to another request.

        Example:
            .. code-block:: python

                vms = {"cyclades.vm": {"project_capacity": 20, "member_capacity": 4}}
                specs = {"name": "lab.example.org", "end_date": "2035-01-01T00:00:00Z", "resources": vms}
                applied = client.create_project(token, specs)
        """
        return self._run(projects.create_project(token, specs, idempotency_key))

    def modify_project(
        self,
        token: str | None,
        project_id: str,
        specs: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> ProjectApplication:
        """Applies for a modification of a project; replaces an application that is pending.

        For the owner of the project, and project administrators.

        Args:
            token: a user's token.
            project_id: the project's UUID.
            specs: the properties to change, and their new values; see `create_project`.
            idempotency_key: see `create_project`.

        Returns:
            A dict with ``id``, the project's UUID, and ``application``, the application's ID (int).
        """
        return self._run(projects.modify_project(token, project_id, specs, idempotency_key))

    def project_action(
        self, token: str | None, project_id: str, action: ProjectAction, reason: str = ""
    ) -> None:
        """Changes the state of a project. For project administrators.

        Args:
            token: a user's token.
            project_id: the project's UUID.
            action: ``suspend``, ``unsuspend``, ``terminate`` or ``reinstate``.
            reason: a note for the project's log.
        """
        self._run(projects.project_action(token, project_id, action, reason))

    def hand_over_project(self, token: str | None, project_id: str, owner: str, reason: str = "") -> None:
        """Gives a project another owner, at once. Requires this project's server.

        For the owner of the project, and project administrators.

        Args:
            token: a user's token.
            project_id: the project's UUID.
            owner: the UUID of the new owner, who must be accepted and active.
            reason: a note for the project's log.
        """
        self._run(projects.hand_over_project(token, project_id, owner, reason))

    def move_project(
        self,
        token: str | None,
        project_id: str,
        parent: str | None,
        reason: str = "",
        *,
        force: bool = False,
    ) -> None:
        """Puts a project within another one, or takes it out. Requires this project's server.

        What it uses moves with it, so nothing may be pending on it. For project administrators.

        Args:
            token: a user's token.
            project_id: the project's UUID.
            parent: the UUID of the project that it shall be within; None for none.
            reason: a note for the project's log.
            force: whether the projects that come above it may exceed their limits.
        """
        self._run(projects.move_project(token, project_id, parent, reason, force=force))

    def application_action(
        self, token: str | None, project_id: str, app_id: int, action: ApplicationAction, reason: str = ""
    ) -> None:
        """Decides on an application, which must be the last one for its project.

        For project administrators; the applicant can dismiss and cancel, too.

        Args:
            token: a user's token.
            project_id: the project's UUID.
            app_id: the application's ID.
            action: ``approve``, ``deny``, ``dismiss`` or ``cancel``.
            reason: a note for the project's log.
        """
        self._run(projects.application_action(token, project_id, app_id, action, reason))

    def get_project_usage(
        self,
        token: str | None,
        project_id: str,
        *,
        resource: str | None = None,
        user: str | None = None,
        sort: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> ProjectUsage:
        """Lists what the members use of a project. Requires this project's server.

        For the owner of the project, and project administrators.

        Args:
            token: a user's token.
            project_id: the project's UUID.
            resource: filter by resource.
            user: filter by user, a UUID.
            sort: ``member`` (the default), or ``usage``, the largest first, which requires ``resource``.
            limit: maximum number of entries, up to 1,000; the server's default is 100.
            cursor: the ``next`` of the previous page.

        Returns:
            A dict with ``usage``, a list of entries (see `MemberUsage`), and ``next``, the cursor of the next
            page or None.
        """
        return self._run(projects.get_project_usage(token, project_id, resource, user, sort, limit, cursor))

    def get_project_events(
        self, token: str | None, project_id: str, *, after: int | None = None, limit: int | None = None
    ) -> EventPage:
        """Lists changes to a project, oldest first.

        Only the owner of the project and project administrators may call this. Requires this project's
        server.

        Args:
            token: a user's token.
            project_id: the project's UUID.
            after: the ``next`` of the previous page; by default, the list starts with the first event.
            limit: maximum number of events, up to 1,000; the server's default is 100.

        Returns:
            A dict with ``events``, a list of entries (see `AuditEvent`), and ``next``, the cursor for what
            follows, also for what has not happened yet.
        """
        return self._run(projects.get_project_events(token, project_id, after, limit))

    def get_events(
        self, token: str | None, *, after: int | None = None, limit: int | None = None
    ) -> EventPage:
        """Lists all administrative changes, oldest first.

        Only project administrators may call this. Requires this project's server. For the arguments and the
        result, see `get_project_events`.
        """
        return self._run(projects.get_events(token, after, limit))

    def set_default_project(self, token: str | None, project_id: str) -> None:
        """Sets the project that is charged for the user by default.

        Args:
            token: a user's token.
            project_id: the UUID of a project that the user is a member of; their own UUID is their own
                project.
        """
        self._run(projects.set_default_project(token, project_id))

    # Memberships

    def get_memberships(
        self,
        token: str | None,
        project_id: str | Iterable[str] | None = None,
        project: str | Iterable[str] | None = None,
        *,
        after: int | None = None,
        limit: int | None = None,
    ) -> list[Membership]:
        """Lists the memberships visible to the user.

        Args:
            token: a user's token.
            project_id: a project UUID or several; the default is all projects.
            project: the old name of ``project_id``, which takes precedence.
            after: list only memberships with an ID above this one.
            limit: maximum number of memberships, up to 1,000. Without it, the server refuses very long lists.
        """
        return self._run(projects.get_memberships(token, project_id, project, after, limit))

    def get_membership(self, token: str | None, memb_id: int) -> Membership:
        """Returns a membership, by its ID."""
        return self._run(projects.get_membership(token, memb_id))

    def membership_action(
        self, token: str | None, memb_id: int, action: MembershipAction, reason: str = ""
    ) -> None:
        """Changes the state of a membership.

        The member can leave and cancel. The owner of the project can accept, reject and remove; project
        administrators can do all of these.

        Args:
            token: a user's token.
            memb_id: the membership's ID.
            action: ``leave``, ``cancel``, ``accept``, ``reject`` or ``remove``.
            reason: a note for the membership's log.
        """
        self._run(projects.membership_action(token, memb_id, action, reason))

    def join_project(
        self, token: str | None, project_id: str, *, idempotency_key: str | None = None
    ) -> Identified:
        """Requests membership in a project, and returns ``{"id": int}``, the membership's ID.

        For ``idempotency_key``, see `create_project`.
        """
        return self._run(projects.join_project(token, project_id, idempotency_key))

    def join_with_invitation(
        self, token: str | None, invitation: str, *, idempotency_key: str | None = None
    ) -> Identified:
        """Joins the project of an invitation at once. Requires this project's server.

        Args:
            token: a user's token.
            invitation: the code of the invitation.
            idempotency_key: see `create_project`.

        Returns:
            ``{"id": int}``, the membership's ID.

        Raises:
            NotFound: the code is wrong.
            Conflict: the invitation is not valid any more, the project is full, or the user is a member.
            AstakosClientException: the call failed.
        """
        return self._run(projects.join_with_invitation(token, invitation, idempotency_key))

    def create_invitation(
        self,
        token: str | None,
        project_id: str,
        max_uses: int = 1,
        expires: str | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> NewInvitation:
        """Invites to a project, whatever its join policy. Requires this project's server.

        For the owner of the project, and project administrators.

        Args:
            token: a user's token.
            project_id: the project's UUID.
            max_uses: how many users can join with the invitation.
            expires: ISO 8601 with a time zone, within a year; the server's default is a week from now.
            idempotency_key: see `create_project`.

        Returns:
            The invitation (see `Invitation`). Its code, ``invitation``, cannot be retrieved later.

        Raises:
            SecretLost: the invitation was made, but the answer that had its code was lost; revoke it.
            AstakosClientException: the call failed.
        """
        return self._run(projects.create_invitation(token, project_id, max_uses, expires, idempotency_key))

    def get_invitations(self, token: str | None, project_id: str) -> list[Invitation]:
        """Lists the invitations of a project. Requires this project's server.

        For the owner of the project, and project administrators.
        """
        return self._run(projects.get_invitations(token, project_id))

    def revoke_invitation(self, token: str | None, invitation_id: int) -> None:
        """Revokes an invitation, by its ID. Requires this project's server.

        For the owner of the project, and project administrators. Whoever has joined stays a member.
        """
        self._run(projects.revoke_invitation(token, invitation_id))

    def enroll_member(
        self, token: str | None, project_id: str, email: str, *, idempotency_key: str | None = None
    ) -> Identified:
        """Adds a user, by email address, to a project, and returns ``{"id": int}``, the membership's ID.

        For ``idempotency_key``, see `create_project`.
        """
        return self._run(projects.enroll_member(token, project_id, email, idempotency_key))
