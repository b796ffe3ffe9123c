"""Passwords and feedback go to no mail server whose certificate cannot be verified."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from astakos.deliveries.mail import Mailer
from astakos.deliveries.outcomes import DeliveryError
from astakos.processes.listening import LOOPBACK, listen
from client.peers import CERTIFICATE, KEY

PASSWORD = "mail-password"
KINDS = ["smtps", "smtp+starttls"]


class EncryptedMailServer:
    """A mail server that encrypts, from the start or on STARTTLS, and keeps every line that it is told."""

    def __init__(self, listener: socket.socket, *, on_demand: bool) -> None:
        self.told: list[bytes] = []
        self._listener = listener
        self._on_demand = on_demand
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(CERTIFICATE, KEY)

    def work(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            with connection:
                if self._on_demand:
                    self._converse(connection, greeting=b"220 ready\r\n")
                with self._context.wrap_socket(connection, server_side=True) as encrypted:
                    self._converse(encrypted, greeting=b"" if self._on_demand else b"220 ready\r\n")

    def _converse(self, connection: socket.socket, greeting: bytes) -> None:
        with connection.makefile("rb") as stream:
            connection.sendall(greeting)
            while line := stream.readline():
                self.told.append(line)
                command = line.split()[0].upper()
                if command == b"STARTTLS":
                    connection.sendall(b"220 go on\r\n")
                    return
                connection.sendall(self._answer(command))
                if command == b"DATA":
                    self.told += iter(stream.readline, b".\r\n")
                    connection.sendall(b"250 fine\r\n")

    def _answer(self, command: bytes) -> bytes:
        return {
            b"EHLO": b"250-here\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n",
            b"AUTH": b"235 welcome\r\n",
            b"DATA": b"354 go on\r\n",
            b"QUIT": b"221 bye\r\n",
        }.get(command, b"250 fine\r\n")


@contextlib.contextmanager
def encrypted_server(kind: str) -> Iterator[tuple[EncryptedMailServer, Mailer]]:
    with listen(LOOPBACK, 0) as listener:
        server = EncryptedMailServer(listener, on_demand=kind == "smtp+starttls")
        thread = threading.Thread(target=server.work, daemon=True)
        thread.start()
        url = f"{kind}://user:{PASSWORD}@localhost:{listener.getsockname()[1]}"
        try:
            yield server, Mailer.from_url(url, "astakos@example.org")
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def deliver(mailer: Mailer) -> None:
    message = EmailMessage()
    message["From"], message["To"] = mailer.sender, "bob@example.org"
    message.set_content("a secret complaint")
    mailer.deliver(message)


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_cannot_be_verified_is_told_nothing(kind: str) -> None:
    with (
        encrypted_server(kind) as (server, mailer),
        pytest.raises(DeliveryError, match="has a certificate that cannot be verified"),
    ):
        deliver(mailer)
    assert [line.split()[0] for line in server.told] == ([b"ehlo", b"STARTTLS"] if "+" in kind else [])


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_trusted_takes_login_and_message(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with encrypted_server(kind) as (server, mailer):
        deliver(mailer)
    assert b"a secret complaint\r\n" in server.told
    assert any(line.startswith(b"AUTH") for line in server.told)
