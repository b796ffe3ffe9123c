"""Adding users, services, resources, limits and projects; what is added counts for the next call."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from astakosclient import AstakosClient, errors, parse_endpoints
from astakosclient.testing import Project, RunningService, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.testing.conftest import Shop

NOBODY = User("deadbeef-0000-4000-8000-000000000000", "nobody@example.org", "unknown")
NOTHING = Project("deadbeef-0000-4000-8000-000000000000", "nothing")


def quota(
    client: AstakosClient, user: User, project: User | Project, resource: str = "compute.vm"
) -> tuple[int, int]:
    """The user's limit in a project, and the project's own."""
    found = client.get_quotas(user.token)[project.uuid][resource]
    return found["limit"], found["project_limit"]


def test_a_user_has_what_is_said_and_the_rest_by_itself(
    astakos_service: RunningService, astakos_client: AstakosClient, shop: Shop
) -> None:
    first, second = astakos_service.add_user(), astakos_service.add_user()
    assert first.username != second.username
    assert astakos_service.add_user("Grace").username == "grace@example.org"
    full = astakos_service.add_user(
        "Full@Example.org", first_name="Full", last_name="Name", groups=["staff"], quotas={"compute.vm": 9}
    )
    info = astakos_client.get_user_info(full.token)
    assert (info["username"], info["email"]) == ("full@example.org", ["Full@Example.org"])
    assert (info["name"], info["groups"]) == ("Full Name", ["staff"])
    assert quota(astakos_client, full, full) == (9, 9)
    assert quota(astakos_client, shop.ada, shop.ada) == (4, 4)
    with pytest.raises(errors.Unauthorized):
        astakos_client.get_quotas(astakos_service.add_user(is_active=False).token)


def test_a_service_is_found_in_the_catalogue(
    astakos_service: RunningService, astakos_client: AstakosClient
) -> None:
    ada = astakos_service.add_user()
    astakos_client.get_endpoints(ada.token)
    astakos_service.add_service("compute", kind="virtual-machines", endpoints="https://c.example.org/v2")
    endpoints = [{"versionId": "v1", "publicURL": "https://s.example.org/v1", "note": "x"}]
    astakos_service.add_service("storage", endpoints=endpoints)
    catalog = astakos_client.get_endpoints(ada.token)
    (found,) = parse_endpoints(catalog, ep_type="virtual-machines")
    assert found["endpoints"][0]["publicURL"] == "https://c.example.org/v2"
    (found,) = parse_endpoints(catalog, ep_name="storage", ep_version_id="v1")
    assert found["endpoints"][0]["note"] == "x"


def test_a_resource_belongs_to_the_service_by_whose_name_it_begins(
    astakos_service: RunningService, astakos_client: AstakosClient, shop: Shop
) -> None:
    astakos_client.get_resources()
    astakos_service.add_resource("compute.ram", limit=1024, unit="bytes", description="Memory")
    astakos_service.add_resource("machines", service=shop.compute)
    astakos_service.add_resource("compute.cost", unit="USD", scale=6)
    resources = astakos_client.get_resources()
    assert set(resources) == {"compute.vm", "compute.ram", "compute.cost", "machines"}
    assert (resources["compute.cost"].get("scale"), resources["machines"].get("scale")) == (6, None)
    assert (resources["compute.ram"]["unit"], resources["compute.ram"]["description"]) == ("bytes", "Memory")
    assert {resource["service"] for resource in resources.values()} == {"compute"}
    assert quota(astakos_client, shop.ada, shop.ada, "compute.ram") == (1024, 1024)
    assert quota(astakos_client, shop.ada, shop.ada, "machines") == (2**63 - 1, 2**63 - 1)


def test_a_limit_can_be_changed_while_it_is_used(
    astakos_service: RunningService, astakos_client: AstakosClient, shop: Shop
) -> None:
    shop.issue(astakos_client, 4)
    with pytest.raises(errors.QuotaLimit):
        shop.issue(astakos_client, 1)
    astakos_service.set_limit(shop.ada, "compute.vm", 5)
    shop.issue(astakos_client, 1)
    astakos_service.set_limit(shop.ada, "compute.vm", 0)
    with pytest.raises(errors.QuotaLimit) as refused:
        shop.issue(astakos_client, 1)
    assert (refused.value.limit, refused.value.usage) == (0, 5)


def test_members_draw_from_a_project(
    astakos_service: RunningService, astakos_client: AstakosClient, shop: Shop
) -> None:
    grace = astakos_service.add_user("grace")
    lab = astakos_service.add_project(
        "lab.example.org", owner=shop.ada, members=[shop.ada], limits={"compute.vm": (6, 2)}
    )
    assert quota(astakos_client, shop.ada, lab) == (2, 6)
    assert lab.uuid not in astakos_client.get_quotas(grace.token)

    astakos_service.add_member(lab, grace)
    astakos_service.set_limit(lab, "compute.vm", 7, member_limit=3)
    assert quota(astakos_client, grace, lab) == (3, 7)
    astakos_client.issue_one_commission(shop.compute.token, grace.uuid, lab.uuid, {"compute.vm": 3})

    astakos_service.remove_member(lab, grace)
    assert lab.uuid not in astakos_client.get_quotas(grace.token)
    with pytest.raises(errors.QuotaLimit):
        astakos_client.issue_one_commission(shop.compute.token, grace.uuid, lab.uuid, {"compute.vm": 1})


def test_a_project_needs_neither_name_nor_members(
    astakos_service: RunningService, astakos_client: AstakosClient, shop: Shop
) -> None:
    first, second = astakos_service.add_project(), astakos_service.add_project(limits={"compute.vm": 3})
    assert first.name != second.name
    astakos_service.add_member(first, shop.ada)
    astakos_service.add_member(second, shop.ada)
    assert quota(astakos_client, shop.ada, first) == (0, 0)
    assert quota(astakos_client, shop.ada, second) == (3, 3)


def test_a_renewed_token_replaces_the_old_one_at_once(
    astakos_service: RunningService, astakos_client: AstakosClient, shop: Shop
) -> None:
    assert astakos_client.get_quotas(shop.ada.token)
    assert shop.pending(astakos_client) == 0
    ada, compute = astakos_service.renew_token(shop.ada), astakos_service.renew_token(shop.compute)
    assert (ada.uuid, compute.name) == (shop.ada.uuid, "compute")
    assert astakos_client.get_quotas(ada.token)
    assert astakos_client.get_pending_commissions(compute.token) == []
    with pytest.raises(errors.Unauthorized):
        astakos_client.get_quotas(shop.ada.token)
    with pytest.raises(errors.Unauthorized):
        shop.pending(astakos_client)


def test_all_else_is_loaded_from_a_state_document(
    astakos_service: RunningService, astakos_client: AstakosClient, shop: Shop
) -> None:
    ended = {"name": "retired", "token": "the-token-of-retired", "token_expires": "2001-01-02T03:04:05+00:00"}
    astakos_service.load({"components": [ended]})
    with pytest.raises(errors.Unauthorized):
        astakos_client.get_pending_commissions("the-token-of-retired")
    assert astakos_service.requests[-1].headers["x-auth-token"] == "<token of retired>"


@pytest.mark.parametrize(
    ("ask", "what_is_wrong"),
    [
        (lambda service, ada: service.add_user(ada.username), "already has this address"),
        (lambda service, ada: service.add_user("a b@c"), "must be an email address"),
        (lambda service, ada: service.add_user(quotas={"compute.gpu": 1}), "no resource 'compute.gpu'"),
        (lambda service, ada: service.add_service(""), "must not be empty"),
        (lambda service, ada: service.add_service("compute"), "the component 'compute' already exists"),
        (
            lambda service, ada: service.add_service("x", resources={"compute.vm": 1}),
            "already belongs to the component 'compute'",
        ),
        (
            lambda service, ada: service.add_service("x", endpoints=[{"region": "y"}]),
            "'versionId' is missing",
        ),
        (lambda service, ada: service.add_resource("storage.space"), "there is no service 'storage'"),
        (lambda service, ada: service.add_resource("compute.ram", limit=-1), "number from 0"),
        (lambda service, ada: service.add_resource("compute.ram", scale=19), "number from 0 to 18"),
        (lambda service, ada: service.set_limit(ada, "compute.gpu", 1), "no resource 'compute.gpu'"),
        (lambda service, ada: service.set_limit(ada, "compute.vm", 1, member_limit=2), "must not be larger"),
        (lambda service, ada: service.set_limit(NOBODY, "compute.vm", 1), "no project 'deadbeef"),
        (lambda service, ada: service.add_project(members=[NOBODY]), "no user 'deadbeef"),
        (lambda service, ada: service.add_member(NOTHING, ada), "no project 'deadbeef"),
        (lambda service, ada: service.add_member(service.add_project(), NOBODY), "no user 'deadbeef"),
        (lambda service, ada: service.renew_token(NOBODY), "no user 'deadbeef"),
        (lambda service, ada: service.load({"users": 17}), "Expected `array`"),
    ],
)
def test_what_makes_no_sense_is_refused_and_says_why(
    astakos_service: RunningService,
    shop: Shop,
    ask: Callable[[RunningService, User], object],
    what_is_wrong: str,
) -> None:
    with pytest.raises(ValueError, match=re.escape(what_is_wrong)):
        ask(astakos_service, shop.ada)


def test_no_token_is_shown(astakos_service: RunningService, shop: Shop) -> None:
    shown = f"{shop!r} {astakos_service!r}"
    assert astakos_service.url in shown
    assert shop.ada.token not in shown
    assert shop.compute.token not in shown
