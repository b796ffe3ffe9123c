"""Where the later client finds the services, and when it asks the catalog for that."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any

import pytest

from astakosclient import Retry, errors
from astakosclient.v0_16 import located_client
from astakosclient.v0_16.later_client import LaterClient
from client.peers import answer, fault, hang_up
from client.v0_16.catalogues import catalogue
from client.v0_16.every_later_call import ACCOUNT, AUTH, CATALOGUE, SECRET, Invoke, client_of

if TYPE_CHECKING:
    from client.conftest import PeerFactory


def test_the_catalogue_is_asked_for_once(peer_of: PeerFactory) -> None:
    peer = peer_of(CATALOGUE, answer({}))
    with client_of(peer) as client:
        client.get_quotas()
        client.get_resources()
        assert client.api_quotas == f"{ACCOUNT}/quotas"
    assert [request.target for request in peer.requests] == [
        f"{AUTH}/tokens",
        f"{ACCOUNT}/quotas",
        f"{ACCOUNT}/resources",
    ]


@pytest.mark.parametrize("invoke", [LaterClient.authenticate, LaterClient.get_endpoints])
def test_what_brings_the_catalogue_anyway_saves_asking_for_it(invoke: Invoke, peer_of: PeerFactory) -> None:
    peer = peer_of(CATALOGUE, answer({}))
    with client_of(peer) as client:
        invoke(client)
        client.get_quotas()
    assert len(peer.requests) == 2


def test_a_newer_catalogue_replaces_the_older(peer_of: PeerFactory) -> None:
    peer = peer_of(CATALOGUE, answer(catalogue(account="/moved/account")), answer({}))
    with client_of(peer) as client:
        assert client.account_prefix == ACCOUNT
        client.get_endpoints()
        client.get_quotas()
    assert peer.requests[-1].target == "/moved/account/quotas"


def test_all_the_places_can_be_asked_for(peer_of: PeerFactory) -> None:
    with client_of(peer_of(CATALOGUE)) as client:
        places = {
            name: getattr(client, name)
            for name, attribute in inspect.getmembers(type(client))
            if isinstance(attribute, property)
            and name not in {"log_request", "log_response", "logger", "retry"}
        }
        plain = (client.scheme, client.astakos_base_url, client.auth_prefix, client.api_tokens)
    peer = client.astakos_base_url
    assert plain == ("http", peer, AUTH, f"{AUTH}/tokens")
    assert places == {
        "account_url": "https://accounts.example.org/astakos/account/v1.0",
        "account_prefix": ACCOUNT,
        "ui_url": "https://accounts.example.org/astakos/ui",
        "ui_prefix": "/astakos/ui",
        "oauth2_url": "https://accounts.example.org/astakos/oauth2",
        "oauth2_prefix": "/astakos/oauth2",
        "api_usercatalogs": f"{ACCOUNT}/user_catalogs",
        "api_service_usercatalogs": f"{ACCOUNT}/service/user_catalogs",
        "api_resources": f"{ACCOUNT}/resources",
        "api_quotas": f"{ACCOUNT}/quotas",
        "api_service_quotas": f"{ACCOUNT}/service_quotas",
        "api_service_project_quotas": f"{ACCOUNT}/service_project_quotas",
        "api_commissions": f"{ACCOUNT}/commissions",
        "api_commissions_action": f"{ACCOUNT}/commissions/action",
        "api_feedback": f"{ACCOUNT}/feedback",
        "api_projects": f"{ACCOUNT}/projects",
        "api_memberships": f"{ACCOUNT}/projects/memberships",
        "api_user_account": f"{ACCOUNT}/myaccount",
        "api_getservices": "/astakos/ui/get_services",
        "api_oauth2_auth": "/astakos/oauth2/auth",
        "api_oauth2_token": "/astakos/oauth2/token",
    }


@pytest.mark.parametrize(
    ("found", "invoke", "missing"),
    [
        (catalogue(account=None), LaterClient.get_quotas, "'astakos_account'"),
        (catalogue(account=None), LaterClient.authenticate, "'astakos_account'"),
        (catalogue(ui=None), LaterClient.get_services, "SNF:uiURL"),
        (catalogue(oauth2=None), lambda c: c.get_endpoints(extra=True), "'astakos_oauth2'"),
        (catalogue(oauth2=None), lambda c: c.get_token("g", "i", SECRET), "'astakos_oauth2'"),
    ],
)
def test_what_the_catalogue_does_not_name_cannot_be_called(
    found: Any, invoke: Invoke, missing: str, peer_of: PeerFactory
) -> None:
    with client_of(peer_of(answer(found))) as client, pytest.raises(errors.NoEndpoints, match=missing):
        invoke(client)


def test_the_account_can_be_called_when_pages_and_oauth2_are_missing(peer_of: PeerFactory) -> None:
    with client_of(peer_of(answer(catalogue(ui=None, oauth2=None)), answer({}))) as client:
        assert client.get_endpoints() == catalogue(ui=None, oauth2=None)
        assert client.get_quotas() == {}


def test_the_look_at_the_catalogue_is_repeated_by_the_same_policy(peer_of: PeerFactory) -> None:
    peer = peer_of(hang_up, hang_up, CATALOGUE, answer({}))
    with client_of(peer, retry=Retry(2, base=0)) as client:
        assert client.get_quotas() == {}
    assert len(peer.requests) == 4


def test_a_catalogue_that_could_not_be_had_is_asked_for_again(peer_of: PeerFactory) -> None:
    peer = peer_of(fault("serviceUnavailable", 503, "", "503 No"), CATALOGUE, answer({}))
    with client_of(peer) as client:
        with pytest.raises(errors.AstakosClientException) as failed:
            client.get_quotas()
        assert (failed.value.status, failed.value.path) == (503, f"{AUTH}/tokens")
        assert client.get_quotas() == {}


def test_a_catalogue_that_names_another_server_is_warned_about_once(
    peer_of: PeerFactory, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An earlier peer may have had the same port.
    monkeypatch.setattr(located_client, "_warned_of", set())
    peer = peer_of(CATALOGUE, answer({}), CATALOGUE, answer({}))
    for _ in range(2):
        with client_of(peer) as client:
            client.get_quotas()
    [record] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "'https://accounts.example.org/astakos/account/v1.0'" in record.getMessage()
    assert f"all calls go to {peer.url}" in record.getMessage()


def test_one_that_names_this_server_is_not(peer_of: PeerFactory, caplog: pytest.LogCaptureFixture) -> None:
    peer = peer_of(answer({}))
    own = catalogue(account=f"{peer.url}/a", ui=f"{peer.url}/u", oauth2=None)
    peer.steps.insert(0, answer(own))
    with client_of(peer) as client:
        client.get_quotas()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
