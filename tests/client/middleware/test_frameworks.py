"""What requests meet before they reach an application, on every framework, against the real service."""

from __future__ import annotations

import concurrent.futures
import logging
from typing import TYPE_CHECKING

import pytest

from astakosclient import AstakosClient
from astakosclient.middleware import Keeping
from client.middleware.serving import asking, await_that
from client.middleware.stories import COOKIE, STORY_OF_ALICE, STORY_OF_CHLOE, cookie_of
from client.peers import answer, closed_port, fault
from service.command import astakos
from service.http.keyed import made, text_of
from service.world import (
    ACCESS_TOKEN,
    ALICE,
    BOB,
    CHLOE,
    COMPUTE_TOKEN,
    DORA,
    EDGAR,
    SECRETS,
    STORAGE_TOKEN,
    UNKNOWN_TOKEN,
)

if TYPE_CHECKING:
    from astakos.storage.protocol import Database
    from client.conftest import PeerFactory
    from client.middleware.conftest import Guarded
    from service.caller import Caller

UNKNOWN = {"X-Auth-Token": UNKNOWN_TOKEN}


def test_a_good_token_gets_through_with_its_user_and_roles(
    guarded: Guarded, standing_service: Caller
) -> None:
    with asking(standing_service.base_url) as asked, guarded(asked.client) as site:
        for person, story in ((ALICE, STORY_OF_ALICE), (CHLOE, STORY_OF_CHLOE)):
            told = site.get("/whoami", person.token).document
            assert person.token not in told.pop("shown")
            assert told == story
        assert asked.times == 2


@pytest.mark.parametrize(
    "token", [None, "", UNKNOWN_TOKEN, DORA.token, EDGAR.token, "\xe9\xff", "a b", "x" * 5000]
)
def test_without_a_good_token_the_answer_is_401(
    guarded: Guarded, standing_service: Caller, token: str | None
) -> None:
    with asking(standing_service.base_url) as asked, guarded(asked.client, realm="files") as site:
        reply = site.get("/whoami", token)
        assert (reply.status, reply.fault) == (401, "unauthorized")
        error = ', error="invalid_token"' if token else ""
        assert reply.headers["www-authenticate"] == f'Bearer realm="files"{error}'
        assert reply.headers["cache-control"] == "no-store"
        assert ("X-Auth-Token" in reply.message) == (not token)
        assert site("HEAD", "/whoami", token).content == b""
        assert asked.times <= 1


def test_two_tokens_are_none(guarded: Guarded, standing_service: Caller) -> None:
    with asking(standing_service.base_url) as asked, guarded(asked.client) as site:
        head = f"GET /whoami HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Auth-Token: {ALICE.token}\r\n"
        assert site.raw(f"{head}\r\n".encode()).split()[1] == b"200"
        assert site.raw(f"{head}X-Auth-Token: {BOB.token}\r\n\r\n".encode()).split()[1] == b"401"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_token_may_be_a_bearer_token(guarded: Guarded, standing_service: Caller, scheme: str) -> None:
    with asking(standing_service.base_url) as asked, guarded(asked.client) as site:
        headers = {"Authorization": f"{scheme}  {ALICE.token} "}
        assert site("GET", "/whoami", headers=headers).document["token"] == ALICE.token
        assert site("GET", "/whoami", ALICE.token, headers=headers).document["uuid"] == ALICE.uuid
        assert site("GET", "/whoami", headers={"Authorization": f"Basic {ALICE.token}"}).status == 401
        assert site("GET", "/whoami", headers={"Authorization": "Bearer "}).status == 401
        assert site("GET", "/whoami", headers={"Authorization": f"Bearer {UNKNOWN_TOKEN}"}).status == 401


def test_two_tokens_that_differ_are_refused(guarded: Guarded, standing_service: Caller) -> None:
    headers = {"Authorization": f"Bearer {BOB.token}"}
    with asking(standing_service.base_url) as asked, guarded(asked.client, required=False) as site:
        reply = site("GET", "/whoami", ALICE.token, headers=headers)
        assert (reply.status, reply.fault) == (400, "badRequest")
        assert reply.headers["www-authenticate"] == 'Bearer realm="astakos", error="invalid_request"'
        assert asked.times == 0


