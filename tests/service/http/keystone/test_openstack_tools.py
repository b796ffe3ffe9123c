"""OpenStack's own packages log in, find services and use them."""

from collections.abc import Iterator
from typing import Any

import openstack
import pytest
import swiftclient.client
from keystoneauth1 import exceptions
from keystoneauth1.identity import Password, Token, V2Password, V2Token, V3Password, V3Token
from keystoneauth1.session import Session
from keystoneclient.v3.client import Client

from astakos.directory.attempt_limits import MOST_ON_ACCOUNT_FROM_NETWORK
from astakos.storage.protocol import Database
from service.engines import Engine
from service.http.keystone.asking import TOKENS_3
from service.serving import serving_as_itself
from service.world import ALICE, BOB, COMPUTE_TOKEN, LAB, PASSWORD, UNKNOWN_TOKEN, world

pytestmark = [
    pytest.mark.every_engine,
    # These packages deprecate parts of themselves and of each other that they use.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]

COMPUTE = "https://compute.example.org/v2.0"
STORAGE = "https://storage.example.org/v1"
V2, V3 = "/identity/v2.0", "/identity/v3"
IN_DEFAULT: dict[str, Any] = {"user_domain_id": "default", "project_domain_id": "default"}
FOR_LAB: dict[str, Any] = {
    "user_domain_name": "Default",
    "project_domain_name": "Default",
    "project_name": "lab.example.org",
}


@pytest.fixture(scope="module")
def url(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a service is, by its own catalogue as well."""
    database = engine.empty(tmp_path_factory.mktemp("catalogue"))
    with serving_as_itself(database, world()) as url:
        yield url
    engine.discard(database)


@pytest.fixture
def own_url(empty: Database) -> Iterator[str]:
    """Where a service is, for one test alone."""
    with serving_as_itself(empty, world()) as url:
        yield url


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("plugin", "project"),
    [
        (lambda url: V2Token(url + V2, ALICE.token), ALICE.uuid),
        (lambda url: V2Token(url + V2, ALICE.token, tenant_name=ALICE.uuid), ALICE.uuid),
        (lambda url: V2Password(url + V2, ALICE.uuid, ALICE.token), ALICE.uuid),
        (lambda url: V3Token(url + V3, ALICE.token), ALICE.uuid),
        (lambda url: V3Token(url + V3, ALICE.token, project_id=LAB), LAB),
        (lambda url: V3Token(url + V3, ALICE.token, unscoped=True), None),
        (lambda url: V3Password(url + V3, PASSWORD, user_id=ALICE.uuid), ALICE.uuid),
        (lambda url: V3Password(url + V3, PASSWORD, username=ALICE.email, **FOR_LAB), LAB),
        (lambda url: V3Password(url + V3, ALICE.token, user_id=ALICE.uuid, project_id=LAB), LAB),
        (lambda url: Password(url + V3, ALICE.email, password=PASSWORD, **FOR_LAB), LAB),
        (lambda url: Password(url + "/identity/", ALICE.email, password=PASSWORD, **FOR_LAB), LAB),
        (lambda url: Password(url + "/identity/", ALICE.uuid, password=ALICE.token), ALICE.uuid),
        (lambda url: Token(url + V3, ALICE.token, project_id=LAB), LAB),
    ],
)
def test_keystoneauth_gets_a_token_finds_services_and_uses_them(
    url: str, plugin: Any, project: str | None
) -> None:
    session = Session(plugin(url))
    assert session.get_user_id() == ALICE.uuid
    assert session.get_project_id() == project
    assert session.get_endpoint(service_type="compute") == COMPUTE
    assert session.get_endpoint(service_type="object-store", region_name="default") == STORAGE
    assert session.get_endpoint(service_type="account") == f"{url}/account/v1.0"
    with pytest.raises(exceptions.EndpointNotFound):
        session.get_endpoint(service_type="object-store", region_name="elsewhere")
    quotas = session.get("/quotas", endpoint_filter={"service_type": "account"}).json()
    assert {ALICE.uuid, LAB} <= quotas.keys()


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("interface", ["public", "internal", "admin"])
def test_each_interface_leads_to_what_there_is(url: str, interface: str) -> None:
    session = Session(V3Token(url + V3, ALICE.token))
    assert session.get_endpoint(service_type="object-store", interface=interface) == STORAGE
    assert session.get_endpoint(service_type="identity", interface=interface) == url + V3


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    "plugin",
    [
        lambda url: V2Token(url + V2, UNKNOWN_TOKEN),
        lambda url: V2Password(url + V2, BOB.uuid, ALICE.token),
        lambda url: V3Token(url + V3, UNKNOWN_TOKEN),
        lambda url: V3Token(url + V3, COMPUTE_TOKEN),
        lambda url: V3Token(url + V3, BOB.token, project_id=ALICE.uuid),
        lambda url: V3Password(url + V3, "wrong", username=ALICE.email, **IN_DEFAULT),
        lambda url: Password(url + V3, ALICE.email, password="wrong", **IN_DEFAULT),
    ],
)
def test_keystoneauth_understands_that_nobody_is_let_in(url: str, plugin: Any) -> None:
    with pytest.raises(exceptions.Unauthorized):
        Session(plugin(url)).get_token()


def test_keystoneauth_understands_that_too_much_was_tried(own_url: str) -> None:
    forwarded = {"X-Forwarded-For": "192.0.2.1"}
    session = Session(V3Password(own_url + V3, "wrong", user_id=ALICE.uuid), additional_headers=forwarded)
    for _ in range(MOST_ON_ACCOUNT_FROM_NETWORK):
        with pytest.raises(exceptions.Unauthorized):
            session.get_token()
    with pytest.raises(exceptions.HttpError, match="Too many wrong attempts") as refusal:
        session.get_token()
    assert refusal.value.http_status == 429


def test_a_session_logs_in_again_when_its_token_counts_no_more(url: str) -> None:
    session = Session(V3Password(url + V3, PASSWORD, user_id=ALICE.uuid))
    first = session.get_token()
    session.delete(
        f"{url}{TOKENS_3}", authenticated=False, headers={"X-Auth-Token": first, "X-Subject-Token": first}
    )
    assert session.get("/quotas", endpoint_filter={"service_type": "account"}).status_code == 200
    assert session.get_token() not in (first, ALICE.token)


def test_a_service_checks_tokens_with_keystoneclient(url: str) -> None:
    client = Client(session=Session(V3Token(url + V3, BOB.token)), endpoint_override=url + V3)
    token = client.tokens.validate(ALICE.token)
    assert (token.user_id, token.project_id, token.username) == (ALICE.uuid, ALICE.uuid, ALICE.email)
    assert token.has_service_catalog()
    with pytest.raises(exceptions.NotFound):
        client.tokens.validate(UNKNOWN_TOKEN)
    assert [project.id for project in client.auth.projects()] == [BOB.uuid, LAB]
    assert [domain.id for domain in client.auth.domains()] == ["default"]


@pytest.mark.parametrize("auth_url", [V3, "/identity/"])
def test_openstacksdk_connects(url: str, auth_url: str) -> None:
    with openstack.connect(
        load_yaml_config=False,
        load_envvars=False,
        auth_url=url + auth_url,
        username=ALICE.email,
        password=PASSWORD,
        region_name="default",
        **FOR_LAB,
    ) as cloud:
        assert cloud.session.get_endpoint(service_type="object-store") == STORAGE
        assert cloud.endpoint_for("object-store") == STORAGE
        assert (cloud.current_user_id, cloud.current_project_id) == (ALICE.uuid, LAB)
        identity: Any = cloud.identity
        assert [project.id for project in identity.user_projects(ALICE.uuid)] == [ALICE.uuid, LAB]
        assert identity.find_project("lab.example.org").id == LAB
        assert identity.get_project(LAB).name == "lab.example.org"
        assert identity.get_user(ALICE.uuid).email == ALICE.email
        assert [domain.name for domain in identity.domains()] == ["Default"]


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("user", "password", "version", "options"),
    [
        (ALICE.email, PASSWORD, "3", FOR_LAB),
        (ALICE.email, PASSWORD, "3", {**IN_DEFAULT, "project_name": f"system:{ALICE.uuid}"}),
        (None, PASSWORD, "3", {"user_id": ALICE.uuid, "project_id": LAB}),
        (ALICE.email, ALICE.token, "3", {**FOR_LAB, "region_name": "default"}),
        (ALICE.uuid, ALICE.token, "2.0", {"tenant_name": ALICE.uuid}),
    ],
)
def test_swiftclient_logs_in(
    url: str, user: str | None, password: str, version: str, options: dict[str, str]
) -> None:
    auth_url = url + (V3 if version == "3" else V2)
    storage, token = swiftclient.client.get_auth(
        auth_url, user, password, auth_version=version, os_options=options
    )
    assert storage == STORAGE
    quotas = Session(V3Token(url + V3, token)).get(f"{url}/account/v1.0/quotas")
    assert quotas.status_code == 200
