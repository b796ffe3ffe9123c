"""What the service really sends is what the types of its answers say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, get_type_hints

import pytest

from astakosclient import AstakosClient, answer_types
from astakosclient.answer_types import (
    BulkResults,
    CommissionInfo,
    Endpoints,
    EventPage,
    HistoryPage,
    Identified,
    Introspection,
    Invitation,
    Key,
    KeyQuotas,
    Membership,
    NewInvitation,
    NewKey,
    Project,
    ProjectApplication,
    ProjectUsage,
    Quotas,
    Reconciliation,
    Resolution,
    Resource,
    Service,
    ServiceProjectQuotas,
    ServiceQuotas,
    UserInfo,
)
from client.shapes import differences
from service.world import ALICE, BOB, CHLOE, COMPUTE_TOKEN, LAB, VM

if TYPE_CHECKING:
    from collections.abc import Callable

    from astakosclient.methods.documented_methods import Calls
    from service.caller import Caller

PROVISION = {"holder": f"user:{ALICE.uuid}", "source": f"project:{LAB}", "resource": VM, "quantity": 1}
OF_PROJECT = {"holder": f"project:{LAB}", "source": None, "resource": VM, "quantity": 1}
COMMISSION = {"provisions": [PROVISION, OF_PROJECT]}
TOO_MUCH = {"provisions": [{**PROVISION, "quantity": 10**6}, {**OF_PROJECT, "quantity": 10**6}]}
USAGE = [{"holder": f"user:{ALICE.uuid}", "source": f"project:{LAB}", "resource": VM, "usage": 1}]
UNKNOWN = [{"holder": "user:nobody", "source": None, "resource": VM, "usage": 1}]


def info(client: Calls, ttl: int | None) -> object:
    serial = client.issue_commission(COMPUTE_TOKEN, COMMISSION, ttl=ttl)
    return client.get_commission_info(COMPUTE_TOKEN, serial)


def resolution(client: Calls) -> object:
    one, two = (client.issue_commission(COMPUTE_TOKEN, COMMISSION) for _ in range(2))
    return client.resolve_commissions(COMPUTE_TOKEN, [one, 999_999], [two])


def invitations(client: Calls) -> object:
    client.create_invitation(ALICE.token, LAB)
    return client.get_invitations(ALICE.token, LAB)


def text_of_key(client: Calls) -> str:
    return client.create_key(ALICE.token, "ci", expires="2098-01-01T00:00:00Z")["key"]


def prefix(client: Calls) -> str:
    return text_of_key(client)[:13]


def quotas_of_key(client: Calls) -> object:
    made = client.create_key(ALICE.token, "ci", limits={VM: 5})
    client.issue_one_commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 1}, key=made["prefix"])
    return client.get_key_quotas(ALICE.token, made["prefix"])


def keys(client: Calls) -> object:
    client.get_quotas(text_of_key(client))
    return client.get_keys(ALICE.token)


def history(client: Calls) -> object:
    serial = client.issue_commission(COMPUTE_TOKEN, COMMISSION)
    client.accept_commission(COMPUTE_TOKEN, serial)
    return client.get_commission_history(COMPUTE_TOKEN, limit=1)


def applied(client: Calls) -> ProjectApplication:
    specs = {"name": "new.example.org", "end_date": "2090-01-01T00:00:00Z"}
    return client.create_project(ALICE.token, specs)


def application(client: Calls) -> object:
    return client.get_project(ALICE.token, applied(client)["id"])


ANSWERS: dict[str, tuple[Any, Callable[[Calls], object]]] = {
    "get_user_info": (UserInfo, lambda c: c.get_user_info(ALICE.token)),
    "get_services": (list[Service], lambda c: c.get_services()),
    "get_resources": (dict[str, Resource], lambda c: c.get_resources()),
    "get_endpoints": (Endpoints, lambda c: c.get_endpoints(ALICE.token)),
    "get_quotas": (Quotas, lambda c: c.get_quotas(ALICE.token)),
    "get_quotas of another": (Quotas, lambda c: c.get_quotas(BOB.token)),
    "service_get_quotas": (ServiceQuotas, lambda c: c.service_get_quotas(COMPUTE_TOKEN)),
    "service_get_project_quotas": (
        ServiceProjectQuotas,
        lambda c: c.service_get_project_quotas(COMPUTE_TOKEN),
    ),
    "get_commission_info": (CommissionInfo, lambda c: info(c, None)),
    "get_commission_info with a ttl": (CommissionInfo, lambda c: info(c, 600)),
    "resolve_commissions": (Resolution, resolution),
    "issue_commissions": (BulkResults, lambda c: c.issue_commissions(COMPUTE_TOKEN, [COMMISSION, TOO_MUCH])),
    "get_commission_history": (HistoryPage, history),
    "reconcile": (Reconciliation, lambda c: c.reconcile(COMPUTE_TOKEN, USAGE)),
    "reconcile what is unknown": (Reconciliation, lambda c: c.reconcile(COMPUTE_TOKEN, UNKNOWN)),
    "reconcile and mend": (Reconciliation, lambda c: c.reconcile(COMPUTE_TOKEN, USAGE, mend=True)),
    "create_project": (ProjectApplication, applied),
    "get_project that is applied for": (Project, application),
    "get_project of another": (Project, lambda c: c.get_project(BOB.token, LAB)),
    "get_projects": (list[Project], lambda c: c.get_projects(CHLOE.token)),
    "enroll_member": (Identified, lambda c: c.enroll_member(ALICE.token, LAB, CHLOE.email)),
    "get_memberships": (list[Membership], lambda c: c.get_memberships(ALICE.token, LAB)),
    "get_membership": (
        Membership,
        lambda c: c.get_membership(BOB.token, c.get_memberships(BOB.token)[0]["id"]),
    ),
    "introspect_token": (Introspection, lambda c: c.introspect_token(COMPUTE_TOKEN, ALICE.token)),
    "introspect_token of a key": (
        Introspection,
        lambda c: c.introspect_token(COMPUTE_TOKEN, text_of_key(c)),
    ),
    "create_key": (NewKey, lambda c: c.create_key(ALICE.token, "ci", calls=["quotas"])),
    "get_keys": (list[Key], keys),
    "get_key": (Key, lambda c: c.get_key(ALICE.token, prefix(c))),
    "change_key": (Key, lambda c: c.change_key(ALICE.token, prefix(c), name="cd", calls=None)),
    "get_key_quotas": (KeyQuotas, quotas_of_key),
    "rotate_key": (NewKey, lambda c: c.rotate_key(ALICE.token, prefix(c))),
    "get_user_info of a key": (UserInfo, lambda c: c.get_user_info(text_of_key(c))),
    "get_endpoints of a key": (Endpoints, lambda c: c.get_endpoints(text_of_key(c))),
    "create_invitation": (NewInvitation, lambda c: c.create_invitation(ALICE.token, LAB)),
    "get_invitations": (list[Invitation], invitations),
    "get_project_events": (EventPage, lambda c: c.get_project_events(ALICE.token, LAB)),
    "get_events": (EventPage, lambda c: c.get_events(CHLOE.token, after=3, limit=5)),
    "get_project_usage": (ProjectUsage, lambda c: c.get_project_usage(ALICE.token, LAB)),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_what_its_type_says(name: str, service: Caller) -> None:
    kind, call = ANSWERS[name]
    with AstakosClient(service.base_url) as client:
        answer = call(client)
    assert answer
    assert differences(answer, kind) == []


def test_every_type_can_be_resolved() -> None:
    described = [kind for kind in vars(answer_types).values() if isinstance(kind, type)]
    assert {kind.__name__ for kind in described} < set(answer_types.__all__)
    assert all(get_type_hints(kind) for kind in described)


class _Inner(TypedDict):
    number: int


class _Outer(TypedDict):
    inner: list[_Inner]
    maybe: NotRequired[str | None]


@pytest.mark.parametrize("value", [{"inner": []}, {"inner": [{"number": 1}], "maybe": None}])
def test_what_fits_has_no_differences(value: object) -> None:
    assert differences(value, _Outer) == []


@pytest.mark.parametrize(
    "value",
    [{}, [], {"inner": [], "more": 1}, {"inner": [{"number": True}]}, {"inner": [], "maybe": 1}],
)
def test_what_does_not_fit_has_some(value: object) -> None:
    assert differences(value, _Outer)