def test_an_application_can_use_authorization_itself(guarded: Guarded, standing_service: Caller) -> None:
    headers = {"Authorization": f"Bearer {BOB.token}"}
    with (
        asking(standing_service.base_url) as asked,
        guarded(asked.client, required=False, bearer=False) as site,
    ):
        assert site("GET", "/whoami", headers=headers).document == {"uuid": None}
        assert site("GET", "/whoami", ALICE.token, headers=headers).document["uuid"] == ALICE.uuid


def test_a_key_gets_through_with_its_prefix(guarded: Guarded, service: Caller) -> None:
    document = made(service, ALICE.token)
    with asking(service.base_url) as asked, guarded(asked.client) as site:
        headers = {"Authorization": f"Bearer {document['key']}"}
        told = site("GET", "/whoami", headers=headers).document
        assert (told["uuid"], told["key"]) == (ALICE.uuid, document["prefix"])
        assert document["key"] not in told["shown"]


def test_a_key_of_services_gets_through_to_these(guarded: Guarded, service: Caller) -> None:
    text = text_of(service, ALICE.token, services=["compute_api"])
    for name, status in (("compute_api", 200), ("storage_api", 401), (None, 401)):
        with asking(service.base_url) as asked, guarded(asked.client, service=name) as site:
            assert site.get("/whoami", text).status == status


def test_a_component_is_told_by_introspection(guarded: Guarded, service: Caller) -> None:
    text = text_of(service, ALICE.token, services=["compute_api"])
    with (
        asking(service.base_url) as asked,
        guarded(asked.client, component_token=COMPUTE_TOKEN) as site,
    ):
        told = site.get("/whoami", ALICE.token).document
        told.pop("shown")
        assert told == STORY_OF_ALICE
        assert [site.get("/whoami", token).status for token in (text, ACCESS_TOKEN, UNKNOWN_TOKEN)] == [
            200,
            401,
            401,
        ]
        assert asked.times == 4
    with (
        asking(service.base_url) as asked,
        guarded(asked.client, component_token=STORAGE_TOKEN) as site,
    ):
        assert site.get("/whoami", text).status == 401


def test_a_key_of_networks_gets_through_from_these(guarded: Guarded, service: Caller) -> None:
    here = text_of(service, ALICE.token, networks=["127.0.0.0/8"])
    elsewhere = text_of(service, ALICE.token, networks=["192.0.2.0/24"])
    with asking(service.base_url) as asked, guarded(asked.client, component_token=COMPUTE_TOKEN) as site:
        assert [site.get("/whoami", token).status for token in (here, elsewhere)] == [200, 401]
    with asking(service.base_url) as asked, guarded(asked.client, service="compute_api") as site:
        assert site.get("/whoami", here).status == 401


@pytest.mark.parametrize(
    ("trusted", "forwarded", "status"),
    [
        (["127.0.0.1"], "192.0.2.7", 200),
        (["127.0.0.1", "10.0.0.0/8"], "198.51.100.1, 192.0.2.7, 10.0.0.5", 200),
        (["127.0.0.1"], "192.0.2.7, 198.51.100.1", 401),
        (["127.0.0.1"], "192.0.2.7, nonsense", 401),
        (["127.0.0.1"], "", 401),
        (["10.0.0.0/8"], "192.0.2.7", 401),
        ([], "192.0.2.7", 401),
    ],
)
def test_only_a_trusted_proxy_tells_from_where_a_key_was_sent(
    guarded: Guarded, service: Caller, trusted: list[str], forwarded: str, status: int
) -> None:
    text = text_of(service, ALICE.token, networks=["192.0.2.0/24"])
    options = {"component_token": COMPUTE_TOKEN, "trusted_proxies": trusted}
    with asking(service.base_url) as asked, guarded(asked.client, **options) as site:
        assert site.get("/whoami", text, X_Forwarded_For=forwarded).status == status
        # Another address is another question, whatever is remembered of the first one.
        another = "192.0.2.8" if status == 401 else "198.51.100.2"
        is_known = status == 401 and "127.0.0.1" in trusted
        assert site.get("/whoami", text, X_Forwarded_For=another).status == (200 if is_known else 401)


def test_a_wrong_token_of_the_component_lets_nobody_in_and_blames_nobody(
    guarded: Guarded, standing_service: Caller
) -> None:
    with (
        asking(standing_service.base_url) as asked,
        guarded(asked.client, component_token=UNKNOWN_TOKEN) as site,
    ):
        reply = site.get("/whoami", ALICE.token)
        assert (reply.status, reply.fault) == (503, "serviceUnavailable")


