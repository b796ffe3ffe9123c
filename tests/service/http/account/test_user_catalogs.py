import threading
from typing import Any

import pytest

from astakos.http.account import user_catalogs
from astakos.http.serialization import to_json
from service.caller import ACCOUNT, Caller
from service.world import (
    ALICE,
    BOB,
    CHLOE,
    COMPUTE_TOKEN,
    DORA,
    PEOPLE,
    UNKNOWN_UUID,
)

pytestmark = pytest.mark.every_engine

USER_CATALOGS = f"{ACCOUNT}/user_catalogs"
SERVICE_CATALOGS = f"{ACCOUNT}/service/user_catalogs"
BOTH = pytest.mark.parametrize(
    ("path", "token"),
    [(USER_CATALOGS, ALICE.token), (SERVICE_CATALOGS, COMPUTE_TOKEN)],
    ids=["user", "service"],
)


class TestCatalogs:
    @BOTH
    def test_uuids_become_names_and_names_uuids(
        self, standing_service: Caller, path: str, token: str
    ) -> None:
        document = {
            "uuids": [BOB.uuid, UNKNOWN_UUID, DORA.uuid, BOB.uuid],
            "displaynames": [CHLOE.email, "BOB.builder@example.org", "nobody@example.org", DORA.email],
        }
        reply = standing_service.post(path, token, document)
        assert (reply.status, reply.document) == (
            200,
            {
                "uuid_catalog": {BOB.uuid: "bob.builder@example.org", DORA.uuid: DORA.email},
                "displayname_catalog": {
                    CHLOE.email: CHLOE.uuid,
                    "BOB.builder@example.org": BOB.uuid,
                    DORA.email: DORA.uuid,
                },
            },
        )

    @BOTH
    def test_of_two_spellings_the_last_is_answered(
        self, standing_service: Caller, path: str, token: str
    ) -> None:
        names = ["bob.builder@example.org", ALICE.email, "BOB.BUILDER@EXAMPLE.ORG"]
        reply = standing_service.post(path, token, {"displaynames": names})
        assert reply.document["displayname_catalog"] == {
            ALICE.email: ALICE.uuid,
            "BOB.BUILDER@EXAMPLE.ORG": BOB.uuid,
        }

    @BOTH
    @pytest.mark.parametrize("document", [{}, {"uuids": [], "displaynames": []}, {"uuid": [ALICE.uuid]}])
    def test_missing_keys_ask_for_nothing(
        self, standing_service: Caller, path: str, token: str, document: object
    ) -> None:
        reply = standing_service.post(path, token, document)
        assert reply.document == {"uuid_catalog": {}, "displayname_catalog": {}}

    def test_null_for_uuids_is_nothing_to_a_user_and_all_to_a_service(self, standing_service: Caller) -> None:
        asked = {"uuids": None}
        assert standing_service.post(USER_CATALOGS, ALICE.token, asked).document == {
            "uuid_catalog": {},
            "displayname_catalog": {},
        }
        assert standing_service.post(SERVICE_CATALOGS, COMPUTE_TOKEN, asked).document == {
            "uuid_catalog": {person.uuid: person.email.lower() for person in PEOPLE},
            "displayname_catalog": {},
        }

    @BOTH
    @pytest.mark.parametrize(
        "value", [None, "alice@example.org", 1, {}, True, [1], [ALICE.email, None], [[]]]
    )
    def test_display_names_must_be_a_list_of_texts(
        self, standing_service: Caller, path: str, token: str, value: object
    ) -> None:
        reply = standing_service.post(path, token, {"displaynames": value})
        assert (reply.status, reply.fault) == (400, "badRequest")
        assert "displaynames" in reply.message

    @BOTH
    @pytest.mark.parametrize("value", [ALICE.uuid, "", [1, None, [], {}], [UNKNOWN_UUID], {"x": 1}, ["\0"]])
    def test_uuids_that_are_none_match_nobody(
        self, standing_service: Caller, path: str, token: str, value: object
    ) -> None:
        reply = standing_service.post(path, token, {"uuids": value})
        assert (reply.status, reply.document["uuid_catalog"]) == (200, {})

    @BOTH
    @pytest.mark.parametrize("value", [1, 1.5, True])
    def test_uuids_that_can_not_be_a_list_are_refused(
        self, standing_service: Caller, path: str, token: str, value: object
    ) -> None:
        reply = standing_service.post(path, token, {"uuids": value})
        assert (reply.status, reply.fault) == (400, "badRequest")
        assert "uuids" in reply.message

    @BOTH
    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"1", b"\xff\xfe{}"])
    def test_the_body_must_be_an_object(
        self, standing_service: Caller, path: str, token: str, body: bytes
    ) -> None:
        reply = standing_service("POST", path, token, body=body)
        assert (reply.status, reply.fault) == (400, "badRequest")

    @BOTH
    @pytest.mark.parametrize("content_type", ["", "text/plain", "application/xml", "application/json"])
    def test_the_content_type_does_not_matter(
        self, standing_service: Caller, path: str, token: str, content_type: str
    ) -> None:
        reply = standing_service(
            "POST", path, token, body=b'{"uuids": []}', headers={"Content-Type": content_type}
        )
        assert reply.status == 200

    @BOTH
    def test_many_can_be_asked_at_once(self, standing_service: Caller, path: str, token: str) -> None:
        strangers = [f"{number:08}-0000-4000-8000-000000000000" for number in range(500)]
        reply = standing_service.post(path, token, {"uuids": [*strangers, ALICE.uuid]})
        assert reply.document["uuid_catalog"] == {ALICE.uuid: ALICE.email}


def test_the_names_of_all_users_do_not_stop_the_event_loop(
    service: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def noting(document: Any) -> bytes:
        threads.append(threading.current_thread().name)
        return to_json(document)

    monkeypatch.setattr(user_catalogs, "to_json", noting)
    reply = service.post(SERVICE_CATALOGS, COMPUTE_TOKEN, {"uuids": None, "displaynames": []})
    assert set(reply.document["uuid_catalog"]) == {person.uuid for person in PEOPLE}
    (thread,) = threads
    assert thread.startswith("astakos-long reads")
