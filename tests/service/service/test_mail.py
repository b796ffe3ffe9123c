"""Feedback goes on by mail where a mail server is configured."""

import contextlib
import email
import io
import socket
import threading
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage

import pytest

from astakos.processes.listening import LOOPBACK, listen
from astakos.service import mail
from astakos.service.mail import Mailer
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, Caller, Reply
from service.installation import rows, running
from service.world import BOB, CHLOE, Person

RECIPIENTS = ("help@example.org", "second@example.org")


class MailServer:
    """As much of a mail server as it takes to receive; it takes a message, or refuses it with a reply."""

    def __init__(self, listener: socket.socket, refusal: str | None = None) -> None:
        self.port: int = listener.getsockname()[1]
        self.envelope: list[str] = []
        self.messages: list[bytes] = []
        self._listener = listener
        self._refusal = refusal

    def work(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, connection.makefile("rwb") as stream:
                    self._converse(stream)

    def _converse(self, stream: io.BufferedRWPair) -> None:
        def say(line: str) -> None:
            stream.write(line.encode() + b"\r\n")
            stream.flush()

        say("220 ready")
        while line := stream.readline().decode().strip():
            command = line.partition(" ")[0].upper()
            if command == "DATA":
                say("354 go on")
                self.messages.append(b"".join(iter(stream.readline, b".\r\n")))
            elif command in ("MAIL", "RCPT"):
                self.envelope.append(line)
            if command == "QUIT":
                say("221 bye")
                return
            say(self._refusal if command == "RCPT" and self._refusal else "250 fine")

    def message(self) -> EmailMessage:
        (content,) = self.messages
        return email.message_from_bytes(content, policy=policy.default)


@contextlib.contextmanager
def mail_server(refusal: str | None = None) -> Iterator[MailServer]:
    with listen(LOOPBACK, 0) as listener:
        server = MailServer(listener, refusal)
        thread = threading.Thread(target=server.work, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def mailer(port: int) -> Mailer:
    return Mailer.from_url(f"smtp://{LOOPBACK}:{port}", "astakos@example.org", RECIPIENTS)


def give_feedback(service: Caller, person: Person) -> Reply:
    return service(
        "POST",
        f"{ACCOUNT}/feedback",
        person.token,
        body=b"feedback_msg=Gr%C3%B6%C3%9Fe&feedback_data=agent",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )


@pytest.mark.parametrize("person", [BOB, CHLOE], ids=["Bob", "Chloe"])
def test_feedback_reaches_all_recipients_and_can_be_answered(database: Database, person: Person) -> None:
    with mail_server() as server, running(database, mailer(server.port)) as service:
        reply = give_feedback(service, person)
    assert (reply.status, reply.content) == (200, b"")
    assert [line.partition(":")[2].partition(">")[0] for line in server.envelope] == [
        "<astakos@example.org",
        "<help@example.org",
        "<second@example.org",
    ]
    message = server.message()
    assert message["From"] == "astakos@example.org"
    assert message["To"] == "help@example.org, second@example.org"
    assert message["Reply-To"] == person.email
    assert message["Subject"] == f"Feedback from {person.email.lower()}"
    text = message.get_content()
    for part in ("Größe", "agent", person.uuid):
        assert part in text


def test_a_mail_server_that_refuses_is_a_bad_gateway_and_the_feedback_is_kept(database: Database) -> None:
    with mail_server("550 not here") as server, running(database, mailer(server.port)) as service:
        reply = give_feedback(service, BOB)
    assert (reply.status, reply.content, reply.headers["content-length"]) == (502, b"", "0")
    assert rows(database, "SELECT message, data FROM feedback") == [("Größe", "agent")]


def test_a_mail_server_that_is_down_is_a_bad_gateway_and_the_feedback_is_kept(database: Database) -> None:
    with listen(LOOPBACK, 0) as listener:
        port = listener.getsockname()[1]
    with running(database, mailer(port)) as service:
        reply = give_feedback(service, BOB)
    assert (reply.status, reply.content) == (502, b"")
    assert rows(database, "SELECT message FROM feedback") == [("Größe",)]


def test_a_mail_server_that_says_nothing_is_given_up(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "TIMEOUT_SECONDS", 0.05)
    with listen(LOOPBACK, 0) as silent, running(database, mailer(silent.getsockname()[1])) as service:
        assert give_feedback(service, BOB).status == 502


def log_in(service: Caller, person: Person) -> int:
    """Get a temporary token, which is stored before it is answered."""
    identity = {"methods": ["token"], "token": {"id": person.token}}
    return service.post("/identity/v3/auth/tokens", "", {"auth": {"identity": identity}}).status


def test_while_the_mail_server_says_nothing_others_log_in(database: Database) -> None:
    replies: list[Reply] = []
    with listen(LOOPBACK, 0) as silent, running(database, mailer(silent.getsockname()[1])) as service:
        flood = [
            threading.Thread(target=lambda: replies.append(give_feedback(service, BOB)), daemon=True)
            for _ in range(4)
        ]
        for thread in flood:
            thread.start()
        connection, _ = silent.accept()
        for _ in range(5):
            assert log_in(service, CHLOE) == 201
        assert replies == [], "nobody's feedback has been mailed yet"
        connection.close()
        # The next deliveries find nobody listening.
        silent.close()
        for thread in flood:
            thread.join()
    assert [reply.status for reply in replies] == [502] * 4
    assert len(rows(database, "SELECT message FROM feedback")) == 4


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("smtp://mail.example.org", ("smtp", "mail.example.org", 25, None, None)),
        ("smtp://mail.example.org:2525", ("smtp", "mail.example.org", 2525, None, None)),
        ("smtps://u:p%40ss@mail.example.org", ("smtps", "mail.example.org", 465, "u", "p@ss")),
        ("smtp+starttls://u%3A:p@[::1]", ("smtp+starttls", "::1", 587, "u:", "p")),
    ],
)
def test_a_mail_server_is_named_by_a_url(url: str, parts: tuple[object, ...]) -> None:
    found = Mailer.from_url(url, "a@example.org", RECIPIENTS)
    assert (found.scheme, found.host, found.port, found.username, found.password) == parts
    assert "p@ss" not in repr(found)


@pytest.mark.parametrize("url", ["", "mail.example.org", "http://u:secret@example.org", "smtp://", "smtp:"])
def test_what_names_no_mail_server_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"smtp://host") as caught:
        Mailer.from_url(url, "a@example.org", RECIPIENTS)
    assert "secret" not in str(caught.value)
