"""What is answered as 0.14 did where a deployment chooses that (`http-api.md` §12)."""

from typing import Any

import pytest

from astakos.http.request import TOKEN_NAME
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, COMMISSIONS, TOKENS, Caller
from service.installation import rows
from service.world import (
    ALICE,
    BOB,
    CHLOE,
    CLOSED,
    COMPUTE_TOKEN,
    HALTED,
    IVAN,
    LAB,
    PEOPLE,
    RAM,
    SPACE,
    STORAGE_TOKEN,
    TOTAL_RAM,
    VM,
    member_key,
    project_key,
)

GIB = 2**30
UNLIMITED = 2**63 - 1
JSON = {"Content-Type": "application/json"}


def unused(limit: int) -> dict[str, int]:
    return {"limit": limit, "usage": 0, "pending": 0}


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", COMMISSIONS), ("HEAD", f"{ACCOUNT}/quotas"), ("GET", TOKENS), ("POST", f"{ACCOUNT}/resources")],
)
def test_a_wrong_method_is_a_bad_request(older_service: Caller, method: str, path: str) -> None:
    reply = older_service(method, path)
    assert reply.status == 400
    assert "allow" not in reply.headers
    if method != "HEAD":
        assert reply.fault == "badRequest"


class TestQuotas:
    pytestmark = pytest.mark.every_engine

    def test_a_user_has_three_figures_of_each_resource_under_one_source(self, older_service: Caller) -> None:
        assert older_service.get(f"{ACCOUNT}/quotas", ALICE.token).document == {
            "system": {
                VM: unused(14),
                RAM: unused(9 * GIB),
                TOTAL_RAM: unused(UNLIMITED),
                SPACE: unused(10 * GIB + 400),
            }
        }

    def test_what_is_used_and_pending_is_summed_as_well(self, older_service: Caller) -> None:
        lab, own = (
            (member_key(ALICE), project_key()),
            (member_key(ALICE, ALICE.uuid), project_key(ALICE.uuid)),
        )
        older_service.issued(COMPUTE_TOKEN, *((key, 2) for key in lab), auto_accept=True)
        older_service.issued(COMPUTE_TOKEN, *((key, 3) for key in own))
        expected = {"limit": 14, "usage": 5, "pending": 3}
        assert older_service.get(f"{ACCOUNT}/quotas", ALICE.token).document["system"][VM] == expected
        quotas = older_service.get(f"{ACCOUNT}/service_quotas", COMPUTE_TOKEN).document
        assert quotas[ALICE.uuid]["system"][VM] == expected

    def test_a_service_sees_its_own_resources_of_everybody(self, older_service: Caller) -> None:
        document = older_service.get(f"{ACCOUNT}/service_quotas", STORAGE_TOKEN).document
        assert document[ALICE.uuid] == {"system": {SPACE: unused(10 * GIB + 400)}}
        assert document[CHLOE.uuid] == {"system": {SPACE: unused(10 * GIB)}}
        assert IVAN.uuid not in document

    def test_a_service_asks_for_one_user(self, older_service: Caller) -> None:
        path = f"{ACCOUNT}/service_quotas"
        assert older_service.get(f"{path}?user={BOB.uuid}", COMPUTE_TOKEN).document == {
            BOB.uuid: {"system": {VM: unused(17), RAM: unused(9 * GIB), TOTAL_RAM: unused(UNLIMITED)}}
        }
        assert older_service.get(f"{path}?user={BOB.uuid},{ALICE.uuid}", COMPUTE_TOKEN).status == 404
        assert older_service.get(f"{path}?user=", COMPUTE_TOKEN).status == 404

    def test_there_are_no_projects_to_ask_for(self, older_service: Caller) -> None:
        path = f"{ACCOUNT}/service_quotas?user={BOB.uuid}"
        with_project = older_service.get(f"{path}&project={HALTED}", COMPUTE_TOKEN)
        assert with_project.document == older_service.get(path, COMPUTE_TOKEN).document

    def test_nothing_used_of_many_is_still_counted_within_64_bits(
        self, database: Database, older_service: Caller
    ) -> None:
        rows(database, "UPDATE holdings SET usage_min = ?, usage_max = ?", UNLIMITED, UNLIMITED)
        found = older_service.get(f"{ACCOUNT}/quotas", ALICE.token).document["system"][VM]
        assert found == {"limit": 14, "usage": UNLIMITED, "pending": 0}


def test_all_resources_are_listed_with_the_one_flag(older_service: Caller) -> None:
    document = older_service.get(f"{ACCOUNT}/resources").document
    assert document[VM] == {
        "service": "compute_api",
        "description": "Virtual machines",
        "unit": None,
        "allow_in_projects": True,
    }
    assert {name for name, found in document.items() if not found["allow_in_projects"]} == {TOTAL_RAM}


