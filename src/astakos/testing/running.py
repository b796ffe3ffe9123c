"""The service under test as a test sees it: whom to add, what to let go wrong, what it was asked."""

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

    from astakos.testing.failures import Part, When
    from astakos.testing.installation import Directory
    from astakos.testing.seen_requests import SeenRequest
    from astakos.testing.starting import StartedService
    from astakos.testing.switches import Switch
    from astakosclient.async_client import AsyncAstakosClient

HINT = 'the service is not installed here; install it with: pip install "astakosclient[server]"'


class ServiceNotInstalledError(ImportError):
    """The service can not be started, since something that it needs is not installed."""


@contextlib.contextmanager
def running_service() -> Iterator[RunningService]:
    """A real service, with nothing in it, while the context lasts; takes a few milliseconds.

    Any number of them may run at once, in any threads; they have nothing in common.

    Raises:
        ServiceNotInstalledError: what the service needs is not installed.

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
        from astakos.testing.starting import start  # noqa: PLC0415 - it is what may be missing
    except ModuleNotFoundError as error:
        raise ServiceNotInstalledError(f"{HINT} ({error.name} is missing)", name=error.name) from error
    return start(clock)


class RunningService:
    """A service that answers at `url`, in this process, over HTTP.

    All methods can be called from any thread. What they change counts for the next call; where something is
    asked for that makes no sense, they raise ValueError.

    Attributes:
        clock: the time of the service.
    """

    def __init__(self, stack: contextlib.ExitStack) -> None:
        """Start; see `running_service`."""
        self._stack = stack
        self._numbers = itertools.count(1)
        self.clock = Clock(self._time_has_passed)
        self._started = stack.enter_context(_start(self.clock))
        self._has_ended = False
        stack.callback(self._end)

    def __repr__(self) -> str:
        """Where it is."""
        return f"<RunningService at {self.url}>"

    @property
    def url(self) -> str:
        """The base URL, such as ``http://127.0.0.1:39957/astakos``, for the client of what is tested."""
        return self._started.url

    def _end(self) -> None:
        self._has_ended = True

    @property
    def _running(self) -> StartedService:
        if self._has_ended:
            raise RuntimeError(
                "the service has ended: it is there within its `with` block, or its test, alone"
            )
        return self._started

    @property
    def _directory(self) -> Directory:
        return self._running.directory

    def client(self, **options: Any) -> DocumentedClient:
        """A client of this service, with options as of `AstakosClient`; it is closed with the service."""
        client = DocumentedClient(self._running.url, **options)
        self._stack.callback(client.close)
        return client

    def async_client(self, **options: Any) -> AsyncAstakosClient:
        """As `client`, asynchronous; whoever takes it closes it, by ``async with``."""
        from astakosclient.async_client import AsyncAstakosClient  # noqa: PLC0415 - it brings in asyncio

        return AsyncAstakosClient(self._running.url, **options)

    # Who and what there is

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
        """Add a user, whose token works for 30 days.

        Args:
            username: a mail address; what has no ``@`` is put before ``@example.org``; by default a new one.
            quotas: limits in the user's own project by resource, where they differ from everybody's.
            first_name: as people write it.
            last_name: as people write it.
            groups: the groups, which the API calls roles.
            is_active: whether the token works.

        Raises:
            ValueError: there is such a user, or no such resource.
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
        """Add a component and its service of the same name; the token of the answer is what it calls with.

        Args:
            name: such as ``compute``.
            kind: the service's type, by which a catalogue is searched; by default its name.
            endpoints: the URL of its API, or whole endpoints with at least ``publicURL`` and ``versionId``.
            resources: what it counts: names, or names with the limit of each user, such as
                ``{"compute.vm": 4}``; without one there is no limit.

        Raises:
            ValueError: there is such a component, a name is empty, or a resource is another service's.
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
        description: str = "",
    ) -> None:
        """Register a resource, or replace the one of that name.

        Args:
            name: such as ``compute.ram``.
            limit: what each user may have; None for no limit. It counts for users who come later.
            service: whose it is; by default the service by whose name it begins, ``compute``.
            unit: what is counted, such as ``bytes``.
            description: for people.

        Raises:
            ValueError: there is no such service, or the limit is none.
        """
        owner = service.name if isinstance(service, Component) else service or name.partition(".")[0]
        self._directory.add_resource(name, owner, limit, unit, description)

    def add_project(
        self,
        name: str | None = None,
        *,
        members: Iterable[User] = (),
        limits: Mapping[str, int | tuple[int, int]] | None = None,
        owner: User | None = None,
    ) -> Project:
        """Add an active project that users share.

        Args:
            name: by default a new one.
            members: who may draw from it.
            limits: what it has of each resource, or a pair: what it has, and what each member may use. Of
                resources that are not named it has nothing.
            owner: whose it is, if anybody's.

        Raises:
            ValueError: there is no such user or resource, or a member's limit is above the project's.
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
        """Let a user draw from a project.

        Raises:
            ValueError: one of them is not there.
        """
        self._directory.set_membership(project.uuid, user.uuid, is_member=True)

    def remove_member(self, project: Project, user: User) -> None:
        """Let a user draw from a project no more; what they use of it stays counted.

        Raises:
            ValueError: one of them is not there.
        """
        self._directory.set_membership(project.uuid, user.uuid, is_member=False)

    def set_limit(
        self, whose: User | Project, resource: str, limit: int, *, member_limit: int | None = None
    ) -> None:
        """Set how much of a resource a user may have of their own project, or a project and its members.

        Args:
            whose: the user or the project.
            resource: such as ``compute.vm``.
            limit: how much; it may be less than what is in use.
            member_limit: how much each member of a project may use of that; by default all of it.

        Raises:
            ValueError: there is no such resource, or the numbers make no sense.
        """
        of_member = limit if member_limit is None else member_limit
        self._directory.set_limit(whose.uuid, resource, limit, of_member)

    @overload
    def renew_token(self, whose: User) -> User: ...
    @overload
    def renew_token(self, whose: Component) -> Component: ...
    def renew_token(self, whose: User | Component) -> User | Component:
        """Give a new token, which the answer carries; the old one ceases to work."""
        if isinstance(whose, User):
            return self._directory.renew_user_token(whose)
        return self._directory.renew_component_token(whose)

    def load(self, document: Mapping[str, object]) -> None:
        """Make the service hold what a state document (`docs/state.md`) declares: all that has no method.

        Raises:
            ValueError: something in it is wrong; nothing has been changed.
        """
        self._directory.load(document)

    # What goes wrong

    def fail_next(
        self,
        status: int = 503,
        *,
        retry_after: float | None = None,
        carried_out: bool = False,
        times: int = 1,
        path: str | None = None,
        method: str | None = None,
    ) -> Switch:
        """Answer the next requests with a failure.

        Args:
            status: from 400 to 599.
            retry_after: after how many seconds, rounded up, the client is asked to call again.
            carried_out: whether the service does its part all the same, as may be behind a gateway.
            times: how many requests.
            path: only those whose path below the URL fits this pattern, such as
                ``/account/v1.0/commissions*``.
            method: only those of this method.

        Raises:
            ValueError: the status is no failure, or another argument makes no sense.
        """
        return self._let(Fail(status, retry_after, carried_out), times, path, method)

    def cut_next(
        self,
        when: When = "before",
        *,
        times: int = 1,
        path: str | None = None,
        method: str | None = None,
    ) -> Switch:
        """Close the connection of the next requests in place of answering.

        Args:
            when: ``"before"`` the service does anything; ``"after"`` it has done its part; ``"within"`` its
                answer, of which half is sent.
            times: as of `fail_next`.
            path: as of `fail_next`.
            method: as of `fail_next`.

        Raises:
            ValueError: an argument makes no sense.
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
        """Answer the next requests late, or never: then the client loses patience.

        Args:
            seconds: how late; without it, never.
            carried_out: whether the service does its part before. Otherwise it does so after, and only if the
                client is still waiting.
            times: as of `fail_next`.
            path: as of `fail_next`.
            method: as of `fail_next`.

        Raises:
            ValueError: an argument makes no sense.
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
        """Carry out the next requests, and answer what cannot be read.

        Args:
            part: ``"body"``: the status is right, the body is no JSON; ``"head"``: it is not even HTTP.
            times: as of `fail_next`.
            path: as of `fail_next`.
            method: as of `fail_next`.

        Raises:
            ValueError: an argument makes no sense.
        """
        return self._let(Garble(part), times, path, method)

    def mend(self) -> None:
        """Let nothing go wrong any more of what was switched on and has not happened yet."""
        self._started.interception.switchboard.clear()

    def _let(self, failure: Failure, times: int, path: str | None, method: str | None) -> Switch:
        return self._started.interception.switchboard.set(failure, times, path, method)

    # What it was asked

    @property
    def requests(self) -> list[SeenRequest]:
        """All requests so far in the order in which they arrived, repetitions as well."""
        return list(self._started.interception.requests)

    def _time_has_passed(self) -> None:
        self._running.end_what_is_over()
