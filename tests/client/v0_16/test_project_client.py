"""Projects, applications and memberships: requests and answers as the original exchanged them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from astakosclient import errors
from astakosclient.v0_16.later_client import LaterClient
from astakosclient.v0_16.project_client import ProjectClient
from client.peers import answer, fault
from client.v0_16.catalogues import catalogue

if TYPE_CHECKING:
    from client.conftest import PeerFactory

PROJECT = "99999999-0000-4000-8000-999999999999"
NEW = "4adce74c-2834-4267-a88b-c68ca266d7a4"
OWNER = "00000001-0000-4000-8000-000000000001"
OTHER = "5bdce74c-2834-4267-a88b-c68ca266d7a5"
ACCOUNT = "/astakos/account/v1.0"

SPECS = {
    "name": "new.example.org",
    "homepage": "http://x.org",
    "description": "d",
    "comments": "c",
    "start_date": "2027-01-01T00:00:00Z",
    "end_date": "2035-01-01T00:00:00Z",
    "join_policy": "auto",
    "leave_policy": "auto",
    "max_members": 5,
    "private": False,
    "resources": {"cyclades.vm": {"member_capacity": 1, "project_capacity": 5}},
}
ONE_PROJECT = {
    "id": PROJECT,
    "name": "lab.example.org",
    "state": "active",
    "owner": OWNER,
    "end_date": "2036-01-01T00:00:00+00:00",
    "join_policy": "auto",
    "private": False,
    "system_project": False,
    "resources": {"cyclades.vm": {"member_capacity": 4, "project_capacity": 20}},
}
ONE_MEMBERSHIP = {
    "id": 8,
    "project": PROJECT,
    "user": OWNER,
    "state": "accepted",
    "requested": "2031-02-03T04:05:06.470827+00:00",
    "accepted": "2031-02-03T04:05:06.471700+00:00",
    "allowed_actions": ["leave"],
}
CHANGED = {"id": NEW, "application": 4}

Invoke = Callable[[LaterClient], Any]

# call, method, path, JSON body, status, answer
EVERY_CALL: dict[str, tuple[Invoke, str, str, Any, str, Any]] = {
    "all projects": (lambda c: c.get_projects(), "GET", "", None, "200 OK", [ONE_PROJECT]),
    "projects of an owner": (
        lambda c: c.get_projects(owner=OWNER),
        "GET",
        f"?owner={OWNER}",
        None,
        "200 OK",
        [ONE_PROJECT],
    ),
    "projects by all criteria": (
        lambda c: c.get_projects("lab.example.org", "active", OWNER, "related"),
        "GET",
        f"?name=lab.example.org&state=active&owner={OWNER}&mode=related",
        None,
        "200 OK",
        [],
    ),
    "a project": (
        lambda c: c.get_project(PROJECT),
        "GET",
        f"/{PROJECT}",
        None,
        "200 OK",
        ONE_PROJECT,
    ),
    "a new project": (
        lambda c: c.create_project(SPECS),
        "POST",
        "",
        SPECS,
        "201 Created",
        {"id": NEW, "application": 2},
    ),
    "another description": (
        lambda c: c.modify_project(NEW, {"description": "changed"}),
        "PUT",
        f"/{NEW}",
        {"description": "changed"},
        "201 Created",
        CHANGED,
    ),
    "suspending": (
        lambda c: c.project_action(NEW, "suspend", reason="r"),
        "POST",
        f"/{NEW}/action",
        {"suspend": {"reason": "r"}},
        "200 OK",
        None,
    ),
    "suspending for no reason": (
        lambda c: c.project_action(NEW, "suspend"),
        "POST",
        f"/{NEW}/action",
        {"suspend": {"reason": ""}},
        "200 OK",
        None,
    ),
    "handing over": (
        lambda c: c.hand_over_project(NEW, OWNER, reason="r"),
        "POST",
        f"/{NEW}/action",
        {"handover": {"owner": OWNER, "reason": "r"}},
        "200 OK",
        None,
    ),
    "moving": (
        lambda c: c.move_project(NEW, OTHER, reason="r", force=True),
        "POST",
        f"/{NEW}/action",
        {"move": {"parent": OTHER, "force": True, "reason": "r"}},
        "200 OK",
        None,
    ),
    "moving out": (
        lambda c: c.move_project(NEW, None),
        "POST",
        f"/{NEW}/action",
        {"move": {"parent": None, "force": False, "reason": ""}},
        "200 OK",
        None,
    ),
    "joining with an invitation": (
        lambda c: c.join_with_invitation("12-secret"),
        "POST",
        "/memberships",
        {"join": {"invitation": "12-secret"}},
        "200 OK",
        {"id": 8},
    ),
    "inviting": (
        lambda c: c.create_invitation(NEW, 3, "2031-01-01T00:00:00Z"),
        "POST",
        f"/{NEW}/invitations",
        {"max_uses": 3, "expires": "2031-01-01T00:00:00Z"},
        "201 Created",
        {"id": 12, "invitation": "12-secret"},
    ),
    "invitations of a project": (
        lambda c: c.get_invitations(NEW),
        "GET",
        f"/{NEW}/invitations",
        None,
        "200 OK",
        [{"id": 12, "state": "open"}],
    ),
    "revoking an invitation": (
        lambda c: c.revoke_invitation(12),
        "DELETE",
        "/invitations/12",
        None,
        "204 No Content",
        None,
    ),
    "approving an application": (
        lambda c: c.application_action(NEW, 2, "approve", "fine"),
        "POST",
        f"/{NEW}/action",
        {"approve": {"app_id": 2, "reason": "fine"}},
        "200 OK",
        None,
    ),
    "all memberships": (
        lambda c: c.get_memberships(),
        "GET",
        "/memberships",
        None,
        "200 OK",
        [ONE_MEMBERSHIP],
    ),
    "memberships of a project": (
        lambda c: c.get_memberships(PROJECT),
        "GET",
        f"/memberships?project={PROJECT}",
        None,
        "200 OK",
        [ONE_MEMBERSHIP],
    ),
    "memberships by the old name": (
        lambda c: c.get_memberships(project=PROJECT),
        "GET",
        f"/memberships?project={PROJECT}",
        None,
        "200 OK",
        [],
    ),
    "a membership": (
        lambda c: c.get_membership(8),
        "GET",
        "/memberships/8",
        None,
        "200 OK",
        ONE_MEMBERSHIP,
    ),
    "leaving": (
        lambda c: c.membership_action(8, "leave", "bye"),
        "POST",
        "/memberships/8/action",
        {"leave": "bye"},
        "200 OK",
        None,
    ),
    "removing": (
        lambda c: c.membership_action(9, "remove"),
        "POST",
        "/memberships/9/action",
        {"remove": ""},
        "200 OK",
        None,
    ),
    "joining": (
        lambda c: c.join_project(NEW),
        "POST",
        "/memberships",
        {"join": {"project": NEW}},
        "200 OK",
        {"id": 8},
    ),
    "enrolling": (
        lambda c: c.enroll_member(NEW, "carol@example.org"),
        "POST",
        "/memberships",
        {"enroll": {"project": NEW, "user": "carol@example.org"}},
        "200 OK",
        {"id": 9},
    ),
    "what members use": (
        lambda c: c.get_project_usage(NEW),
        "GET",
        f"/{NEW}/usage",
        None,
        "200 OK",
        {"usage": [], "next": None},
    ),
    "who uses most": (
        lambda c: c.get_project_usage(
            NEW, resource="cyclades.vm", user=OWNER, sort="usage", limit=5, cursor="7.9"
        ),
        "GET",
        f"/{NEW}/usage?resource=cyclades.vm&user={OWNER}&sort=usage&limit=5&cursor=7.9",
        None,
        "200 OK",
        {"usage": [], "next": "5.8"},
    ),
    "what has changed in a project": (
        lambda c: c.get_project_events(NEW, limit=5),
        "GET",
        f"/{NEW}/events?limit=5",
        None,
        "200 OK",
        {"events": [], "next": 0},
    ),
    "what has changed": (
        lambda c: c.get_events(after=7),
        "GET",
        "/events?after=7",
        None,
        "200 OK",
        {"events": [], "next": 7},
    ),
    "the default project": (
        lambda c: c.set_default_project(NEW),
        "POST",
        "/myaccount/default_project",
        {"project_id": NEW},
        "200 OK",
        None,
    ),
}


def path_of(target: str) -> str:
    return (ACCOUNT if target.startswith(("/myaccount", "/events")) else f"{ACCOUNT}/projects") + target


def test_every_call_about_projects_is_in_the_table() -> None:
    code = [invoke.__code__.co_names[0] for invoke, *_ in EVERY_CALL.values()]
    assert {name for name in vars(ProjectClient) if not name.startswith("_")} == set(code)


@pytest.mark.parametrize("name", EVERY_CALL)
def test_a_call_is_the_one_that_the_original_knew(name: str, peer_of: PeerFactory) -> None:
    invoke, method, target, document, status, answered = EVERY_CALL[name]
    peer = peer_of(answer(catalogue()), answer(answered, status))
    with LaterClient("the-token-of-a-user", f"{peer.url}/astakos/identity/v2.0") as client:
        assert invoke(client) == answered
    request = peer.requests[1]
    assert (request.method, request.target) == (method, path_of(target))
    assert request.headers["x-auth-token"] == "the-token-of-a-user"
    if document is None:
        assert request.body == b""
    else:
        assert request.json == document
        assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("key", "status", "phrase", "kind", "invoke"),
    [
        ("badRequest", 400, "BAD REQUEST", errors.BadRequest, lambda c: c.get_projects(mode="foo")),
        ("forbidden", 403, "FORBIDDEN", errors.Forbidden, lambda c: c.get_membership(9)),
        ("itemNotFound", 404, "NOT FOUND", errors.NotFound, lambda c: c.get_project("6")),
        (
            "conflict",
            409,
            "CONFLICT",
            errors.Conflict,
            lambda c: c.enroll_member(NEW, "nobody@example.org"),
        ),
    ],
)
def test_a_refusal_is_told_as_what_it_is(
    key: str,
    status: int,
    phrase: str,
    kind: type[errors.AstakosClientException],
    invoke: Invoke,
    peer_of: PeerFactory,
) -> None:
    refusal = fault(key, status, "This is why.", f"{status} {phrase}")
    peer = peer_of(answer(catalogue()), refusal)
    with LaterClient("t", peer.url, retry=3) as client, pytest.raises(kind) as failed:
        invoke(client)
    assert (failed.value.status, failed.value.fault, failed.value.said) == (status, key, "This is why.")
    assert len(peer.requests) == 2
