"""The service under test as tests use it: adds users and services, injects failures, shows requests."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, overload

from astakos.testing.clock import Clock
from astakos.testing.failures import Cut, Delay, Fail, Failure, Garble
from astakos.testing.members import Component, Project, User
from astakosclient.client import DocumentedClient

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from astakos.testing.failures import Part, SaidOutcome, When
    from astakos.testing.installation import Directory
    from astakos.testing.seen_requests import SeenRequest
    from astakos.testing.starting import StartedService
    from astakos.testing.switches import Switch
    from astakosclient.async_client import AsyncAstakosClient

HINT = 'the service is not installed here; install it with: pip install "astakos[server]"'


class ServiceNotInstalledError(ImportError):
    """The service cannot start because one of its dependencies is not installed."""


@contextlib.contextmanager
def running_service() -> Iterator[RunningService]:
    """Runs a real, empty service while the context lasts. Starting takes a few milliseconds.

    Any number of services can run at once, in any threads; they share nothing.

    Raises:
        ServiceNotInstalledError: a dependency of the service is not installed.

    Example:
        .. code-block:: python

            with running_service() as service:
                compute = service.add_service("compute", resources={"compute.vm": 4})
                ada = service.add_user()
                service.set_limit(ada, "compute.vm", 10)
    """
    with contextlib.ExitStack() as stack:
        service = RunningService(stack)
        yield service


def _start(clock: Clock) -> AbstractContextManager[StartedService]:
    try:
        from astakos.testing.starting import start  # noqa: PLC0415 - may be missing
    except ModuleNotFoundError as error:
        raise ServiceNotInstalledError(f"{HINT} ({error.name} is missing)", name=error.name) from error
    return start(clock)


class RunningService:
    """A service that runs in this process and answers over HTTP at `url`.

    All methods are thread-safe. Changes take effect with the next call. Invalid arguments raise ValueError.

    Attributes:
        clock: the clock of the service.
    """

    def __init__(self, stack: contextlib.ExitStack) -> None:
        """Starts the service; use `running_service` instead."""
        self._stack = stack
        self._numbers = itertools.count(1)
        self.clock = Clock(self._time_has_passed)
        self._started = stack.enter_context(_start(self.clock))
        self._has_ended = False
        stack.callback(self._end)

    def __repr__(self) -> str:
        """Shows the URL."""
        return f"<RunningService at {self.url}>"

    @property
    def url(self) -> str:
        """The base URL for the client under test, for example ``http://127.0.0.1:39957/astakos``."""
        return self._started.url

    def _end(self) -> None:
        self._has_ended = True

    @property
    def _running(self) -> StartedService:
        if self._has_ended:
            raise RuntimeError("the service has ended: it runs only within its `with` block or its test")
        return self._started

    @property
    def _directory(self) -> Directory:
        return self._running.directory

    def client(self, **options: Any) -> DocumentedClient:
        """Creates a client of this service with options of `AstakosClient`; it closes with the service."""
        client = DocumentedClient(self._running.url, **options)
        self._stack.callback(client.close)
        return client

    def async_client(self, **options: Any) -> AsyncAstakosClient:
        """Creates an asynchronous client of this service; close it with ``async with``."""
        from astakosclient.async_client import AsyncAstakosClient  # noqa: PLC0415 - imports asyncio

        return AsyncAstakosClient(self._running.url, **options)

    # Users, services, projects

    def add_user(
        self,
        username: str | None = None,
        *,
        quotas: Mapping[str, int] | None = None,
        first_name: str = "",
        last_name: str = "",
        groups: Iterable[str] = (),
        is_active: bool = True,
    ) -> User:
        """Adds a user, whose token is valid for 30 days.

        Args:
            username: an email address; a name without ``@`` gets ``@example.org`` appended. By default, a new
                name.
            quotas: the limits in the user's system project, by resource, where they differ from the default.
            first_name: the first name.
            last_name: the last name.
            groups: the user's groups, which the API calls roles.
            is_active: whether the token works.

        Raises:
            ValueError: the user already exists, or a resource does not.
        """
        name = username or f"user-{next(self._numbers)}"
        return self._directory.add_user(
            name if "@" in name else f"{name}@example.org",
            first_name=first_name,
            last_name=last_name,
            groups=groups,
            quotas=quotas or {},
            is_active=is_active,
        )

    def add_service(
        self,
        name: str,
        *,
        kind: str | None = None,
        endpoints: Iterable[Mapping[str, str]] | str = (),
        resources: Mapping[str, int] | Iterable[str] = (),
    ) -> Component:
        """Adds a component with a service of the same name; the result has the component's token.

        Args:
            name: the name, for example ``compute``.
            kind: the type of the service in the service catalog; by default its name.
            endpoints: the URL of its API, or whole endpoints with at least ``publicURL`` and ``versionId``.
            resources: the names of its resources, or names with the limit of each user, for example
                ``{"compute.vm": 4}``; without a limit, usage is unlimited.

        Raises:
            ValueError: the component already exists, a name is empty, or a resource belongs to another
                component.
        """
        if isinstance(endpoints, str):
            endpoints = [{"versionId": "", "publicURL": endpoints}]
        limits: Mapping[str, int | None]
        limits = dict(resources) if isinstance(resources, Mapping) else dict.fromkeys(resources)
        return self._directory.add_service(name, kind or name, endpoints, limits)

    def add_resource(
        self,
        name: str,
        *,
        limit: int | None = None,
        service: Component | str | None = None,
        unit: str | None = None,
        scale: int = 0,
        description: str = "",
    ) -> None:
        """Registers a resource, or replaces the one with the same name.

        Args:
            name: the name, for example ``compute.ram``.
            limit: the limit of each user; None for no limit. A changed limit applies only to new users.
            service: the service that offers it; by default the part of the name before the first period,
                here ``compute``.
            unit: the unit of its quantities, for example ``bytes``.
            scale: the digits after the point of amounts in that unit, from 0 to 18; limits stay integers.
            description: a description for people.

        Raises:
            ValueError: there is no such service, or the limit or scale is invalid.
        """
        owner = service.name if isinstance(service, Component) else service or name.partition(".")[0]
        self._directory.add_resource(name, owner, limit, unit, scale, description)

    def add_project(
        self,
        name: str | None = None,
        *,
        members: Iterable[User] = (),
        limits: Mapping[str, int | tuple[int, int]] | None = None,
        owner: User | None = None,
    ) -> Project:
        """Adds an active project that users share.

        Args:
            name: the name; by default, a new one.
            members: the users who can draw from it.
            limits: the project's limit of each resource, or a pair of the project's limit and each member's.
                Other resources have a limit of 0.
            owner: the owner, if there is one.

        Raises:
            ValueError: there is no such user or resource, or a member's limit exceeds the project's.
        """
        both = {
            resource: limit if isinstance(limit, tuple) else (limit, limit)
            for resource, limit in (limits or {}).items()
        }
        return self._directory.add_project(
            name or f"project-{next(self._numbers)}.example.org",
            None if owner is None else owner.uuid,
            [member.uuid for member in members],
            both,
        )

    def add_member(self, project: Project, user: User) -> None:
        """Makes a user a member of a project, so that they can draw from it.

        Raises:
            ValueError: the user or the project does not exist.
        """
        self._directory.set_membership(project.uuid, user.uuid, is_member=True)

    def remove_member(self, project: Project, user: User) -> None:
        """Removes a user from a project, so that they can no longer draw from it; their usage still counts.

        Raises:
            ValueError: the user or the project does not exist.
        """
        self._directory.set_membership(project.uuid, user.uuid, is_member=False)

    def set_limit(
        self, whose: User | Project, resource: str, limit: int, *, member_limit: int | None = None
    ) -> None:
        """Sets the limit of a resource, for a user in their system project or for a project.

        Args:
            whose: the user or the project.
            resource: the resource, for example ``compute.vm``.
            limit: the limit; it may be below the current usage.
            member_limit: the limit of each member of the project; by default the same.

        Raises:
            ValueError: there is no such resource, or the limits are invalid.
        """
        of_member = limit if member_limit is None else member_limit
        self._directory.set_limit(whose.uuid, resource, limit, of_member)

    @overload
    def renew_token(self, whose: User) -> User: ...
    @overload
    def renew_token(self, whose: Component) -> Component: ...
    def renew_token(self, whose: User | Component) -> User | Component:
        """Replaces a token; the result has the new one, and the old one stops working."""
        if isinstance(whose, User):
            return self._directory.renew_user_token(whose)
        return self._directory.renew_component_token(whose)

    def load(self, document: Mapping[str, object]) -> None:
        """Applies a state document (`docs/state.md`), for everything that has no method here.

        Raises:
            ValueError: the document contains an error; nothing has changed.
        """
        self._directory.load(document)

    # Failures

    def fail_next(
        self,
        status: int = 503,
        *,
        retry_after: float | None = None,
        carried_out: bool = False,
        outcome: SaidOutcome | None = None,
        times: int = 1,
        path: str | None = None,
        method: str | None = None,
    ) -> Switch:
        """Answers the next requests with an error.

        Args:
            status: the status, from 400 to 599.
            retry_after: the seconds in the ``Retry-After`` header, rounded up.
            carried_out: whether the service handles the request anyway, as happens behind a gateway.
            outcome: what the answer says about the call in ``Astakos-Outcome``: ``not-carried-out`` or
                ``unknown``, as every 503 of the service does. None: nothing, as a gateway.
            times: how many requests fail.
            path: a pattern for the path below the URL, for example ``/account/v1.0/commissions*``; only
                matching requests fail.
            method: only requests with this method fail.

        Raises:
            ValueError: an argument is invalid.
        """
        return self._let(Fail(status, retry_after, carried_out, outcome), times, path, method)

    def cut_next(
        self,
        when: When = "before",
        *,
        times: int = 1,
        path: str | None = None,
        method: str | None = None,
    ) -> Switch:
        """Closes the connection of the next requests instead of answering.

        Args:
            when: ``"before"`` or ``"after"`` the service handles the request, or ``"within"`` its answer, of
                which it then sends half.
            times: see `fail_next`.
            path: see `fail_next`.
            method: see `fail_next`.

        Raises:
            ValueError: an argument is invalid.
        """
        return self._let(Cut(when), times, path, method)

    def delay_next(
        self,
        seconds: float = math.inf,
        *,
        carried_out: bool = False,
        times: int = 1,
        path: str | None = None,
        method: str | None = None,
    ) -> Switch:
        """Answers the next requests late, or never, so that the client times out.

        Args:
            seconds: the delay; by default, the answer never arrives.
            carried_out: whether the service handles the request before the delay. Otherwise it does so
                afterward, and only if the client is still waiting.
            times: see `fail_next`.
            path: see `fail_next`.
            method: see `fail_next`.

        Raises:
            ValueError: an argument is invalid.
        """
        return self._let(Delay(seconds, carried_out), times, path, method)

    def garble_next(
        self,
        part: Part = "body",
        *,
        times: int = 1,
        path: str | None = None,
        method: str | None = None,
    ) -> Switch:
        """Handles the next requests, but sends an unreadable answer.

        Args:
            part: ``"body"`` for the right status with a body that is not JSON; ``"head"`` for bytes that are
                not HTTP.
            times: see `fail_next`.
            path: see `fail_next`.
            method: see `fail_next`.

        Raises:
            ValueError: an argument is invalid.
        """
        return self._let(Garble(part), times, path, method)

    def mend(self) -> None:
        """Cancels all failures that have not happened yet."""
        self._started.interception.switchboard.clear()

    def _let(self, failure: Failure, times: int, path: str | None, method: str | None) -> Switch:
        return self._started.interception.switchboard.set(failure, times, path, method)

    # Requests

    @property
    def requests(self) -> list[SeenRequest]:
        """All requests so far, in the order of their arrival, including retries."""
        return list(self._started.interception.requests)

    def _time_has_passed(self) -> None:
        self._running.end_what_is_over()
