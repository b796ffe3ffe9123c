import pytest

from astakos.clock import DAY, MICROSECONDS
from astakos.storage.protocol import Database
from astakos.storage.tables.feedback import MOST_A_DAY
from service.caller import ACCOUNT, Caller
from service.installation import rows
from service.world import (
    BOB,
)

pytestmark = pytest.mark.every_engine

FEEDBACK = f"{ACCOUNT}/feedback"
FORM = "application/x-www-form-urlencoded"


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

    def test_too_much_of_it_is_refused_and_says_how_long(self, database: Database, service: Caller) -> None:
        body, headers = b"feedback_msg=x", {"Content-Type": FORM}
        for _ in range(MOST_A_DAY):
            assert service("POST", FEEDBACK, BOB.token, body=body, headers=headers).status == 200
        reply = service("POST", FEEDBACK, BOB.token, body=body, headers=headers)
        assert (reply.status, reply.fault) == (429, "overLimit")
        assert reply.message == "You have sent too much feedback. Try again in 24 hours."
        assert 0 < int(reply.headers["retry-after"]) <= DAY // MICROSECONDS
        assert rows(database, "SELECT count(*) FROM feedback") == [(MOST_A_DAY,)]

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
