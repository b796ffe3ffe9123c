"""A project lives its life on the real service, by each client that has the calls about projects."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from astakosclient import AstakosClient, AsyncAstakosClient, errors
from service.world import ALICE, BOB, CHLOE, FAY, LAB, UNKNOWN_UUID, VM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.caller import Caller

NAME = "new.example.org"
SPECS = {
    "name": NAME,
    "end_date": "2090-01-02T03:04:05Z",
    "max_members": 2,
    "resources": {VM: {"project_capacity": 8, "member_capacity": 3}},
}

Of = Callable[[str], Any]
"""Makes the client of a token."""


class Awaited:
    """A client whose calls are awaited, as one whose calls are not."""

    def __init__(self, client: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._client = client
        self._loop = loop

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            return self._loop.run_until_complete(getattr(self._client, name)(*arguments, **options))

        return call


@contextlib.contextmanager
def documented(service: Caller) -> Iterator[Of]:
    with AstakosClient(service.base_url) as client:
        yield client.bind


@contextlib.contextmanager
def awaited(service: Caller) -> Iterator[Of]:
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        client = AsyncAstakosClient(service.base_url)
        yield lambda token: Awaited(client.bind(token), loop)
        loop.run_until_complete(client.aclose())


@contextlib.contextmanager
def later(service: Caller) -> Iterator[Of]:
    with contextlib.ExitStack() as stack:
        yield lambda token: stack.enter_context(AstakosClient(token, f"{service.base_url}/identity/v2.0"))


@pytest.mark.parametrize("clients", [documented, awaited, later])
def test_a_project_lives_its_life(
    clients: Callable[[Caller], contextlib.AbstractContextManager[Of]], service: Caller
) -> None:
    with clients(service) as of:
        owner, member, administrator = of(BOB.token), of(ALICE.token), of(CHLOE.token)
        applied = owner.create_project(SPECS)
        project = applied["id"]
        assert owner.get_project(project)["last_application"]["state"] == "pending"
        with pytest.raises(errors.Forbidden):
            member.get_project(project)
        administrator.application_action(project, applied["application"], "approve", "fine")
        with pytest.raises(errors.Conflict):
            administrator.application_action(project, applied["application"], "deny")

        [found] = member.get_projects(name=NAME, state="active", owner=BOB.uuid, mode="active")
        assert (found["id"], found["max_members"]) == (project, 2)
        membership = member.join_project(project)["id"]
        assert member.get_membership(membership)["allowed_actions"] == ["cancel"]
        owner.membership_action(membership, "accept", "welcome")
        assert member.get_quotas()[project][VM]["limit"] == 3
        member.set_default_project(project)

        second = owner.enroll_member(project, FAY.email)["id"]
        with pytest.raises(errors.Conflict):
            owner.enroll_member(project, CHLOE.email)
        assert [one["id"] for one in owner.get_memberships(project)] == [membership, second]
        [usage] = owner.get_project_usage(project, resource=VM, user=ALICE.uuid)["usage"]
        assert (usage["usage"], usage["limit"]) == (0, 3)
        owner.membership_action(second, "remove")

        changed = owner.modify_project(project, {"max_members": 9})
        administrator.application_action(project, changed["application"], "approve")
        administrator.project_action(project, "suspend", "for now")
        assert owner.get_project(project)["state"] == "suspended"
        administrator.project_action(project, "unsuspend")
        member.membership_action(membership, "leave")
        assert member.get_membership(membership)["state"] == "removed"
        administrator.project_action(project, "terminate")
        assert owner.get_project(project)["state"] == "terminated"


@pytest.mark.parametrize(
    ("refusal", "call"),
    [
        (errors.NotFound, lambda c: c.get_project(UNKNOWN_UUID)),
        (errors.NotFound, lambda c: c.get_membership(999)),
        (errors.NotFound, lambda c: c.join_project(UNKNOWN_UUID)),
        (errors.NotFound, lambda c: c.application_action(LAB, 999, "approve")),
        (errors.Forbidden, lambda c: c.project_action(LAB, "suspend")),
        (errors.BadRequest, lambda c: c.project_action(LAB, "stop")),
        (errors.BadRequest, lambda c: c.create_project({"name": "lab"})),
        (errors.BadRequest, lambda c: c.get_projects(mode="none")),
        (errors.Conflict, lambda c: c.join_project(LAB)),
    ],
)
def test_what_is_refused_is_an_exception_of_its_kind(
    refusal: type[errors.AstakosClientException], call: Callable[[Any], object], standing_service: Caller
) -> None:
    with documented(standing_service) as of, pytest.raises(refusal) as refused:
        call(of(BOB.token))
    assert refused.value.said