@pytest.mark.parametrize("kind", ["nobody listens", "unwell", "nonsense", "no user"])
def test_where_astakos_cannot_be_asked_the_answer_is_503(
    guarded: Guarded, peer_of: PeerFactory, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    unwell = fault("serviceUnavailable", 503, "busy", "503 Unwell", headers="Retry-After: 17\r\n")
    step = {"nonsense": answer(body=b"<html>"), "no user": answer({"access": []})}.get(kind, unwell)
    url = peer_of(step).url if kind != "nobody listens" else f"http://127.0.0.1:{closed_port()}"
    with AstakosClient(url) as client, guarded(client, required=False, cookie_name=COOKIE) as site:
        for headers in ({"X-Auth-Token": ALICE.token}, {"Cookie": cookie_of(ALICE)}):
            reply = site("GET", "/whoami", headers=headers)
            assert (reply.status, reply.fault) == (503, "serviceUnavailable")
            assert reply.headers["retry-after"] == ("17" if kind == "unwell" else "5")
        assert site.get("/whoami").document == {"uuid": None}
    told = [record for record in caplog.records if record.name == "astakosclient.middleware"]
    assert [record.levelno for record in told] == [logging.WARNING] * 2
    assert not any(secret in caplog.text for secret in SECRETS)


def test_trouble_is_not_remembered(guarded: Guarded, peer_of: PeerFactory) -> None:
    peer = peer_of(fault("serviceUnavailable", 503, "busy", "503 Unwell"), answer({"uuid": ALICE.uuid}))
    with AstakosClient(peer.url) as client, guarded(client) as site:
        assert [site.get("/whoami", ALICE.token).status for _ in range(3)] == [503, 200, 200]
    assert len(peer.requests) == 2


def test_a_later_generation_is_asked_by_its_own_call(guarded: Guarded, peer_of: PeerFactory) -> None:
    access = {
        "token": {"id": ALICE.token, "expires": "2099-01-02T03:04:05.000678+00:00"},
        "user": {"id": ALICE.uuid, "name": "Alice Archer", "roles": [{"id": "1", "name": "staff"}]},
    }
    not_served = fault("badRequest", 400, "no such route", "400 Bad Request")
    peer = peer_of(not_served, answer({"access": access}))
    with AstakosClient(peer.url) as client, guarded(client, keeping=Keeping(seconds=0)) as site:
        for _ in range(2):
            told = site.get("/whoami", ALICE.token).document
            assert (told["uuid"], told["username"], told["roles"]) == (ALICE.uuid, "", ["staff"])
    assert [request.method for request in peer.requests] == ["GET", "POST", "POST"]


def test_what_is_known_is_not_asked_again(guarded: Guarded, standing_service: Caller) -> None:
    with asking(standing_service.base_url) as asked, guarded(asked.client) as site:
        for _ in range(3):
            assert site.get("/whoami", ALICE.token).status == 200
            assert site.get("/whoami", UNKNOWN_TOKEN).status == 401
        assert asked.times == 2


def test_a_token_that_is_withdrawn_is_refused_once_the_word_on_it_is_too_old(
    guarded: Guarded, database: Database, service: Caller
) -> None:
    with asking(service.base_url) as asked, guarded(asked.client, keeping=Keeping(seconds=0.1)) as site:
        assert site.get("/whoami", CHLOE.token).status == 200
        renewed = astakos(database, "user", "token", CHLOE.email, "--json").document
        await_that(lambda: site.get("/whoami", CHLOE.token).status == 401)
        assert site.get("/whoami", renewed["token"]).document["uuid"] == CHLOE.uuid


def test_requests_that_come_together_ask_once(guarded: Guarded, standing_service: Caller) -> None:
    with (
        asking(standing_service.base_url) as asked,
        guarded(asked.client) as site,
        concurrent.futures.ThreadPoolExecutor(12) as pool,
    ):
        asked.transport.open.clear()
        alike = [pool.submit(site.get, "/whoami", ALICE.token) for _ in range(8)]
        other = [
            pool.submit(site.get, "/whoami", CHLOE.token),
            pool.submit(site.get, "/whoami", UNKNOWN_TOKEN),
        ]
        await_that(lambda: asked.times == 3)
        asked.transport.open.set()
        assert {reply.result().document["uuid"] for reply in alike} == {ALICE.uuid}
        assert [reply.result().status for reply in other] == [200, 401]
        assert asked.times == 3


def test_some_paths_are_for_anybody(guarded: Guarded, standing_service: Caller) -> None:
    with (
        asking(standing_service.base_url) as asked,
        guarded(asked.client, exempt=["/health", "/open/"]) as site,
    ):
        for headers in ({}, UNKNOWN, {"X-Auth-Token": ALICE.token}):
            for path in ("/health", "/health?x=/", "/open/whoami"):
                assert site("GET", path, headers=headers).document == {"uuid": None}
        assert asked.times == 0
        for path in (
            "/whoami",
            "/health/",
            "/healthy",
            "/open",
            "/open/../whoami",
            "/open/%2e%2e/whoami",
            "/open//x",
        ):
            assert site.get(path).status == 401


def test_where_nobody_may_be_anybody_a_bad_token_is_still_refused(
    guarded: Guarded, standing_service: Caller
) -> None:
    with asking(standing_service.base_url) as asked, guarded(asked.client, required=False) as site:
        assert site.get("/whoami").document == {"uuid": None}
        assert site.get("/whoami", ALICE.token).document["uuid"] == ALICE.uuid
        assert site.get("/whoami", UNKNOWN_TOKEN).status == 401


def test_the_cookie_counts_by_choice(guarded: Guarded, standing_service: Caller) -> None:
    alice = {"Cookie": cookie_of(ALICE)}
    stale = {"Cookie": cookie_of(EDGAR)}
    with asking(standing_service.base_url) as asked:
        with guarded(asked.client) as site:
            assert site("GET", "/whoami", headers=alice).status == 401
        with guarded(asked.client, cookie_name=COOKIE) as site:
            assert site("GET", "/whoami", headers=alice).document["token"] == ALICE.token
            assert site("GET", "/whoami", headers=stale).status == 401
            for bad in ("", "=", f"{COOKIE}", f"{COOKIE}=", f"{COOKIE}=u%7C", f"x{COOKIE}=u%7C{ALICE.token}"):
                assert site("GET", "/whoami", headers={"Cookie": bad}).status == 401
            # The header is the caller's own word; the cookie may be anybody's.
            assert site("GET", "/whoami", headers=alice | UNKNOWN).status == 401
        with guarded(asked.client, cookie_name=COOKIE, required=False) as site:
            assert site("GET", "/whoami", headers=alice).document["uuid"] == ALICE.uuid
            assert site("GET", "/whoami", headers=stale).document == {"uuid": None}


def test_the_token_in_a_frameworks_own_cookies_is_found(guarded: Guarded, standing_service: Caller) -> None:
    with asking(standing_service.base_url) as asked, guarded(asked.client, exempt=["/cookie"]) as site:
        for cookies, token in (
            (cookie_of(ALICE), ALICE.token),
            (f"{COOKIE}={ALICE.uuid}|{ALICE.token}", ALICE.token),
            (f'{COOKIE}="{ALICE.uuid}%7C{ALICE.token}"', ALICE.token),
            (f"{COOKIE}=uuid%7Cto%2Bke%2Fn%3D%3D", "to+ke/n=="),
            (f"{COOKIE}=uuid%7C", None),
            (f"{COOKIE}=%ff%7C%00", "\x00"),
            (f"other={ALICE.uuid}%7C{ALICE.token}", None),
            ("", None),
        ):
            assert site("GET", "/cookie", headers={"Cookie": cookies}).document == {"token": token}


def test_an_application_can_word_refusals_its_own_way(guarded: Guarded, standing_service: Caller) -> None:
    def worded(status: int, message: str) -> dict[str, object]:
        return {"error": {"message": message, "status": status}}

    with asking(standing_service.base_url) as asked, guarded(asked.client, refusal_body=worded) as site:
        for token in (None, UNKNOWN_TOKEN):
            reply = site.get("/whoami", token)
            assert reply.status == reply.document["error"]["status"] == 401
            assert "token" in reply.document["error"]["message"]
            assert reply.headers["www-authenticate"].startswith('Bearer realm="astakos"')
        assert site.get("/whoami", ALICE.token).status == 200
