"""Whoever delivers does not wait for a name server that says nothing."""

import socket
from collections.abc import Iterator

import pytest

from astakos.deliveries import connecting, mail, webhooks
from astakos.deliveries.connecting import connected, own_name
from astakos.deliveries.mail import Mailer
from astakos.deliveries.outcomes import DeliveryError
from astakos.deliveries.webhooks import send
from astakos.directory.destination_addresses import AllowedAddresses
from astakos.doctor import asking
from astakos.doctor.asking import NoAnswerError, get
from astakos.processes.listening import LOOPBACK, listen
from service.deliveries.mail_server import mail_server
from service.deliveries.test_mail import message
from silent_names import SILENT, SilentServer, silent_names

SOON = 0.05
PATIENT = 10.0
IN_WORDS = "has a name that no name server resolved in time"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SilentServer]:
    with silent_names(monkeypatch) as found:
        yield found


def test_a_webhook_is_given_up_in_words(server: SilentServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "NAME_SECONDS", SOON)
    with pytest.raises(DeliveryError, match=f"{SILENT} {IN_WORDS}"):
        send(f"https://{SILENT}/", {}, b"{}", AllowedAddresses([]))


def test_a_mail_server_is_given_up_in_words(server: SilentServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "SILENCE_SECONDS", SOON)
    with pytest.raises(DeliveryError, match=f"{SILENT}:25 {IN_WORDS}"):
        Mailer.from_url(f"smtp://{SILENT}", "a@example.org").deliver(message())


def test_the_doctor_says_so(server: SilentServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "SECONDS", SOON)
    with pytest.raises(NoAnswerError, match=IN_WORDS):
        get(f"http://{SILENT}/")


def test_mail_leaves_although_the_name_of_this_machine_cannot_be_resolved(
    server: SilentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda: server.wait(SILENT))
    monkeypatch.setattr(mail, "NAME_SECONDS", SOON)
    with mail_server() as receiver:
        receiver.mailer.deliver(message())
    assert receiver.message().get_content().strip() == "Größe"
    assert server.asked == [SILENT]


@pytest.mark.parametrize(
    ("full", "told"), [("mail.example.org", "mail.example.org"), ("localhost", "[127.0.0.9]")]
)
def test_this_machine_calls_itself_by_its_full_name_or_its_address(
    full: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda: full)
    monkeypatch.setattr(socket, "gethostbyname", lambda _: "127.0.0.9")
    assert own_name(PATIENT) == told


def test_the_next_address_of_a_host_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with listen(LOOPBACK, 0) as listener:
        good = listener.getsockname()
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in (("127.0.0.1", 1), good)]
        monkeypatch.setattr(connecting, "resolve", lambda *_: found)
        with connected("two.example.org", good[1], PATIENT) as connection:
            assert (connection.getpeername(), connection.gettimeout()) == (good, PATIENT)
