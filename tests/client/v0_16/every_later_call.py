"""Every call of the later generation: the request that it sends, and what it makes of an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from astakosclient.v0_16.later_client import LaterClient
from client.peers import answer
from client.v0_16.catalogues import catalogue

if TYPE_CHECKING:
    from client.peers import Peer

TOKEN = "UQpYas7ElzWGD5yCcEXtjw"
UUID = "b3de8eb0-3958-477e-als9-789af8dd352c"
LAB = "000000a1-0000-4000-8000-0000000000a1"
ACCESS_TOKEN = "access-token-of-the-oauth2-kind"
SECRET = "secret-of-the-oauth2-client"
CODE = "code-that-is-good-for-one-use"
AUTH = "/astakos/identity/v2.0"
ACCOUNT = "/astakos/account/v1.0"

Invoke = Callable[[LaterClient], Any]

CATALOGUE = answer(catalogue())
ACCESS = catalogue() | {"user": {"id": UUID}}
NAMES = {"uuid_catalog": {UUID: "ada"}, "displayname_catalog": {"Ada": UUID}}
COMMISSION = {"provisions": [{"holder": "h", "source": None, "resource": "vm", "quantity": 1}]}
DOUBLED: list[dict[str, Any]] = [
    {"holder": f"user:{UUID}", "source": f"project:{LAB}", "resource": "vm", "quantity": 1},
    {"holder": f"project:{LAB}", "source": None, "resource": "vm", "quantity": 1},
]
ISSUED = {"name": "", "force": False, "auto_accept": False}

# call, method, path, JSON body, answer, result
EVERY_CALL: dict[str, tuple[Invoke, str, str, Any, Any, Any]] = {
    "get_usernames": (
        lambda c: c.get_usernames([UUID, "other"]),
        "POST",
        f"{ACCOUNT}/user_catalogs",
        {"uuids": [UUID, "other"]},
        NAMES,
        {UUID: "ada"},
    ),
    "get_username": (
        lambda c: c.get_username(UUID),
        "POST",
        f"{ACCOUNT}/user_catalogs",
        {"uuids": [UUID]},
        NAMES,
        "ada",
    ),
    "service_get_usernames": (
        lambda c: c.service_get_usernames(None),
        "POST",
        f"{ACCOUNT}/service/user_catalogs",
        {"uuids": None},
        NAMES,
        {UUID: "ada"},
    ),
    "service_get_username": (
        lambda c: c.service_get_username(uuid=UUID),
        "POST",
        f"{ACCOUNT}/service/user_catalogs",
        {"uuids": [UUID]},
        NAMES,
        "ada",
    ),
    "get_uuids": (
        lambda c: c.get_uuids(["Ada"]),
        "POST",
        f"{ACCOUNT}/user_catalogs",
        {"displaynames": ["Ada"]},
        NAMES,
        {"Ada": UUID},
    ),
    "get_uuid": (
        lambda c: c.get_uuid("Ada"),
        "POST",
        f"{ACCOUNT}/user_catalogs",
        {"displaynames": ["Ada"]},
        NAMES,
        UUID,
    ),
    "service_get_uuids": (
        lambda c: c.service_get_uuids(display_names=["Ada"]),
        "POST",
        f"{ACCOUNT}/service/user_catalogs",
        {"displaynames": ["Ada"]},
        NAMES,
        {"Ada": UUID},
    ),
    "service_get_uuid": (
        lambda c: c.service_get_uuid(display_name="Ada"),
        "POST",
        f"{ACCOUNT}/service/user_catalogs",
        {"displaynames": ["Ada"]},
        NAMES,
        UUID,
    ),
    "get_services": (lambda c: c.get_services(), "GET", "/astakos/ui/get_services", None, [{}], [{}]),
    "get_resources": (lambda c: c.get_resources(), "GET", f"{ACCOUNT}/resources", None, {}, {}),
    "get_quotas": (lambda c: c.get_quotas(), "GET", f"{ACCOUNT}/quotas", None, {LAB: {}}, {LAB: {}}),
    "service_get_quotas": (
        lambda c: c.service_get_quotas(),
        "GET",
        f"{ACCOUNT}/service_quotas",
        None,
        {},
        {},
    ),
    "service_get_quotas of some": (
        lambda c: c.service_get_quotas([UUID, "o&her"], LAB),
        "GET",
        f"{ACCOUNT}/service_quotas?user={UUID}%2Co%26her&project={LAB}",
        None,
        {},
        {},
    ),
    "service_get_quotas by the old name": (
        lambda c: c.service_get_quotas(project=(LAB, "other")),
        "GET",
        f"{ACCOUNT}/service_quotas?project={LAB}%2Cother",
        None,
        {},
        {},
    ),
    "service_get_project_quotas": (
        lambda c: c.service_get_project_quotas(LAB, "not this one"),
        "GET",
        f"{ACCOUNT}/service_project_quotas?project={LAB}",
        None,
        {},
        {},
    ),
    "issue_commission": (
        lambda c: c.issue_commission(COMMISSION, ttl=60),
        "POST",
        f"{ACCOUNT}/commissions",
        COMMISSION | {"ttl": 60},
        {"serial": 7},
        7,
    ),
    "_issue_commission": (
        lambda c: c._issue_commission(COMMISSION),
        "POST",
        f"{ACCOUNT}/commissions",
        COMMISSION,
        {"serial": 7},
        7,
    ),
    "issue_one_commission": (
        lambda c: c.issue_one_commission(UUID, {(LAB, "vm"): 1}, "note", False, True),
        "POST",
        f"{ACCOUNT}/commissions",
        ISSUED | {"name": "note", "auto_accept": True, "provisions": DOUBLED},
        {"serial": 7},
        7,
    ),
    "issue_one_commission by names": (
        lambda c: c.issue_one_commission(holder=UUID, provisions={(LAB, "vm"): 1}, force=True, ttl=9),
        "POST",
        f"{ACCOUNT}/commissions",
        ISSUED | {"force": True, "provisions": DOUBLED, "ttl": 9},
        {"serial": 7},
        7,
    ),
    "issue_one_commission of 0.15": (
        lambda c: c.issue_one_commission(UUID, "system", {"vm": 1}, "note", auto_accept=True),
        "POST",
        f"{ACCOUNT}/commissions",
        ISSUED
        | {
            "name": "note",
            "auto_accept": True,
            "provisions": [{"holder": UUID, "source": "system", "resource": "vm", "quantity": 1}],
        },
        {"serial": 7},
        7,
    ),
    "issue_one_commission of 0.15 by names": (
        lambda c: c.issue_one_commission(UUID, source="system", provisions={}),
        "POST",
        f"{ACCOUNT}/commissions",
        ISSUED | {"provisions": []},
        {"serial": 7},
        7,
    ),
    "issue_commission_generic": (
        lambda c: c.issue_commission_generic({(UUID, LAB, "vm"): 1}, {(LAB, "vm"): 1}, "note"),
        "POST",
        f"{ACCOUNT}/commissions",
        ISSUED | {"name": "note", "provisions": DOUBLED},
        {"serial": 7},
        7,
    ),
    "issue_resource_reassignment": (
        lambda c: c.issue_resource_reassignment(UUID, {(LAB, LAB, "vm"): 1}, auto_accept=True),
        "POST",
        f"{ACCOUNT}/commissions",
        ISSUED
        | {
            "auto_accept": True,
            "provisions": [*({**provision, "quantity": -1} for provision in DOUBLED), *DOUBLED],
        },
        {"serial": 7},
        7,
    ),
    "get_pending_commissions": (
        lambda c: c.get_pending_commissions(),
        "GET",
        f"{ACCOUNT}/commissions",
        None,
        [7],
        [7],
    ),
    "get_commission_info": (
        lambda c: c.get_commission_info(7),
        "GET",
        f"{ACCOUNT}/commissions/7",
        None,
        {"serial": 7},
        {"serial": 7},
    ),
    "commission_action": (
        lambda c: c.commission_action(7, "reject"),
        "POST",
        f"{ACCOUNT}/commissions/7/action",
        {"reject": ""},
        None,
        None,
    ),
    "accept_commission": (
        lambda c: c.accept_commission(7),
        "POST",
        f"{ACCOUNT}/commissions/7/action",
        {"accept": ""},
        None,
        None,
    ),
    "accept_commission for less": (
        lambda c: c.accept_commission(7, quantities=DOUBLED),
        "POST",
        f"{ACCOUNT}/commissions/7/action",
        {"accept": {"quantities": DOUBLED}},
        None,
        None,
    ),
    "reject_commission": (
        lambda c: c.reject_commission(7),
        "POST",
        f"{ACCOUNT}/commissions/7/action",
        {"reject": ""},
        None,
        None,
    ),
    "resolve_commissions": (
        lambda c: c.resolve_commissions([7], (8,)),
        "POST",
        f"{ACCOUNT}/commissions/action",
        {"accept": [7], "reject": [8]},
        {"accepted": [7]},
        {"accepted": [7]},
    ),
}

EVERY_IDENTITY_CALL: dict[str, tuple[Invoke, str, str, Any, Any, Any]] = {
    "authenticate": (
        lambda c: c.authenticate(),
        "POST",
        f"{AUTH}/tokens",
        {"auth": {"token": {"id": TOKEN}}},
        ACCESS,
        ACCESS,
    ),
    "authenticate as": (
        lambda c: c.authenticate(tenant_name=UUID),
        "POST",
        f"{AUTH}/tokens",
        {"auth": {"token": {"id": TOKEN}, "tenantName": UUID}},
        ACCESS,
        ACCESS,
    ),
    "get_endpoints": (lambda c: c.get_endpoints(), "POST", f"{AUTH}/tokens", None, ACCESS, ACCESS),
    "get_endpoints with more": (
        lambda c: c.get_endpoints(extra=True),
        "POST",
        f"{AUTH}/tokens",
        None,
        ACCESS,
        ACCESS,
    ),
    "validate_token": (
        lambda c: c.validate_token("a/b c"),
        "GET",
        f"{AUTH}/tokens/a%2Fb%20c",
        None,
        {"access": {}},
        {"access": {}},
    ),
    "validate_token for a URL": (
        lambda c: c.validate_token(ACCESS_TOKEN, belongs_to="https://v/?a=b"),
        "GET",
        f"{AUTH}/tokens/{ACCESS_TOKEN}?belongsTo=https%3A%2F%2Fv%2F%3Fa%3Db",
        None,
        {"access": {}},
        {"access": {}},
    ),
}


def client_of(peer: Peer, **options: Any) -> LaterClient:
    return LaterClient(TOKEN, f"{peer.url}{AUTH}", **options)
