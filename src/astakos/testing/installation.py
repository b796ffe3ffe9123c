"""Sets up a service under test with the functions that its operators use."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

import msgspec

from astakos.administration.accounts import find_user, renew_user_token
from astakos.administration.component_registration import renew_component_token
from astakos.administration.document_errors import explained
from astakos.administration.limit_updates import sync_memberships
from astakos.administration.load import load
from astakos.administration.project_endings import end_what_is_over
from astakos.administration.state_document import (
    CapacityEntry,
    ComponentEntry,
    ProjectEntry,
    ResourceEntry,
    ServiceEntry,
    StateDocument,
    StateError,
    UserEntry,
)
from astakos.administration.user_limits import set_capacity
from astakos.clock import DAY, to_iso
from astakos.directory.tokens import new_token
from astakos.events.event import OPERATOR
from astakos.projects.membership_times import placed
from astakos.projects.project import Capacity, MembershipState
from astakos.storage.tables import memberships, projects, registry
from astakos.storage.tables.retention import Retention
from astakos.testing.members import Component, Project, User

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from astakos.storage.protocol import Connection, Database
    from astakos.testing.seen_requests import TokenNames

T = TypeVar("T")

CENTURY = 100 * 365 * DAY


class Directory:
    """Changes the database of a service; raises ValueError for an invalid change, saying what is valid."""

    def __init__(
        self, database: Database, now: Callable[[], int], tokens: TokenNames, changed: Callable[[], None]
    ) -> None:
        """Sets the database to change; ``changed`` is called after each change."""
        self._database = database
        self._now = now
        self._tokens = tokens
        self._changed = changed

    def add_user(
        self,
        username: str,
        *,
        first_name: str,
        last_name: str,
        groups: Iterable[str],
        quotas: Mapping[str, int],
        is_active: bool,
    ) -> User:
        """Adds a user with a new token."""
        user = User(str(uuid4()), username.lower(), new_token(os.urandom))
        entry = UserEntry(
            uuid=user.uuid,
            email=username,
            first_name=first_name,
            last_name=last_name,
            token=user.token,
            is_active=is_active,
            groups=list(groups),
            quotas=dict(quotas),
        )
        self._load(StateDocument(users=[entry]))
        return user

    def add_service(
        self,
        name: str,
        kind: str,
        endpoints: Iterable[Mapping[str, str]],
        resources: Mapping[str, int | None],
    ) -> Component:
        """Adds a component with a service and its resources, each with its limit for every user."""
        if registry.find_component(self._database.reader(), name) is not None:
            raise ValueError(f"the component {name!r} already exists; for a new token, use renew_token")
        component = Component(name, new_token(os.urandom))
        document = StateDocument(
            components=[ComponentEntry(name=name, token=component.token)],
            services=[
                ServiceEntry(name=name, type=kind, component=name, endpoints=[dict(one) for one in endpoints])
            ],
            resources=[_resource(resource, name, limit) for resource, limit in resources.items()],
        )
        self._load(document)
        return component

    def add_resource(
        self, name: str, service: str, limit: int | None, unit: str | None, scale: int, description: str
    ) -> None:
        """Registers a resource with its limit for every user."""
        entry = msgspec.structs.replace(
            _resource(name, service, limit), unit=unit, scale=scale, description=description
        )
        self._load(StateDocument(resources=[entry]))

    def add_project(
        self,
        name: str,
        owner: str | None,
        members: Iterable[str],
        limits: Mapping[str, tuple[int, int]],
    ) -> Project:
        """Adds an active project that ends in 100 years."""
        project = Project(str(uuid4()), name)
        entry = ProjectEntry(
            uuid=project.uuid,
            name=name,
            owner=owner,
            end_date=to_iso(self._now() + CENTURY),
            resources={resource: CapacityEntry(*both) for resource, both in limits.items()},
            members=list(members),
        )
        self._load(StateDocument(projects=[entry]))
        return project

    def set_membership(self, project: str, user: str, *, is_member: bool) -> None:
        """Makes a user a member of a project, or removes them."""
        state = MembershipState.ACCEPTED if is_member else MembershipState.REMOVED

        def change(connection: Connection) -> None:
            find_user(connection, user)
            if projects.find(connection, project) is None:
                raise StateError(f"there is no project {project!r}")
            known = memberships.find_of(connection, user, project)
            memberships.save(connection, project, [placed(user, known, state, self._now())])
            sync_memberships(connection, project, [user])

        self._change(change)

    def set_limit(self, project: str, resource: str, limit: int, member_limit: int) -> None:
        """Sets the limits of a resource, for a whole project and for each member."""
        capacity = Capacity(limit, member_limit)
        now = self._now()
        self._change(lambda connection: set_capacity(connection, OPERATOR, project, resource, capacity, now))

    def renew_user_token(self, user: User) -> User:
        """Replaces a user's token."""

        def renew(connection: Connection) -> str:
            return renew_user_token(connection, OPERATOR, find_user(connection, user.uuid), self._now())

        token = self._change(renew)
        self._tokens.add(token, user.username)
        return User(user.uuid, user.username, token)

    def renew_component_token(self, component: Component) -> Component:
        """Replaces a component's token."""
        token = self._change(
            lambda connection: renew_component_token(connection, OPERATOR, component.name, self._now())
        )
        self._tokens.add(token, component.name)
        return Component(component.name, token)

    def load(self, document: Mapping[str, object]) -> None:
        """Applies a state document to the service."""
        try:
            converted = msgspec.convert(document, StateDocument)
        except msgspec.ValidationError as error:
            raise ValueError(explained(error, StateDocument)) from None
        self._load(converted)

    def forget_what_is_too_old(self) -> None:
        """Deletes records past their retention, as the service does once a minute."""
        retention = Retention()
        while self._database.change(lambda connection: retention.forget(connection, self._now())):
            pass

    def end_projects(self) -> None:
        """Ends the projects whose end date has passed, if the settings say so, as the service does."""
        end_what_is_over(self._database, self._now())

    def _load(self, document: StateDocument) -> None:
        # The tokens must be known before the first request with one of them is recorded.
        for component in document.components:
            if component.token:
                self._tokens.add(component.token, component.name)
        for user in document.users:
            if user.token:
                self._tokens.add(user.token, user.email.lower())
        try:
            load(self._database, document, self._now())
        except StateError as error:
            raise ValueError(str(error)) from None
        self._changed()

    def _change(self, work: Callable[[Connection], T]) -> T:
        try:
            result = self._database.change(work)
        except StateError as error:
            raise ValueError(str(error)) from None
        self._changed()
        return result


def _resource(name: str, service: str, limit: int | None) -> ResourceEntry:
    if limit is None:
        return ResourceEntry(name=name, service=service)
    return ResourceEntry(name=name, service=service, system_default=limit)
