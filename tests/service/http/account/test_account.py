import pytest

from astakos.storage.protocol import Database
from service.caller import ACCOUNT, Caller
from service.installation import rows
from service.world import (
    ALICE,
    BOB,
    CHLOE,
    COMPUTE_TOKEN,
    DORA,
    PEOPLE,
    RAM,
    SPACE,
    UNKNOWN_UUID,
    VM,
)

pytestmark = pytest.mark.every_engine

USER_CATALOGS = f"{ACCOUNT}/user_catalogs"
SERVICE_CATALOGS = f"{ACCOUNT}/service/user_catalogs"
FEEDBACK = f"{ACCOUNT}/feedback"
FORM = "application/x-www-form-urlencoded"
BOTH = pytest.mark.parametrize(
    ("path", "token"),
    [(USER_CATALOGS, ALICE.token), (SERVICE_CATALOGS, COMPUTE_TOKEN)],
    ids=["user", "service"],
)


class TestAuthenticate:
    def test_it_tells_a_user_who_they_are(self, standing_service: Caller) -> None:
        assert standing_service.get(f"{ACCOUNT}/authenticate", ALICE.token).document == {
            "id": 1,
            "username": "alice@example.org",
            "uuid": ALICE.uuid,
            "email": ["alice@example.org"],
            "name": "Alice Archer",
            "groups": ["staff", "admin-api"],
            "auth_token": ALICE.token,
            "auth_token_created": 1925089445000,
            "auth_token_expires": 4071006245000,
        }

    def test_usage_is_asked_for_in_vain(self, standing_service: Caller) -> None:
        plain = standing_service.get(f"{ACCOUNT}/authenticate", ALICE.token)
        assert standing_service.get(f"{ACCOUNT}/authenticate?usage=1", ALICE.token).document == plain.document

    def test_the_user_name_is_the_address_in_lower_case(self, standing_service: Caller) -> None:
        document = standing_service.get(f"{ACCOUNT}/authenticate", BOB.token).document
        assert (document["username"], document["email"]) == (BOB.email.lower(), [BOB.email])

    def test_the_token_is_that_of_the_header(self, standing_service: Caller) -> None:
        reply = standing_service.get(f"{ACCOUNT}/authenticate?X-Auth-Token={CHLOE.token}")
        assert (reply.document["uuid"], reply.document["auth_token"]) == (CHLOE.uuid, None)


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


class TestResources:
    def test_everybody_sees_what_is_counted(self, standing_service: Caller) -> None:
        assert standing_service.get(f"{ACCOUNT}/resources").document == {
            VM: {
                "service": "compute_api",
                "description": "Virtual machines",
                "unit": None,
                "ui_visible": True,
                "api_visible": True,
            },
            RAM: {
                "service": "compute_api",
                "description": "Memory",
                "unit": "bytes",
                "ui_visible": False,
                "api_visible": True,
            },
            SPACE: {
                "service": "storage_api",
                "description": "Größe",
                "unit": "bytes",
                "ui_visible": True,
                "api_visible": True,
            },
        }

    def test_descriptions_are_ascii_on_the_wire(self, standing_service: Caller) -> None:
        assert standing_service.get(f"{ACCOUNT}/resources", "any token").content.isascii()


def multipart(fields: dict[str, bytes], boundary: str = "b0undary") -> tuple[bytes, str]:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"
        for name, value in fields.items()
    ]
    return b"".join([*parts, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"


MULTIPART_BODY, MULTIPART = multipart({"feedback_msg": "Größe & more\r\n+".encode(), "feedback_data": b"d=1"})
BAD_TEXT_BODY, _ = multipart({"feedback_msg": b"\xff\xfe"})
NO_MESSAGE_BODY, _ = multipart({"feedback_data": b"x"})


class TestFeedback:
    @pytest.mark.parametrize(
        ("body", "content_type", "kept"),
        [
            (b"feedback_msg=Hello&feedback_data=x%3D1", FORM, ("Hello", "x=1")),
            (b"feedback_msg=Hello", FORM + "; charset=utf-8", ("Hello", "")),
            (b"feedback_msg=Gr%C3%B6%C3%9Fe+%26+more", FORM.upper(), ("Größe & more", "")),
            ("feedback_msg=Größe".encode(), FORM, ("Größe", "")),
            (b"feedback_msg=first&feedback_msg=last&other=1", FORM, ("last", "")),
            (MULTIPART_BODY, MULTIPART, ("Größe & more\r\n+", "d=1")),
        ],
    )
    def test_it_is_kept(
        self, database: Database, service: Caller, body: bytes, content_type: str, kept: tuple[str, str]
    ) -> None:
        reply = service("POST", FEEDBACK, BOB.token, body=body, headers={"Content-Type": content_type})
        assert (reply.status, reply.content) == (200, b"")
        statement = "SELECT u.uuid, f.message, f.data FROM feedback f JOIN users u ON u.id = f.user_id"
        assert rows(database, statement) == [(BOB.uuid, *kept)]

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            (b"", FORM),
            (b"feedback_msg=", FORM),
            (b"feedback_data=x", FORM),
            (b"feedback_msg=%00", FORM),
            (b"feedback_msg=x&feedback_data=%00", FORM),
            (b"FEEDBACK_MSG=x", FORM),
            (b"feedback_msg=%ff", FORM),
            (b"feedback_msg=\xff", FORM),
            (b"feedback_msg=x", "application/octet-stream"),
            (b"feedback_msg=x", "text/plain"),
            (b"feedback_msg=x", ""),
            (b'{"feedback_msg": "x"}', "application/json"),
            (b"feedback_msg=x", "multipart/form-data"),
            (b"feedback_msg=x", "multipart/form-data; boundary=b0undary"),
            (b"", MULTIPART),
            (MULTIPART_BODY, "multipart/form-data; boundary=other"),
            (NO_MESSAGE_BODY, MULTIPART),
            (BAD_TEXT_BODY, MULTIPART),
            (MULTIPART_BODY.replace(b"form-data;", b"form-data"), MULTIPART),
            (MULTIPART_BODY[:20], MULTIPART),
        ],
    )
    def test_what_is_no_form_with_a_message_is_refused(
        self, standing_service: Caller, body: bytes, content_type: str
    ) -> None:
        reply = standing_service(
            "POST", FEEDBACK, BOB.token, body=body, headers={"Content-Type": content_type}
        )
        assert (reply.status, reply.fault) == (400, "badRequest")

    def test_a_refused_form_is_not_kept(self, database: Database, service: Caller) -> None:
        headers = {"Content-Type": FORM}
        assert service("POST", FEEDBACK, BOB.token, body=b"x=1", headers=headers).status == 400
        assert rows(database, "SELECT * FROM feedback") == []

    def test_a_long_message_is_kept_whole(self, database: Database, service: Caller) -> None:
        body, content_type = multipart({"feedback_data": b"x", "feedback_msg": b"a" * 900_000})
        reply = service("POST", FEEDBACK, BOB.token, body=body, headers={"Content-Type": content_type})
        assert reply.status == 200
        assert rows(database, "SELECT length(message) FROM feedback") == [(900_000,)]

    def test_a_form_of_many_fields_is_read(self, standing_service: Caller) -> None:
        body, content_type = multipart({f"f{number}": b"" for number in range(2000)})
        reply = standing_service(
            "POST", FEEDBACK, BOB.token, body=body, headers={"Content-Type": content_type}
        )
        assert reply.status == 400
