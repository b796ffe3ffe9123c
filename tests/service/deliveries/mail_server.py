"""A mail server for tests, on the loopback."""

import contextlib
import email
import io
import socket
import threading
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage

from astakos.deliveries.mail import Mailer
from astakos.processes.listening import LOOPBACK, listen


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
        """The only message that was received."""
        (message,) = self.parsed()
        return message

    def parsed(self) -> list[EmailMessage]:
        """All messages that were received."""
        return [email.message_from_bytes(content, policy=policy.default) for content in self.messages]

    @property
    def mailer(self) -> Mailer:
        return Mailer.from_url(f"smtp://{LOOPBACK}:{self.port}", "astakos@example.org")


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