class TestTokens:
    def access(self, service: Caller, token: str, **options: Any) -> Any:
        return service.post(TOKENS, None, {"auth": {"token": {"id": token}, **options}}).document["access"]

    def test_roles_are_numbers_and_projects_are_not_told(self, older_service: Caller) -> None:
        user = self.access(older_service, ALICE.token)["user"]
        assert set(user) == {"id", "name", "roles_links", "roles"}
        assert {role["name"]: type(role["id"]) for role in user["roles"]} == {"staff": int, "admin-api": int}

    def test_the_tenant_is_the_user_whatever_the_default_project(
        self, database: Database, older_service: Caller
    ) -> None:
        rows(database, "UPDATE users SET default_project = ?", LAB)
        access = self.access(older_service, ALICE.token, tenantName=ALICE.uuid)
        assert access["token"]["tenant"] == {"id": ALICE.uuid, "name": "Alice Archer"}

    def test_public_urls_end_with_a_slash(self, older_service: Caller) -> None:
        for catalog in (
            self.access(older_service, ALICE.token)["serviceCatalog"],
            older_service("POST", TOKENS).document["access"]["serviceCatalog"],
        ):
            urls = [endpoint["publicURL"] for service in catalog for endpoint in service["endpoints"]]
            assert "https://compute.example.org/v2.0/" in urls
            assert "https://accounts.example.org/astakos/account/v1.0/" in urls
            assert all(url.endswith("/") and not url.endswith("//") for url in urls)

    def test_the_content_type_must_be_json_all_the_same(self, older_service: Caller) -> None:
        body = b'{"auth": {"token": {"id": "x"}}}'
        assert older_service("POST", TOKENS, body=body).status == 400

    def test_xml_has_numbers_as_well(self, older_service: Caller) -> None:
        body = {"auth": {"token": {"id": ALICE.token}}}
        reply = older_service.post(f"{TOKENS}?format=xml", None, body)
        (role, _) = reply.xml.iter("{http://docs.openstack.org/identity/api/v2.0}role")
        assert role.attrib["id"].isdigit()


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/octet-stream"])
def test_commissions_need_no_content_type(older_service: Caller, content_type: str) -> None:
    headers = {TOKEN_NAME: COMPUTE_TOKEN, "Content-Type": content_type}
    body = b'{"provisions": [], "auto_accept": false}'
    serial = older_service("POST", COMMISSIONS, body=body, headers=headers).document["serial"]
    body = b'{"accept": null}'
    path = f"{COMMISSIONS}/{serial}/action"
    assert older_service("POST", path, body=body, headers=headers).status == 200
    reply = older_service("POST", f"{COMMISSIONS}/action", body=b'{"accept": [%d]}' % serial, headers=headers)
    assert [serial for serial, _ in reply.document["failed"]] == [serial]
    assert older_service("POST", COMMISSIONS, body=b"provisions", headers=headers).status == 400


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/octet-stream", "application/json"])
def test_feedback_is_a_form_whatever_it_is_called(
    database: Database, older_service: Caller, content_type: str
) -> None:
    headers = {"Content-Type": content_type}
    body = b"feedback_msg=well+done&feedback_data=x"
    reply = older_service("POST", f"{ACCOUNT}/feedback", BOB.token, body=body, headers=headers)
    assert (reply.status, reply.content) == (200, b"")
    assert rows(database, "SELECT message, data FROM feedback") == [("well done", "x")]


class TestNullNames:
    def test_a_service_is_told_all(self, older_service: Caller) -> None:
        document = {"displaynames": None}
        reply = older_service.post(f"{ACCOUNT}/service/user_catalogs", COMPUTE_TOKEN, document)
        assert reply.document == {
            "uuid_catalog": {},
            "displayname_catalog": {person.email.lower(): person.uuid for person in PEOPLE},
        }

    def test_a_user_is_told_none(self, older_service: Caller) -> None:
        reply = older_service.post(f"{ACCOUNT}/user_catalogs", ALICE.token, {"displaynames": None})
        assert reply.document == {"uuid_catalog": {}, "displayname_catalog": {}}


class TestPendingCommissions:
    pytestmark = pytest.mark.ledger

    def provisions(self, service: Caller, *charges: tuple[Any, int]) -> list[dict[str, Any]]:
        serial = service.issued(COMPUTE_TOKEN, *charges)
        info = service.get(f"{COMMISSIONS}/{serial}", COMPUTE_TOKEN).document
        found: list[dict[str, Any]] = info["provisions"]
        return found

    def test_charges_at_both_levels_are_one_of_the_user(self, older_service: Caller) -> None:
        own = (member_key(ALICE, ALICE.uuid), 1), (project_key(ALICE.uuid), 1)
        lab = (member_key(ALICE), 2), (member_key(BOB), 3), (project_key(), 5)
        assert self.provisions(older_service, *own, *lab) == [
            {"holder": ALICE.uuid, "source": "system", "resource": VM, "quantity": 3},
            {"holder": BOB.uuid, "source": "system", "resource": VM, "quantity": 3},
        ]

    def test_a_charge_on_a_project_alone_is_told_as_it_is(self, older_service: Caller) -> None:
        (provision,) = self.provisions(older_service, (project_key(LAB), 1))
        assert provision == {**project_key(LAB)._asdict(), "quantity": 1}


def test_what_came_later_is_there_in_its_own_form(older_service: Caller) -> None:
    path = f"{ACCOUNT}/service_project_quotas?project={CLOSED}"
    figures = older_service.get(path, COMPUTE_TOKEN).document[CLOSED][VM]
    assert figures == {"project_limit": 0, "project_usage": 0, "project_pending": 0}
