import socket
import threading
from email.message import EmailMessage

import pytest

from astakos.deliveries import mail
from astakos.deliveries.mail import Mailer
from astakos.deliveries.outcomes import DeliveryError
from astakos.processes.listening import LOOPBACK, listen
from service.deliveries.mail_server import mail_server


def message() -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"] = "astakos@example.org", "bob@example.org"
    made.set_content("Größe\n")
    return made


def test_a_message_reaches_its_recipient() -> None:
    with mail_server() as server:
        server.mailer.deliver(message())
    assert [line.partition(":")[2].partition(">")[0] for line in server.envelope] == [
        "<astakos@example.org",
        "<bob@example.org",
    ]
    assert server.message().get_content().strip() == "Größe"


@pytest.mark.parametrize(("refusal", "is_final"), [("550 unknown", True), ("450 later", False)])
def test_a_recipient_who_is_unknown_is_final(refusal: str, is_final: bool) -> None:
    with mail_server(refusal) as server, pytest.raises(DeliveryError, match=refusal) as caught:
        server.mailer.deliver(message())
    assert caught.value.is_final is is_final


def test_a_server_that_is_down_is_named() -> None:
    with listen(LOOPBACK, 0) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(DeliveryError, match=f"127.0.0.1:{port} refused the connection"):
        Mailer.from_url(f"smtp://{LOOPBACK}:{port}", "a@example.org").deliver(message())


def test_a_server_that_drips_is_given_up_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "EXCHANGE_SECONDS", 0.2)
    ended = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                while not ended.wait(0.01):
                    # Never silent, and never a whole line.
                    connection.sendall(b"2")
            except OSError:
                return

    with listen(LOOPBACK, 0) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        mailer = Mailer.from_url(f"smtp://{LOOPBACK}:{listener.getsockname()[1]}", "a@example.org")
        try:
            with pytest.raises(DeliveryError, match=r"took longer than 0\.2 seconds"):
                mailer.deliver(message())
        finally:
            ended.set()
            thread.join()


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
    found = Mailer.from_url(url, "a@example.org")
    assert (found.scheme, found.host, found.port, found.username, found.password) == parts
    assert "p@ss" not in repr(found)


@pytest.mark.parametrize("url", ["", "mail.example.org", "http://u:secret@example.org", "smtp://", "smtp:"])
def test_what_names_no_mail_server_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"smtp://host") as caught:
        Mailer.from_url(url, "a@example.org")
    assert "secret" not in str(caught.value)
